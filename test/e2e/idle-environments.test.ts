import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { totalmem } from "node:os";
import { after, before, describe, test } from "node:test";
import { until } from "../support/build-kit.ts";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

const LARGEST_MB = 10_240;

/** A process whose sandbox has the file, as the host sees it. */
const processWith = (file: string): number | undefined =>
  readdirSync("/proc")
    .map(Number)
    .find((pid) => pid > 0 && existsSync(`/proc/${pid}/root${file}`));

function isFrozen(pid: number): boolean {
  const group = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
  const events = `/sys/fs/cgroup${group}/cgroup.events`;
  const isStopped = /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  return isStopped || (existsSync(events) && /^frozen 1$/m.test(readFileSync(events, "utf8")));
}

describe("idle environments", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: FunctionKit;
  before(async () => {
    platform = await startPlatform();
    kit = await functionKit(platform.client);
  });
  after(() => platform?.stop());

  test("a process that goes on by itself is frozen until the next call", async () => {
    const f = await kit.create(
      {
        "index.py": `import threading, time
count = 0
def run():
    global count
    while True:
        count += 1
        time.sleep(0.001)
threading.Thread(target=run, daemon=True).start()
def handler(event, context):
    open("/tmp/idle-environment", "w").close()
    return count`,
      },
      { Runtime: "python3.11" },
    );
    const { value: first } = await kit.call(f);
    const pid = processWith("/tmp/idle-environment")!;
    await until(async () => isFrozen(pid) || undefined, "it is frozen");
    const calls = await Promise.all([kit.call(f), kit.call(f), kit.call(f)]);
    assert.ok(!isFrozen(pid));
    assert.ok(Math.min(...calls.map(({ value }) => value)) > first, "the same environment");
    await until(async () => isFrozen(pid) || undefined, "it is frozen again");
    const box = /:(\/starling-[^:]*\/fn-[^/]+)\/box$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
    assert.ok(box);
    await kit.lambda.deleteFunction({ FunctionName: f });
    await until(async () => !existsSync(`/proc/${pid}`) || undefined, "it has ended");
    // Each hierarchy as the launcher sees it: what a container leaves there would fill it one day.
    const seen = `/proc/${platform.pid}/root/sys/fs/cgroup`;
    const left = () => readdirSync(seen).filter((name) => existsSync(`${seen}/${name}${box}`));
    await until(async () => left().length === 0 || undefined, "nothing of it is left");
  });

  test("after a long sleep a connection that was kept alive too long is not used again", async () => {
    const source = `const http = require("node:http");
let made = 0;
const server = http.createServer((request, response) => response.end("x")).on("connection", () => made++);
server.keepAliveTimeout = 1;
server.keepAliveTimeoutBuffer = 0;
server.listen("/tmp/app.sock");
const get = () => new Promise((resolve, reject) => http.get({ socketPath: "/tmp/app.sock" }, (r) => r.resume().on("end", resolve)).on("error", reject));
exports.handler = (event, context, done) => {
  get().then(() => context.succeed([made, http.globalAgent.keepAlive]), (error) => context.fail(error));
};`;
    const f = await kit.create({ "index.js": source }, { Runtime: "nodejs20.x" });
    const old = await kit.create({ "index.js": source }, { Runtime: "nodejs12.x" });
    assert.deepEqual((await kit.call(f)).value, [1, true]);
    assert.deepEqual((await kit.call(old)).value, [1, false], "Node 12 keeps none alive of itself");
    const called = Date.now();
    await until(async () => Date.now() - called > 200 || undefined, "the time has passed");
    assert.deepEqual((await kit.call(f)).value, [2, true]);
  });

  test("one that is busy while its function is changed ends when it is through", async () => {
    const source = `import fs from "node:fs";
export const handler = async () => {
  fs.writeFileSync("/tmp/busy-environment", "");
  while (fs.existsSync("/tmp/busy-environment")) await new Promise((next) => setTimeout(next, 5));
  return "old";
};`;
    const f = await kit.create({ "index.mjs": source }, { Timeout: 60 });
    const answer = kit.call(f);
    const pid = await until(async () => processWith("/tmp/busy-environment"), "it is busy");
    await kit.lambda.updateFunctionConfiguration({ FunctionName: f, Description: "changed" });
    rmSync(`/proc/${pid}/root/tmp/busy-environment`); // so it goes on
    assert.equal((await answer).value, "old");
    await until(async () => !existsSync(`/proc/${pid}`) || undefined, "it has ended");
  });

  test("idle ones hold what they have used, not all that they may use", async (t) => {
    const count = Math.ceil((totalmem() * 0.75) / 2 ** 20 / LARGEST_MB) + 2;
    if (count > 20) return t.skip("it takes too many functions to promise all of this machine's memory");
    const source = { "index.mjs": "let n = 0; export const handler = async () => ++n;" };
    const functions: string[] = [];
    for (let i = 0; i < count; i++) functions.push(await kit.create(source, { MemorySize: LARGEST_MB }));
    for (const n of [1, 2])
      for (const f of functions) assert.equal((await kit.call(f)).value, n, "each has kept its environment");
  });
});
