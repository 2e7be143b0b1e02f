import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { median, round } from "../measure.ts";
import { at, invokeOnce, type Bench } from "./bench-kit.ts";

const PAUSE_MS = 200;
const root = resolve(import.meta.dirname, "../..");
const PYTHON = { "index.py": "def handler(event, context): return {'n': 0}" };
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
  readonly reference: readonly string[];
}

/** First calls of functions whose code never ran before, five a second, beside a bare process that does the same. */
async function first(bench: Bench, cold: Cold, count: number): Promise<Record<string, number>> {
  const names: string[] = [];
  for (let n = 0; n < count + 1; n++) {
    const made = await bench.create(cold.files(n), { Runtime: cold.runtime, Timeout: 20 });
    names.push(made.name);
  }
  await invokeOnce(bench, names.pop()!); // the pool learns which kind is asked for
  await sleep(2_000);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (const name of names) {
    ours.push(await invokeOnce(bench, name));
    theirs.push(await processMs(cold.reference));
    await sleep(PAUSE_MS);
  }
  return {
    p50Ms: round(median(ours), 1),
    p99Ms: round(at(ours, 0.99), 1),
    bareMs: round(median(theirs), 1),
    ratio: round(median(ours.map((ms, i) => ms / theirs[i]!)), 2),
  };
}

const hello = (n: number) => ({ "index.mjs": `export const handler = async () => ({ n: ${n} });` });

/** Cold starts of small handlers and of one with the AWS SDK. */
export async function cold(bench: Bench, rounds: number): Promise<object> {
  const node = [process.execPath, "-e", "1"];
  const load = `import("@aws-sdk/client-dynamodb").then(({ DynamoDBClient }) => new DynamoDBClient({ region: "us-east-1" }))`;
  return {
    node: await first(bench, { files: hello, runtime: "nodejs24.x", reference: node }, rounds * 4),
    python: await first(
      bench,
      { files: () => PYTHON, runtime: "python3.11", reference: ["/usr/bin/python3", "-c", "1"] },
      rounds * 4,
    ),
    sdk: await first(
      bench,
      { files: () => SDK, runtime: "nodejs24.x", reference: [process.execPath, "-e", load] },
      rounds * 2,
    ),
  };
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
