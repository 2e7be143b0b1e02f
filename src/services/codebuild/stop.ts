import { batchOfBuildSoon } from "./batches/model.ts";
import { buildChanged, recordMetrics } from "./events.ts";
import { existingBuild, invalidInput, type BuildView, type Ctx, type Phase, type StoredBuild } from "./model.ts";
import { endedPhase } from "./phase.ts";
import { ENDED, STOPS } from "./state.ts";

const STOP_WAIT_MS = 3_000;

/** Stops a build; one that is still queued ends at once, one that runs as soon as its sandbox is down. */
export async function requestStop(ctx: Ctx, id: string): Promise<StoredBuild> {
  const before = await existingBuild(ctx, id);
  if (before.build.buildComplete) throw invalidInput(`Cannot stop build ${id}: it has ended already`);
  if (
    before.runs === 0 &&
    (await endQueued(ctx, before.build, "STOPPED", { statusCode: "BUILD_STOPPED", message: "Build has been stopped." }))
  )
    return await existingBuild(ctx, id);
  await ctx.records.update<StoredBuild>("build", id, (b) =>
    b.build.buildComplete ? undefined : { ...b, stopRequested: true },
  );
  await ended(ctx, id);
  return await existingBuild(ctx, id);
}

/** Calls the stop out and waits a little for the end. */
async function ended(ctx: Ctx, id: string): Promise<void> {
  const done = new AbortController();
  const unsubscribe = ctx.platform.bus.subscribe(ENDED, (message) => {
    if (message === id) done.abort();
  });
  try {
    ctx.platform.bus.publish(STOPS, id);
    await ctx.platform.clock.sleep(STOP_WAIT_MS, done.signal).catch(() => undefined);
  } finally {
    unsubscribe();
  }
}

/** Ends a build that no worker has begun; answers false where one was faster. */
export async function endQueued(
  ctx: Ctx,
  build: BuildView,
  status: "STOPPED" | "TIMED_OUT",
  context: { statusCode: string; message: string },
): Promise<boolean> {
  const now = ctx.now();
  let ending = false;
  const stored = await ctx.records.update<StoredBuild>("build", build.id, (b) => {
    ending = b.runs === 0 && !b.build.buildComplete;
    if (!ending) return undefined;
    const phases = b.build.phases.map((p): Phase =>
      p.phaseType === "QUEUED" ? endedPhase(p, now, status, context) : p,
    );
    return {
      ...b,
      build: {
        ...b.build,
        phases: [...phases, { phaseType: "COMPLETED", startTime: now }],
        currentPhase: "COMPLETED",
        buildStatus: status,
        buildComplete: true,
        endTime: now,
      },
    };
  });
  if (!ending || !stored) return false;
  await ctx.records.write(buildChanged(ctx, stored.build, status), batchOfBuildSoon(ctx, stored.build));
  recordMetrics(ctx, stored.build);
  ctx.platform.bus.publish(ENDED, build.id);
  return true;
}
