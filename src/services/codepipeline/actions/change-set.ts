import { codeOf } from "../../../kernel/aws-error.ts";
import { ActionFailure, waitFor, type ActionContext, type Left } from "../action-run.ts";
import { describeStack, endOfStack, failIfStuck, operationFailure } from "./stack.ts";
import { inputsOf } from "./stack-inputs.ts";

const SLOWEST_MS = 250;
const NO_CHANGES = /didn't contain changes|No updates are to be performed/;

interface ChangeSet {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
  readonly executionStatus: string;
}

async function describe({ role, configuration }: ActionContext): Promise<ChangeSet | undefined> {
  try {
    const found = await role.call("cloudformation", "DescribeChangeSet", {
      StackName: configuration["StackName"],
      ChangeSetName: configuration["ChangeSetName"],
    });
    return {
      id: String(found.ChangeSetId),
      status: String(found.Status),
      reason: found.StatusReason ?? "",
      executionStatus: String(found.ExecutionStatus),
    };
  } catch (error) {
    if (codeOf(error)?.startsWith("ChangeSetNotFound") || /does not exist/.test((error as Error).message))
      return undefined;
    throw error;
  }
}

/** Makes the change set anew; one that contains no changes is fine too. */
export async function changeSetReplace(action: ActionContext): Promise<Left> {
  const { configuration, role, run } = action;
  const [StackName, ChangeSetName] = [String(configuration["StackName"]), String(configuration["ChangeSetName"])];
  if (!run.externalId) {
    const { StackPolicyBody, ...input } = await inputsOf(action);
    const stack = await describeStack(action, StackName);
    if (stack) failIfStuck(stack);
    if (await describe(action)) await role.call("cloudformation", "DeleteChangeSet", { StackName, ChangeSetName });
    await waitFor(action, async () => ((await describe(action)) ? undefined : true), { slowestMs: SLOWEST_MS });
    const isNew = !stack || stack.status === "REVIEW_IN_PROGRESS";
    const { Id } = await role.call("cloudformation", "CreateChangeSet", {
      StackName,
      ChangeSetName,
      ChangeSetType: isNew ? "CREATE" : "UPDATE",
      ClientToken: run.id,
      ...input,
    });
    await action.save({ externalId: String(Id) });
    if (StackPolicyBody) await role.call("cloudformation", "SetStackPolicy", { StackName, StackPolicyBody });
  }
  const made = await waitFor(
    action,
    async () => {
      const found = await describe(action);
      if (!found)
        throw new ActionFailure(
          "JobFailed",
          `The change set ${ChangeSetName} of the stack ${StackName} has been deleted`,
        );
      return found.status === "CREATE_COMPLETE" || found.status === "FAILED" ? found : undefined;
    },
    { slowestMs: SLOWEST_MS },
  );
  if (made.status === "FAILED" && !NO_CHANGES.test(made.reason))
    throw new ActionFailure(
      "JobFailed",
      `The change set ${ChangeSetName} of the stack ${StackName} could not be made: ${made.reason}`,
    );
  const summary =
    made.status === "FAILED"
      ? `Change set ${ChangeSetName} was created. It contains no changes.`
      : `Change set ${ChangeSetName} was created.`;
  return { status: "Succeeded", summary, externalId: made.id, variables: { StackName, ChangeSetName } };
}

/** Executes the change set; one without changes leaves the stack as it is. */
export async function changeSetExecute(action: ActionContext): Promise<Left> {
  const { configuration, role, run } = action;
  const [StackName, ChangeSetName] = [String(configuration["StackName"]), String(configuration["ChangeSetName"])];
  const found = await describe(action);
  if (!found && !run.externalId)
    throw new ActionFailure("JobFailed", `The stack ${StackName} has no change set ${ChangeSetName}`);
  if (found?.status === "FAILED") {
    if (!NO_CHANGES.test(found.reason))
      throw new ActionFailure("JobFailed", `The change set ${ChangeSetName} cannot be executed: ${found.reason}`);
    const stack = await describeStack(action, StackName);
    return {
      status: "Succeeded",
      summary: `Change set ${ChangeSetName} contains no changes.`,
      externalId: found.id,
      variables: stack?.outputs ?? {},
    };
  }
  if (found && !run.externalId) await action.save({ externalId: found.id });
  // A second try finds the change set executed, or executes it with the same token.
  if (found?.executionStatus === "AVAILABLE")
    await role.call("cloudformation", "ExecuteChangeSet", { StackName, ChangeSetName, ClientRequestToken: run.id });
  else if (found && !found.executionStatus.startsWith("EXECUTE"))
    throw new ActionFailure(
      "JobFailed",
      `The change set ${ChangeSetName} cannot be executed: it is ${found.executionStatus}`,
    );
  const stack = await endOfStack(action, StackName);
  if (stack.status !== "CREATE_COMPLETE" && stack.status !== "UPDATE_COMPLETE")
    throw await operationFailure(action, stack);
  return {
    status: "Succeeded",
    summary: `Change set ${ChangeSetName} was executed.`,
    externalId: stack.id,
    variables: stack.outputs,
  };
}
