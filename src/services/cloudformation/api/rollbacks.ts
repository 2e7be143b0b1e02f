import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import type { Stored } from "../../../aws/records.ts";
import { operations } from "../../../aws/service.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { onStack } from "../access.ts";
import { validation } from "../errors.ts";
import { putRequestEvent } from "../events.ts";
import type { Operation, Stack } from "../model.ts";
import { settle } from "../settle.ts";
import { checkRole } from "../start-stack.ts";
import { existingStack, startOperation } from "../store.ts";

export const rollbacks = operations<typeof CloudFormation, any>()({
  ContinueUpdateRollback: {
    permissions: onStack("ContinueUpdateRollback"),
    async run(ctx, input) {
      const found = await existingStack(ctx, String(input.StackName));
      const { value: stack } = found;
      if (stack.status !== "UPDATE_ROLLBACK_FAILED") {
        throw validation(`Stack:${stack.arn} is in ${stack.status} state and can not continue update rollback.`);
      }
      await rollBack(ctx, found, "UPDATE_ROLLBACK_IN_PROGRESS", input, input.ResourcesToSkip);
      return {};
    },
  },
  RollbackStack: {
    permissions: onStack("RollbackStack"),
    async run(ctx, input) {
      const found = await existingStack(ctx, String(input.StackName));
      const { value: stack } = found;
      if (stack.status !== "CREATE_FAILED" && stack.status !== "UPDATE_FAILED")
        throw validation(`Stack:${stack.arn} is in ${stack.status} state and can not be rolled back.`);
      if (input.RetainExceptOnCreate) throw notImplemented("RetainExceptOnCreate of RollbackStack");
      const last = await ctx.records.get<Operation>("operation", stack.operation!);
      if (last?.value.overFailure) throw notImplemented("rolling back over more than one failed operation");
      const status = stack.status === "CREATE_FAILED" ? "ROLLBACK_IN_PROGRESS" : "UPDATE_ROLLBACK_IN_PROGRESS";
      await rollBack(ctx, found, status, input);
      return { StackId: stack.arn };
    },
  },
});

interface Request {
  readonly RoleARN?: string | undefined;
  readonly ClientRequestToken?: string | undefined;
}

/** The same operation goes on, backwards, so that it still knows what was before it. */
async function rollBack(
  ctx: Context<any>,
  { value: stack, rev }: Stored<Stack>,
  status: Stack["status"],
  { RoleARN, ClientRequestToken }: Request,
  spare: readonly string[] = [],
): Promise<void> {
  await checkRole(ctx, RoleARN);
  const last = (await ctx.records.get<Operation>("operation", stack.operation!))!;
  const operation: Operation = {
    ...last.value,
    phase: "rollback",
    principal: ctx.principal,
    spare,
    ...(RoleARN ? { roleArn: RoleARN } : {}),
  };
  const removing = status === "ROLLBACK_IN_PROGRESS" ? { removing: ctx.now() } : {};
  const next: Stack = { ...stack, status, reason: "User Initiated", ...removing };
  const start = startOperation(ctx, next, rev, operation);
  await ctx.records.write(
    start[0]!,
    ctx.records.put("operation", operation.id, operation, last.rev),
    start.slice(2),
    await putRequestEvent(ctx, next, next.status, "User Initiated", ClientRequestToken),
  );
  await settle(ctx, stack.uuid);
}
