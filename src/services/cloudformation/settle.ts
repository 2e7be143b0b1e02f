import type { Context } from "../../aws/context.ts";
import { isInProgress, type Stack } from "./model.ts";

const SETTLE_MS = 3_000;

/**
 * Waits a little for an operation to end. Most of ours end within a second, while the waiters of clients that see a stack
 * in progress ask again after as much as half a minute.
 */
export async function settle(ctx: Context<any>, uuid: string): Promise<Stack["status"] | undefined> {
  const { bus, clock, signal } = ctx.platform;
  const ended = new AbortController();
  const unsubscribe = bus.subscribe(`cloudformation:${uuid}`, () => ended.abort());
  try {
    const status = (await ctx.records.get<Stack>("stack", uuid))?.value.status;
    if (status && !isInProgress(status)) return status;
    await clock.sleep(SETTLE_MS, AbortSignal.any([signal, ended.signal])).catch(() => undefined);
    return undefined;
  } finally {
    unsubscribe();
  }
}
