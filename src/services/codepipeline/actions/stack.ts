import { ActionFailure, waitFor, type ActionContext } from "../action-run.ts";

const SLOWEST_MS = 250;
const MAX_EVENTS = 200;

export interface StackView {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string;
  readonly outputs: Record<string, string>;
}

/** The stack as it is; `undefined` where there is none. */
export async function describeStack({ role }: ActionContext, StackName: string): Promise<StackView | undefined> {
  try {
    const { Stacks } = await role.call("cloudformation", "DescribeStacks", { StackName });
    const stack = Stacks?.[0];
    if (!stack) return undefined;
    return {
      id: String(stack.StackId),
      name: String(stack.StackName),
      status: String(stack.StackStatus),
      reason: stack.StackStatusReason ?? "",
      outputs: Object.fromEntries((stack.Outputs ?? []).map((o) => [String(o.OutputKey), String(o.OutputValue)])),
    };
  } catch (error) {
    if (/does not exist/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** A stack that its last failure left so that it cannot be updated. */
export const isStuck = ({ status }: StackView): boolean =>
  /^(ROLLBACK_COMPLETE|ROLLBACK_FAILED|CREATE_FAILED|DELETE_FAILED|UPDATE_ROLLBACK_FAILED)$/.test(status);

export function failIfStuck(stack: StackView): void {
  if (isStuck(stack))
    throw new ActionFailure(
      "JobFailed",
      `Stack [${stack.name}] is in ${stack.status} state and cannot be updated: ${mend(stack)}, then release the change again`,
    );
}

const mend = ({ name, status }: StackView): string => {
  const [what, command] =
    status === "UPDATE_ROLLBACK_FAILED"
      ? ["continue its rollback", "continue-update-rollback"]
      : ["delete it", "delete-stack"];
  return `${what} (aws cloudformation ${command} --stack-name ${name})`;
};

/** The stack when nothing is under way any more. */
export async function endOfStack(
  action: ActionContext,
  StackName: string,
  options: { goneIsEnd?: boolean } = {},
): Promise<StackView> {
  const begun = await describeStack(action, StackName);
  const topic = begun ? `cloudformation:${begun.id.slice(begun.id.lastIndexOf("/") + 1)}` : undefined;
  return await waitFor(
    action,
    async () => {
      const stack = await describeStack(action, begun?.id ?? StackName);
      if (!stack) {
        if (options.goneIsEnd)
          return { id: StackName, name: StackName, status: "DELETE_COMPLETE", reason: "", outputs: {} };
        throw new ActionFailure("JobFailed", `The stack ${StackName} does not exist any more`);
      }
      return stack.status.endsWith("_IN_PROGRESS") && stack.status !== "REVIEW_IN_PROGRESS" ? undefined : stack;
    },
    { topic, slowestMs: SLOWEST_MS },
  );
}

/** Why an operation failed: the first resource that did, with its reason. */
export async function operationFailure({ role, run }: ActionContext, stack: StackView): Promise<ActionFailure> {
  const events: { status: string; id: string; type: string; reason: string; at: number }[] = [];
  let NextToken: string | undefined;
  do {
    const page = await role.call("cloudformation", "DescribeStackEvents", {
      StackName: stack.id,
      ...(NextToken ? { NextToken } : {}),
    });
    for (const event of page.StackEvents ?? [])
      events.push({
        status: String(event.ResourceStatus),
        id: String(event.LogicalResourceId),
        type: String(event.ResourceType),
        reason: event.ResourceStatusReason ?? "",
        at: event.Timestamp?.getTime() ?? 0,
      });
    NextToken = page.NextToken;
  } while (NextToken && events.length < MAX_EVENTS && events.at(-1)!.at >= run.started);
  const failed = events
    .filter(
      (one) =>
        one.at >= run.started &&
        one.status.endsWith("_FAILED") &&
        one.type !== "AWS::CloudFormation::Stack" &&
        !/cancelled/i.test(one.reason),
    )
    .at(-1);
  const why = failed
    ? ` Resource ${failed.id} (${failed.type}): ${failed.reason}`
    : stack.reason
      ? ` ${stack.reason}`
      : "";
  return new ActionFailure("JobFailed", `Stack ${stack.name} is in state ${stack.status}.${why}`);
}
