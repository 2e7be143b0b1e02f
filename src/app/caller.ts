import type { Context } from "../aws/context.ts";

/** Calls public operations: over HTTP from the command line, in process from the platform itself. */
export type Caller = (service: string, operation: string, input: object) => Promise<any>;

/** The caller of a context. */
export function callerOf(ctx: Context<any>): Caller {
  return (service, operation, input) => (ctx.call as unknown as Caller).call(ctx, service, operation, input);
}

/** A moment as a client sees it: JSON has seconds, handlers have dates. */
export function milliseconds(value: unknown): number {
  if (value instanceof Date) return value.getTime();
  return typeof value === "number" ? value * 1000 : 0;
}
