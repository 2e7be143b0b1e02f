import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { until } from "../support/starling.ts";

const WRAPPER = '#!/bin/sh\nexport WRAPPED="with $#" _HANDLER=other.handler\nexec "$@"\n';

describe("execution environments", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: FunctionKit;
  let logs: CloudWatchLogs;
  before(async () => {
    platform = await startPlatform();
    logs = new CloudWatchLogs(platform.client);
    kit = await functionKit(platform.client);
  });
  after(() => platform?.stop());

  const create: FunctionKit["create"] = (files, options) => kit.create(files, { Timeout: 20, ...options });
  const call = (name: string) => kit.call(name, {}, { LogType: "Tail" });

  test("a wrapper script starts the runtime, in Node and in Python, and what it sets counts", async () => {
    const wrapper = { text: WRAPPER, mode: 0o100755 };
    const Environment = { Variables: { AWS_LAMBDA_EXEC_WRAPPER: "/var/task/wrapper" } };
    const node = await create(
      { wrapper, "other.mjs": "export const handler = async () => process.env.WRAPPED" },
      { Environment },
    );
    assert.match((await call(node)).value, /^with [3-9]$/);
    const python = await create(
      { wrapper, "other.py": "import os\ndef handler(e, c): return os.environ['WRAPPED']" },
      { Environment, Runtime: "python3.11" },
    );
    assert.equal((await call(python)).value, "with 3");
  });

  test("an init phase over ten seconds is run again within the call", async () => {
    const f = await create(
      { "index.mjs": "setInterval(() => {}, 1000); await new Promise(() => {}); export const handler = async () => 1" },
      { Timeout: 1 },
    );
    const { value, log } = await call(f);
    assert.match(value.errorMessage, /Error: Task timed out after 1\.00 seconds$/);
    assert.match(log, /START RequestId[^]*Task timed out after 1\.00 seconds[^]*Status: timeout/);
    assert.doesNotMatch(log, /\tInit Duration/);
  });

  test("what ends an environment is named in its lines: REPORT, and INIT_REPORT where it is the init phase", async () => {
    const logOf = (name: string, line: RegExp) =>
      until(async () => {
        const { events = [] } = await logs
          .filterLogEvents({ logGroupName: `/aws/lambda/${name}` })
          .catch(() => ({ events: [] }));
        return events.map((e) => e.message!).find((m) => line.test(m));
      }, 10_000);
    const exits = await create({ "index.js": "exports.handler = async () => process.exit(3)" });
    assert.match((await call(exits)).log, /\nREPORT [^\n]*\tStatus: error\tError Type: Runtime\.ExitError/);
    const fails = await create({ "index.js": "throw new Error('no')" });
    assert.match((await call(fails)).log, /\tStatus: error\tError Type: Error/);
    assert.match(
      (await logOf(fails, /^INIT_REPORT/))!,
      /^INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: Error\n$/,
    );
    const leaves = await create({ "index.js": "process.exit(4)" });
    await call(leaves);
    assert.match(
      (await logOf(leaves, /^INIT_REPORT/))!,
      /\tPhase: init\tStatus: error\tError Type: Runtime\.ExitError\n$/,
    );
  });

  test("an init phase that fails is run again within the call, and may succeed there", async () => {
    const always = await call(await create({ "index.js": "throw new Error('no')" }));
    assert.equal(always.value.errorMessage, "no");
    assert.match(
      always.log,
      /^START [^]*INIT_REPORT [^\n]*\tPhase: invoke\tStatus: error\tError Type: Error\n[^]*REPORT /,
    );
    assert.doesNotMatch(always.log, /\tInit Duration/);
    await new IAM(platform.client).putRolePolicy({
      RoleName: "fn",
      PolicyName: "ssm",
      PolicyDocument: JSON.stringify({ Statement: [{ Effect: "Allow", Action: "ssm:PutParameter", Resource: "*" }] }),
    });
    const once = await create({
      "index.mjs": `import { SSM } from "@aws-sdk/client-ssm";
const isFirst = await new SSM().putParameter({ Name: "loaded", Value: "1", Type: "String" }).then(() => true, () => false);
if (isFirst) throw new Error("the first time");
export const handler = async () => "the second";`,
    });
    assert.equal((await call(once)).value, "the second");
    assert.equal((await call(once)).value, "the second");
  });

  test("what it keeps, and that a timer left behind sleeps with it", async () => {
    const f = await create({
      "index.mjs": `import fs from "node:fs";
let fired = 0;
export const handler = async (e) => {
  const had = fs.existsSync("/tmp/mark");
  fs.writeFileSync("/tmp/mark", "");
  setTimeout(() => fired++, 1);
  return { had, fired };
};`,
    });
    assert.deepEqual((await call(f)).value, { had: false, fired: 0 });
    assert.equal((await call(f)).value.had, true);
  });

  test("output of megabytes in one line is logged in pieces and harms nothing", async () => {
    const f = await create(
      {
        "index.mjs":
          "export const handler = async () => { console.log('x'.repeat(40 * 1024 * 1024)); return 'alive'; }",
      },
      { MemorySize: 512 },
    );
    assert.equal((await call(f)).value, "alive");
    assert.equal((await call(f)).value, "alive");
  });

  test("after the init phase a function has the CPU that its memory buys", async () => {
    const f = await create(
      {
        "index.mjs": `export const handler = async () => {
  const [used, started] = [process.cpuUsage(), performance.now()];
  while (performance.now() - started < 1000);
  const { user, system } = process.cpuUsage(used);
  return (user + system) / 1000 / (performance.now() - started);
};`,
      },
      { MemorySize: 128 },
    );
    const share = (await call(f)).value;
    assert.ok(share < 0.5, `of a CPU: ${share}`);
  });

  test("the SDK's compiled code is there before the first call, and nobody changes it", async () => {
    const f = await create({
      "index.mjs": `import fs from "node:fs";
import module from "node:module";
import "@aws-sdk/client-dynamodb";
export const handler = async () => {
  const folder = module.getCompileCacheDir();
  let change = "changed";
  try { fs.writeFileSync(folder + "/x", ""); } catch (error) { change = error.code; }
  return { folder, files: fs.readdirSync(folder).length > 20, change };
};`,
    });
    const { folder, files, change } = (await call(f)).value;
    assert.match(folder, /^\/node_modules\/\.sdk-cache\/v24/);
    assert.deepEqual({ files, change }, { files: true, change: "EROFS" });
  });
});
