import type { Context } from "../../aws/context.ts";
import type { Stack } from "./model.ts";

/** Where those who wait for something of a stack hear that its operation is to end. */
export const cancellation = (stackArn: string): string => `cloudformation-cancel:${stackArn}`;

/** Asks for the end of a stack's operation, as its next step will see; what only waits is woken. */
export async function cancel(ctx: Context<any>, stack: Stack, how: "rollback" | "delete"): Promise<void> {
  await ctx.records.write([ctx.records.put("cancel", stack.operation!, { how })]);
  ctx.platform.bus.publish(cancellation(stack.arn), how);
}
