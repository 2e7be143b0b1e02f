import type { Context } from "../../../aws/context.ts";
import type { Statement } from "../../../ports/database.ts";
import { putRequestEvent } from "../events.ts";
import type { Stack } from "../model.ts";

/** Statements for a stack that has a change set and nothing else yet. */
export async function underReview(ctx: Context<any>, stack: Stack, token?: string): Promise<Statement[]> {
  const reason = "User Initiated";
  return [
    ctx.records.put("stack-name", stack.name, { uuid: stack.uuid }, 0),
    ctx.records.put("stack", stack.uuid, { ...stack, reason } satisfies Stack, 0),
    ...(await putRequestEvent(ctx, stack, "REVIEW_IN_PROGRESS", reason, token)),
  ];
}
