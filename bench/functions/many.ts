import { median, pssMB, round } from "../measure.ts";
import { HELLO, invokeOnce, type Bench } from "./bench-kit.ts";

const FUNCTIONS = 10_000;
const AT_ONCE = 8;
const CALLS = 500;
/** An idle platform gives memory back after so long. */
const IDLE_MS = 10_000;

/** What 10,000 deployed functions that nobody calls cost, in memory and in the speed of one that is called. */
export async function many(bench: Bench): Promise<object> {
  const { name } = await bench.create(HELLO);
  const [before, warmBefore] = [await idleMB(bench), await warmMs(bench, name)];
  let made = 0;
  const maker = async (): Promise<void> => {
    while (made++ < FUNCTIONS) await bench.create(HELLO, { FunctionName: `idle-${made}` });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, maker));
  const [after, warmAfter] = [await idleMB(bench), await warmMs(bench, name)];
  return {
    beforeMB: round(before),
    afterMB: round(after),
    warmP50Ms: [warmBefore, warmAfter].map((ms) => round(ms, 2)),
  };
}

async function idleMB(bench: Bench): Promise<number> {
  await new Promise((done) => setTimeout(done, IDLE_MS));
  return pssMB(bench.app) + pssMB(bench.platform.pid);
}

async function warmMs(bench: Bench, name: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) times.push(await invokeOnce(bench, name));
  return median(times);
}
