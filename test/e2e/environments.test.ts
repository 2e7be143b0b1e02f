import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import * as L from "@aws-sdk/client-lambda";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { trust } from "../support/stacks.ts";
import { zip } from "../support/zip.ts";

const WRAPPER = '#!/bin/sh\nexport WRAPPED="with $#" _HANDLER=other.handler\nexec "$@"\n';

describe("execution environments", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let lambda: L.Lambda;
  let role: string;
  let n = 0;

  before(async () => {
    platform = await startPlatform();
    lambda = new L.Lambda(platform.client);
    const iam = new IAM(platform.client);
    const { Role } = await iam.createRole({ RoleName: "fn", AssumeRolePolicyDocument: JSON.stringify(trust) });
    role = Role!.Arn!;
  });
  after(() => platform?.stop());

  async function create(
    files: Parameters<typeof zip>[0],
    options: Partial<L.CreateFunctionCommandInput> = {},
  ): Promise<string> {
    const FunctionName = `f${n++}`;
    const Code = { ZipFile: await zip(files) };
    const common = { Role: role, Runtime: "nodejs24.x", Handler: "index.handler", Timeout: 20 } as const;
    await lambda.createFunction({ FunctionName, Code, ...common, ...options });
    return FunctionName;
  }

  async function call(FunctionName: string, event: unknown = {}) {
    const answer = await lambda.invoke({ FunctionName, Payload: JSON.stringify(event), LogType: "Tail" });
    const log = Buffer.from(answer.LogResult ?? "", "base64").toString();
    return { value: JSON.parse(Buffer.from(answer.Payload!).toString()), log };
  }

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
});
