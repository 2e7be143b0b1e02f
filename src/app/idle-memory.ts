import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { lastResortCollection } from "../launcher/idle-memory.ts";

/** How often idleness is looked at. */
const LOOK_MS = 4_000;
/** Share of the time since the last look in which the main thread may have worked and still counts as idle. */
const IDLE_UTILIZATION = 0.03;
/** Memory (bytes) that must have come since the last collection for one to be worth its pause. */
const WORTH_BYTES = 8 * 1024 * 1024;

/**
 * How much the heap may grow between two collections of all of it while there is work, in percent of what is in use. V8 would
 * have it a tenth, at least 8 MB, and it counts the bytes of requests, answers and files as well: every fifth object of 2 MB
 * cost a collection of 100 ms of CPU. Without work it is V8's own choice (0), for the threads of the database too, which
 * nobody collects.
 */
const GROWTH_PERCENT = 150;

/**
 * Gives memory back while nothing happens. V8 collects only when it allocates, so an idle platform would keep what its start
 * and its last busy minute left behind: 15 to 60 MB.
 */
export function collectWhenIdle(signal: AbortSignal): void {
  const collect = lastResortCollection();
  let last = performance.eventLoopUtilization();
  let kept = 0;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(now, last).utilization;
    last = now;
    const isIdle = busy <= IDLE_UTILIZATION;
    setFlagsFromString(`--heap-growing-percent=${isIdle ? 0 : GROWTH_PERCENT}`);
    if (!isIdle || process.memoryUsage.rss() - kept < WORTH_BYTES) return;
    collect();
    kept = process.memoryUsage.rss();
  }, LOOK_MS).unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
