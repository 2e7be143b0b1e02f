import type { Context } from "../../aws/context.ts";
import type { Statement } from "../../ports/database.ts";
import type { Stack, StackEvent } from "./model.ts";

export type NewEvent = Omit<StackEvent, "id" | "time">;

/**
 * Statements for the events of a stack. Ids are in order of time: microseconds, and never the same twice for one stack as
 * only the holder of its operation writes.
 */
export function putEvents(ctx: Context<any>, stack: string, events: readonly NewEvent[], after = 0): { statements: Statement[]; last: number } {
  const time = ctx.now();
  let at = Math.max(time * 1000, after + 1);
  const statements = events.map((event) => {
    const stamp = String(at++).padStart(17, "0");
    const isStack = event.type === "AWS::CloudFormation::Stack" && event.logicalId !== "" && event.physicalId.endsWith(stack);
    const id = isStack ? ctx.platform.ids.uuid() : `${event.logicalId}-${event.status}-${new Date(time).toISOString()}`;
    return ctx.records.put("event", `${stack}/${stamp}`, { ...event, id, time } satisfies StackEvent);
  });
  return { statements, last: at - 1 };
}

/** The event of a request, written with the request's change. */
export function putRequestEvent(ctx: Context<any>, stack: Stack, status: string, reason: string | undefined, token: string | undefined): Statement[] {
  return putEvents(ctx, stack.uuid, [stackEvent(stack, status, reason, token)], ctx.now() * 1000 + 900).statements;
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
