import type { Context } from "../../aws/context.ts";
import type { Periodic } from "../../aws/service.ts";
import { matchEventPattern } from "../../engines/event-pattern/index.ts";
import type { Statement } from "../../ports/database.ts";
import { archivedId, type Archive, type ArchivedEvent } from "./archive-model.ts";
import type { EventEnvelope } from "./model.ts";
import type { EventsState } from "./state.ts";

const DAY_MS = 86_400_000;
const SWEEP_BATCH = 500;

/** The statements that keep an event in every archive of its bus whose pattern it matches. */
export async function archive(ctx: Context<EventsState>, bus: string, event: EventEnvelope): Promise<Statement[]> {
  const archives = await ctx.records.made("archives", () => ctx.records.list<Archive>("archive"));
  return archives.flatMap(({ value }) => {
    if (value.bus !== bus) return [];
    if (value.pattern && !matchEventPattern(ctx.state.pattern(value.pattern), event as never)) return [];
    const kept: ArchivedEvent = { event, bytes: Buffer.byteLength(JSON.stringify(event)) };
    return [ctx.records.put("archived", archivedId(value.name, Date.parse(event.time), event.id), kept)];
  });
}

/** How many events an archive holds, and their bytes. */
export async function sizeOf(ctx: Context<any>, name: string): Promise<{ count: number; bytes: number }> {
  let [count, bytes] = [0, 0];
  for await (const page of pages(ctx, name)) {
    count += page.length;
    bytes += page.reduce((sum, e) => sum + e.value.bytes, 0);
  }
  return { count, bytes };
}

/** Archived events page by page, oldest first. */
async function* pages(ctx: Context<any>, name: string) {
  let after: string | undefined;
  for (;;) {
    const options = { prefix: `${name}:`, limit: SWEEP_BATCH, ...(after ? { after } : {}) };
    const page = await ctx.records.list<ArchivedEvent>("archived", options);
    if (page.length) yield page;
    if (page.length < SWEEP_BATCH) return;
    after = page.at(-1)!.id;
  }
}

/** Removes all that an archive holds, or what is older than a time. */
export async function removeArchived(ctx: Context<any>, name: string, before = Infinity): Promise<void> {
  for await (const page of pages(ctx, name)) {
    const gone = page.filter((e) => Date.parse(e.value.event.time) < before);
    if (gone.length === 0) return; // oldest first: nothing older follows
    await ctx.records.write(gone.map((e) => ctx.records.remove("archived", e.id)));
  }
}

/** Removes what archives need not keep any longer. */
export const archiveSweep: Periodic<EventsState> = {
  name: "archives",
  everyMs: 3600_000,
  async run(ctx) {
    for (const { value } of await ctx.records.list<Archive>("archive"))
      if (value.retentionDays) await removeArchived(ctx, value.name, ctx.now() - value.retentionDays * DAY_MS);
  },
};
