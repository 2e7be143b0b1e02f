import { median, round } from "../measure.ts";
import { cpuUs, HELLO, load, startBare, type Bench } from "./bench-kit.ts";
import type { LoadOrder } from "./load.ts";

const WARM_CALLS = 30_000;
const WARM_TRIES = 30;

type Target = Omit<LoadOrder, "connections" | "seconds">;

/** Rounds of a target and its reference in turn, for each number of callers. */
async function compare(bench: Bench, target: Target, options: { callers: number[]; rounds: number; seconds: number }) {
  const bare = await startBare();
  const result: Record<string, number> = {};
  const { rounds, seconds } = options;
  try {
    // What V8 has not optimized yet costs several times as much; that takes calls, not time.
    for (let calls = 0, tries = 0; calls < WARM_CALLS && tries < WARM_TRIES; tries++)
      calls += (await load({ ...target, connections: 8, seconds: 2 })).rps * 2;
    for (const connections of options.callers) {
      await load({ ...target, connections, seconds: 1 });
      await load({ port: bare.port, path: "/", connections, seconds: 0.5 });
      const rows: { ratio: number; added: number; cpu: number; p99: number }[] = [];
      for (let i = 0; i < rounds; i++) {
        const reference = await load({ port: bare.port, path: "/", connections, seconds });
        const before = cpuUs(bench.app);
        const ours = await load({ ...target, connections, seconds });
        const cpu = (cpuUs(bench.app) - before) / (ours.rps * seconds);
        rows.push({ ratio: ours.rps / reference.rps, added: ours.p50 - reference.p50, cpu, p99: ours.p99 });
      }
      const of = (key: keyof (typeof rows)[number]): number => median(rows.map((row) => row[key]));
      result[`ratio${connections}`] = round(of("ratio"), 2);
      result[`addedMs${connections}`] = round(of("added"), 3);
      result[`p99Ms${connections}`] = round(of("p99"), 2);
      result[`appCpuUs${connections}`] = round(of("cpu"), 0);
    }
  } finally {
    bare.stop();
  }
  return result;
}

/** A warm call through an HTTP API, with IAM, logs and metering on, against a bare node:http server. */
export async function warm(bench: Bench, rounds: number): Promise<object> {
  const { name, arn } = await bench.create(HELLO);
  const host = await bench.httpApi(name, arn);
  const target = { port: bench.platform.port, host, path: "/hello" };
  return compare(bench, target, { callers: [1, 8, 64], rounds, seconds: 1 });
}

/** A signed Invoke of the same function. */
export async function invoke(bench: Bench, rounds: number): Promise<object> {
  const { name } = await bench.create(HELLO);
  const target = {
    port: bench.platform.port,
    method: "POST",
    path: `/2015-03-31/functions/${name}/invocations`,
    body: '{"a":1}',
    sign: bench.platform.client.credentials,
  };
  return compare(bench, target, { callers: [1, 64], rounds, seconds: 1 });
}
