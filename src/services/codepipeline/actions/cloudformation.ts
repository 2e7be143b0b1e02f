import { notImplemented } from "../../../kernel/aws-error.ts";
import { ActionFailure, type ActionContext, type ActionProvider, type Left } from "../action-run.ts";
import { putArtifactFile } from "../artifact-files.ts";
import { changeSetExecute, changeSetReplace } from "./change-set.ts";
import { describeStack, endOfStack, failIfStuck, isStuck, operationFailure, type StackView } from "./stack.ts";
import { inputsOf } from "./stack-inputs.ts";

const NO_UPDATES = /No updates are to be performed/;

/** A stack or a change set. */
export const cloudformation: ActionProvider = {
  timeoutMinutes: 3 * 24 * 60,
  check({ configuration = {}, name, outputArtifacts = [] }) {
    const mode = configuration["ActionMode"] ?? "";
    if (!Object.hasOwn(MODES, mode))
      throw notImplemented(`the ActionMode ${mode} of the CloudFormation action ${name}`);
    const needed = [
      "StackName",
      ...(mode.startsWith("CHANGE_SET") ? ["ChangeSetName"] : []),
      ...(mode === "CHANGE_SET_EXECUTE" || mode === "DELETE_ONLY" ? [] : ["TemplatePath"]),
      ...(outputArtifacts.length ? ["OutputFileName"] : []),
    ];
    for (const key of needed)
      if (!configuration[key])
        throw new ActionFailure(
          "ConfigurationError",
          `Action configuration for action '${name}' is missing required configuration '${key}'`,
        );
  },
  async run(action) {
    const mode = MODES[String(action.configuration["ActionMode"])];
    if (!mode) throw notImplemented(`the ActionMode ${action.configuration["ActionMode"]}`);
    const left = await mode(action);
    const [output] = action.outputs;
    if (left.status !== "Succeeded" || !output) return left;
    await putArtifactFile(
      action,
      output,
      String(action.configuration["OutputFileName"]),
      JSON.stringify(left.variables ?? {}),
    );
    return { ...left, outputs: [output] };
  },
};

const MODES: Readonly<Record<string, (action: ActionContext) => Promise<Left>>> = {
  CHANGE_SET_REPLACE: changeSetReplace,
  CHANGE_SET_EXECUTE: changeSetExecute,
  CREATE_UPDATE: (action) => createOrUpdate(action, false),
  REPLACE_ON_FAILURE: (action) => createOrUpdate(action, true),
  DELETE_ONLY: deleteOnly,
};

async function createOrUpdate(action: ActionContext, replace: boolean): Promise<Left> {
  const { configuration, role, run } = action;
  const StackName = String(configuration["StackName"]);
  let stack = await describeStack(action, StackName);
  if (stack && isStuck(stack) && !run.externalId) {
    if (!replace) failIfStuck(stack);
    await remove(action, stack);
    stack = undefined;
  }
  const exists = stack !== undefined && stack.status !== "REVIEW_IN_PROGRESS";
  // A run that was interrupted has begun already, and says so by its id.
  if (!run.externalId) {
    const input = { StackName, ClientRequestToken: run.id, ...(await inputsOf(action)) };
    try {
      const { StackId } = exists
        ? await role.call("cloudformation", "UpdateStack", input)
        : await role.call("cloudformation", "CreateStack", input);
      await action.save({ externalId: String(StackId) });
    } catch (error) {
      if (!NO_UPDATES.test((error as Error).message)) throw error;
      return {
        status: "Succeeded",
        summary: "No updates are to be performed.",
        externalId: stack!.id,
        variables: stack!.outputs,
      };
    }
  }
  return await endOfOperation(action, StackName);
}

/** Waits for the end of what the stack does; a failure names the resource. */
async function endOfOperation(action: ActionContext, StackName: string): Promise<Left> {
  const stack = await endOfStack(action, StackName);
  if (stack.status !== "CREATE_COMPLETE" && stack.status !== "UPDATE_COMPLETE")
    throw await operationFailure(action, stack);
  return {
    status: "Succeeded",
    summary: `Stack ${StackName}: ${stack.status}`,
    externalId: stack.id,
    variables: stack.outputs,
  };
}

async function deleteOnly(action: ActionContext): Promise<Left> {
  const stack = await describeStack(action, String(action.configuration["StackName"]));
  if (stack) await remove(action, stack);
  return { status: "Succeeded", summary: "Stack deleted", ...(stack ? { externalId: stack.id } : {}) };
}

async function remove(action: ActionContext, stack: StackView): Promise<void> {
  const RoleARN = action.configuration["RoleArn"];
  await action.role.call("cloudformation", "DeleteStack", {
    StackName: stack.id,
    ClientRequestToken: action.run.id,
    ...(RoleARN ? { RoleARN } : {}),
  });
  const after = await endOfStack(action, stack.id, { goneIsEnd: true });
  if (after.status !== "DELETE_COMPLETE") throw await operationFailure(action, after);
}
