import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { GuardFailed, type Statement } from "../../ports/database.ts";
import { archivedId, type ArchivedEvent, type Replay } from "./archive-model.ts";
import { publish } from "./publish.ts";
import type { EventsState } from "./state.ts";

export const REPLAYS = "events-replay";
const BATCH = 100;

/** A replay's next step. */
export interface ReplayStep {
  readonly name: string;
  /** When the replay was started: a step of an earlier replay of this name is void. */
  readonly started: number;
  /** The archived event behind which it goes on. */
  readonly after?: string;
}

/** Sends a batch of archived events on their way, and calls itself for the next one. */
export const replayWorker: QueueWorker<EventsState> = {
  topic: REPLAYS,
  concurrency: 4,
  leaseMs: 60_000,
  maxAttempts: 100,
  async run(ctx, body) {
    const step = body as ReplayStep;
    const stored = await ctx.records.get<Replay>("replay", step.name);
    if (!stored || stored.value.started !== step.started) return;
    const replay = stored.value;
    if (replay.state === "CANCELLING") return finish(ctx, replay, stored.rev, "CANCELLED");
    const events = await ctx.records.list<ArchivedEvent>("archived", {
      prefix: `${replay.archive}:`,
      after: step.after ?? archivedId(replay.archive, replay.from, ""),
      limit: BATCH,
    });
    const due = events.filter((e) => Date.parse(e.value.event.time) <= replay.to);
    const last = due.at(-1);
    if (!last) return finish(ctx, replay, stored.rev, "COMPLETED");
    const sent = await Promise.all(
      due.map(({ value }) =>
        publish(ctx, replay.bus, { ...value.event, "replay-name": replay.name }, { onlyRules: replay.rules }),
      ),
    );
    const lastReplayed = Date.parse(last.value.event.time);
    const next: ReplayStep = { name: step.name, started: step.started, after: last.id };
    await write(ctx, { ...replay, state: "RUNNING", lastReplayed }, stored.rev, [
      ...sent.flat(),
      ...ctx.enqueue(REPLAYS, next),
    ]);
  },
};

async function finish(ctx: Context<EventsState>, replay: Replay, rev: number, state: Replay["state"]): Promise<void> {
  await write(ctx, { ...replay, state, ended: ctx.now() }, rev, []);
}

/** Where somebody cancelled meanwhile, nothing was sent: the message comes again and finds it so. */
async function write(
  ctx: Context<EventsState>,
  replay: Replay,
  rev: number,
  also: readonly Statement[],
): Promise<void> {
  try {
    await ctx.records.write(ctx.records.put("replay", replay.name, replay, rev), also);
  } catch (error) {
    if (error instanceof GuardFailed) throw new Error(`replay ${replay.name} was changed meanwhile`, { cause: error });
    throw error;
  }
}
