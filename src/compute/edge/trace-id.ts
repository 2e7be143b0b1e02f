import type { Context } from "../../aws/context.ts";

/** A new trace header for a request that enters: `Root=1-<seconds>-<24 hex digits>`, as X-Ray writes it. */
export function newTraceId(ctx: Context<any>): string {
  const [a, b, c, d, e] = ctx.platform.ids.uuid().split("-");
  return `Root=1-${Math.floor(ctx.now() / 1000).toString(16)}-${a}${b}${c}${d}${e!.slice(0, 4)}`;
}
