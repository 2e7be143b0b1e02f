import type { Context } from "../../../aws/context.ts";
import type { Stored } from "../../../aws/records.ts";
import { invalidChangeSet, validation } from "../errors.ts";
import { isInProgress, type ChangeSet, type Stack } from "../model.ts";
import { startCreate, startUpdate } from "../start-stack.ts";
import { forgotten } from "./forget.ts";

interface ExecuteInput {
  readonly ClientRequestToken?: string | undefined;
  readonly DisableRollback?: boolean | undefined;
}

/** Starts what a change set describes; the stack's other change sets are gone then, as they describe a stack that was. */
export async function execute(
  ctx: Context<any>,
  { value: set, id, rev: setRev }: Stored<ChangeSet>,
  input: ExecuteInput,
): Promise<string> {
  const found = (await ctx.records.get<Stack>("stack", set.stack))!;
  const stack = found.value;
  if (input.ClientRequestToken && stack.token === input.ClientRequestToken && stack.changeSetArn === set.arn)
    return stack.uuid;
  if (set.parentId !== undefined)
    throw invalidChangeSet(
      `ChangeSet [${set.arn}] belongs to a nested stack: execute its root change set [${set.rootId}]`,
    );
  if (set.status !== "CREATE_COMPLETE" || set.executionStatus !== "AVAILABLE" || !set.revision) {
    throw invalidChangeSet(
      `ChangeSet [${set.arn}] cannot be executed in its current status of [${set.status === "FAILED" ? "FAILED" : set.executionStatus}]`,
    );
  }
  if (isInProgress(stack.status))
    throw validation(`Stack:${stack.arn} is in ${stack.status} state and can not be updated.`);
  const onFailure = input.DisableRollback ? ("DO_NOTHING" as const) : set.onFailure;
  const others = (await ctx.records.list<ChangeSet>("change-set", { prefix: `${stack.uuid}/` })).filter(
    (c) => c.id !== id,
  );
  const also = [
    ctx.records.put("change-set", id, { ...set, executionStatus: "EXECUTE_COMPLETE" } satisfies ChangeSet, setRev),
    ...(await Promise.all(others.map((c) => forgotten(ctx, c)))).flat(),
  ];
  const start = {
    roleArn: set.roleArn,
    onFailure,
    token: input.ClientRequestToken,
    changeSetArn: set.arn,
    imports: set.imports,
    importing: set.type === "IMPORT",
    children: set.children,
    also,
  };
  const prepared = { revision: set.revision };
  if (stack.revision) await startUpdate(ctx, found, prepared, start);
  else await startCreate(ctx, stack, prepared, start, found.rev);
  return stack.uuid;
}
