import type { ResourceType } from "../../../aws/service.ts";
import type { JsonObject } from "../../../engines/yaml/index.ts";
import { READY_MS } from "../limits.ts";
import { StepCancelled, StepFailed } from "./failure.ts";
import type { StackRun } from "./stack-run.ts";
import type { StepContext } from "./step-context.ts";

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

/** Asks a resource whether it is ready until it is; bounded by time, and ended where the operation is. */
export async function untilReady(
  run: StackRun,
  type: ResourceType,
  ctx: StepContext,
  id: string,
  properties: JsonObject,
  cancelled: string,
): Promise<void> {
  if (!type.ready) return;
  const end = run.ctx.now() + READY_MS;
  const signal = AbortSignal.any([run.ctx.signal, run.halt.signal]);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (await type.ready(ctx, id, properties)) return;
    if (run.halt.signal.aborted || run.late || (await run.cancelled())) throw new StepCancelled(cancelled);
    if (run.ctx.now() > end)
      throw new StepFailed(`${type.type} ${id} did not become ready within ${READY_MS / 60_000} minutes.`);
    await run.turn
      .without(() => run.ctx.platform.clock.sleep(pause, signal))
      .catch((error: unknown) => {
        if (run.ctx.signal.aborted) throw error;
      });
  }
}
