import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { median, pssMB, round } from "../measure.ts";
import { at, invokeOnce, runtimesOf, startBench, type Bench } from "./bench-kit.ts";

const PAUSE_MS = 200;
const root = resolve(import.meta.dirname, "../..");
const SDK = {
  "index.mjs": `import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
const client = new DynamoDBClient({});
export const handler = async () => typeof client.send;`,
};

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Milliseconds until a process of its own has ended. */
async function processMs(args: readonly string[]): Promise<number> {
  const started = performance.now();
  await once(spawn(args[0]!, args.slice(1), { stdio: "ignore", cwd: root }), "exit");
  return performance.now() - started;
}

interface Cold {
  readonly files: (n: number) => Record<string, string>;
  readonly runtime: "nodejs24.x" | "python3.11";
  /** Milliseconds of what it is compared with. */
  readonly reference: () => Promise<number>;
}

const hello = (n: number) => ({ "index.mjs": `export const handler = async () => ({ n: ${n} });` });

/** Milliseconds of calls, one every 200 ms, of functions whose code never ran before; after every tenth, three references. */
async function first(bench: Bench, cold: Cold, count: number): Promise<Record<string, number>> {
  const names: string[] = [];
  for (let n = 0; n < count + 1; n++) {
    const made = await bench.create(cold.files(n), { Runtime: cold.runtime, Timeout: 20 });
    names.push(made.name);
  }
  await invokeOnce(bench, names.pop()!); // the pool learns which kind is asked for
  await sleep(2_000);
  const idle = runtimesOf(bench).map(pssMB);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (const [n, name] of names.entries()) {
    const due = sleep(PAUSE_MS);
    ours.push(await invokeOnce(bench, name));
    await due;
    if (n % 10 !== 9) continue;
    for (let i = 0; i < 3; i++) theirs.push(await cold.reference());
    await sleep(2 * PAUSE_MS);
  }
  return {
    calls: ours.length,
    idleRuntimes: idle.length,
    idleMB: round(idle.reduce((sum, mb) => sum + mb, 0)),
    p50Ms: round(median(ours), 1),
    p99Ms: round(at(ours, 0.99), 1),
    referenceMs: round(median(theirs), 1),
    ratio: round(median(ours) / median(theirs), 2),
  };
}

/** Starts cold containers, with the same isolation and limits, whose process writes a line. */
function startContainers(args: readonly string[]): { startMs: () => Promise<number>; stop: () => void } {
  const own = ["-m", "--propagation", "private", process.execPath, join(import.meta.dirname, "container.ts"), ...args];
  const child = spawn("unshare", own, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async startMs() {
      child.stdin.write("\n");
      return Number((await lines.next()).value);
    },
    stop: () => child.stdin.end(),
  };
}

/** Cold starts of small handlers beside cold containers, with and without a pool, and of one with the AWS SDK. */
export async function cold(bench: Bench, rounds: number): Promise<object> {
  const node = startContainers([process.execPath, "-e", "console.log(1)"]);
  const python = startContainers(["/usr/bin/python3", "-c", "print(1)"]);
  const load = `import("@aws-sdk/client-dynamodb").then(({ DynamoDBClient }) => new DynamoDBClient({ region: "us-east-1" }))`;
  const kinds: Record<string, Cold> = {
    node: { files: hello, runtime: "nodejs24.x", reference: node.startMs },
    python: {
      files: (n) => ({ "index.py": `def handler(event, context): return {'n': ${n}}` }),
      runtime: "python3.11",
      reference: python.startMs,
    },
    sdk: {
      files: () => SDK,
      runtime: "nodejs24.x",
      reference: () => processMs([process.execPath, "-e", load]),
    },
  };
  const result: Record<string, object> = {};
  for (const [kind, of] of Object.entries(kinds)) result[kind] = await first(bench, of, rounds * 20);
  const unpooled = await startBench({ STARLING_POOL_SIZE: "0" });
  try {
    result["nodeWithoutPool"] = await first(unpooled, kinds["node"]!, rounds * 10);
    result["pythonWithoutPool"] = await first(unpooled, kinds["python"]!, rounds * 10);
  } finally {
    await unpooled.stop();
    for (const containers of [node, python]) containers.stop();
  }
  return result;
}

/** Functions called once each, all at once, right after the start, beside as many bare processes. */
export async function burst(bench: Bench): Promise<object> {
  const count = 200;
  const names: string[] = [];
  for (let n = 0; n < count; n++) names.push((await bench.create(hello(n), { MemorySize: 128, Timeout: 60 })).name);
  const started = performance.now();
  const calls = await Promise.allSettled(names.map((name) => invokeOnce(bench, name)));
  const oursMs = performance.now() - started;
  const began = performance.now();
  await Promise.all(names.map(() => processMs([process.execPath, "-e", "1"])));
  const bareMs = performance.now() - began;
  return {
    answered: calls.filter((call) => call.status === "fulfilled").length,
    oursMs: round(oursMs, 0),
    bareMs: round(bareMs, 0),
    ratio: round(oursMs / bareMs, 2),
  };
}
