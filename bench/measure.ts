import { readdirSync, readFileSync } from "node:fs";
import { Agent } from "node:http";

/** Median of numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** Memory of a process in MB, shared pages divided by those who share them. */
export function pssMB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024;
}

/** CPU time of a process so far, in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Ids of the children of a process, whichever of its threads started them. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
}

/** Calls per second of callers that each wait for their answer; `call` gets the number of the call. */
export async function callsPerSecond(
  callers: number,
  seconds: number,
  call: (agent: Agent, n: number) => Promise<void>,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const started = performance.now();
  let count = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - started < seconds * 1000) await call(agent, count++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  agent.destroy();
  return count / ((performance.now() - started) / 1000);
}

/** Ends a benchmark: one line of JSON. */
export function report(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
