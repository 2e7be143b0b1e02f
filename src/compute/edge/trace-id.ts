import type { Context } from "../../aws/context.ts";

/** A new trace header for a request that enters: `Root=1-<seconds>-<24 hex digits>`, as X-Ray writes it. */
export function newTraceId(ctx: Context<any>): string {
  const id = ctx.platform.ids.uuid();
  const digits = `${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(14, 18)}${id.slice(19, 23)}${id.slice(24, 28)}`;
  return `Root=1-${Math.floor(ctx.now() / 1000).toString(16)}-${digits}`;
}

/** The id of a segment of a trace: 16 hex digits. */
export function newSegmentId(ctx: Context<any>): string {
  const id = ctx.platform.ids.uuid();
  return `${id.slice(0, 8)}${id.slice(24, 32)}`;
}
