// How long a start takes: on new data, on existing data, and after kill -9; memory and CPU when idle.
import { readFileSync } from "node:fs";
import { startPlatform } from "../test/support/platform.ts";
import { childrenOf, cpuMs, median, pssMB, report, round } from "./measure.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const IDLE_MS = 30_000;
/** After a start: function environments are made ready, and memory is given back. */
const SETTLE_MS = 20_000;

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

const isApp = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("app/main.ts");

let platform: Awaited<ReturnType<typeof startPlatform>> | undefined;
const fresh = await timed(async () => {
  platform = await startPlatform();
});
const p = platform!;
const again: number[] = [];
const afterKill: number[] = [];
try {
  for (let i = 0; i < ROUNDS; i++) {
    await p.end();
    again.push(await timed(() => p.restart()));
    await p.kill();
    afterKill.push(await timed(() => p.restart()));
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const pids = [p.pid, ...childrenOf(p.pid).filter(isApp)];
  const before = pids.map(cpuMs);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idleCpu = pids.map((pid, i) => cpuMs(pid) - before[i]!).reduce((a, b) => a + b, 0);
  report({
    bench: "start",
    freshDataMs: round(fresh, 0),
    existingDataMs: round(median(again), 0),
    afterKillMs: round(median(afterKill), 0),
    idlePssMB: round(pids.map(pssMB).reduce((a, b) => a + b, 0)),
    idleCpuPercent: round((idleCpu / IDLE_MS) * 100, 2),
    rounds: ROUNDS,
  });
} finally {
  await p.stop();
}
