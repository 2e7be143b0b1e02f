import type { Context } from "../../aws/context.ts";
import type { Statement } from "../../ports/database.ts";
import type { Stack, StackEvent } from "./model.ts";

export type NewEvent = Omit<StackEvent, "id" | "time">;

/**
 * Statements for the events of a stack. Each is at least a millisecond after the one before, as clients sort by time;
 * `after` is the time of the last one.
 */
export function putEvents(
  ctx: Context<any>,
  stack: string,
  events: readonly NewEvent[],
  after: number,
): { statements: Statement[]; last: number } {
  let last = after;
  const statements = events.map((event) => {
    const time = (last = Math.max(ctx.now(), last + 1));
    const isStack = event.type === "AWS::CloudFormation::Stack" && event.physicalId.endsWith(stack);
    const id = isStack ? ctx.platform.ids.uuid() : `${event.logicalId}-${event.status}-${new Date(time).toISOString()}`;
    return ctx.records.put("event", `${stack}/${String(time).padStart(15, "0")}`, {
      ...event,
      id,
      time,
    } satisfies StackEvent);
  });
  return { statements, last };
}

/** The time of a stack's last event, 0 where it has none. */
export async function lastEventOf(ctx: Context<any>, stack: string): Promise<number> {
  const [last] = await ctx.records.list<StackEvent>("event", { prefix: `${stack}/`, reverse: true, limit: 1 });
  return last?.value.time ?? 0;
}

/** The event of a request, to be written with the request's change. */
export async function putRequestEvent(
  ctx: Context<any>,
  stack: Stack,
  status: string,
  reason: string | undefined,
  token: string | undefined,
): Promise<Statement[]> {
  return putEvents(ctx, stack.uuid, [stackEvent(stack, status, reason, token)], await lastEventOf(ctx, stack.uuid))
    .statements;
}

/** An event of the stack itself. */
export function stackEvent(stack: Stack, status: string, reason?: string, token?: string): NewEvent {
  return {
    logicalId: stack.name,
    physicalId: stack.arn,
    type: "AWS::CloudFormation::Stack",
    status,
    ...(reason ? { reason } : {}),
    ...(token ? { token } : {}),
  };
}
