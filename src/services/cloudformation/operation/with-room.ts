import { messageOf } from "../../../kernel/aws-error.ts";
import { isOutOfRoom } from "../../../ports/database.ts";
import { READY_MS } from "../limits.ts";
import type { StackRun } from "./stack-run.ts";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Tries again while the disk is full: a rollback or a deletion that gave up would leave the stack where only its owner
 * can bring it on. Bounded as every step is.
 */
export async function withRoom<T>(run: StackRun, work: () => Promise<T>): Promise<T> {
  const end = run.ctx.now() + READY_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isOutOfRoom(error) || run.ctx.now() > end) throw error;
      if (pause === FIRST_PAUSE_MS) {
        run.ctx.platform.log.warn("a stack waits for room", { stack: run.stack.arn, error: messageOf(error) });
      }
      await run.turn.without(() => run.ctx.platform.clock.sleep(pause, run.ctx.signal));
    }
  }
}
