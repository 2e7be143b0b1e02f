import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

describe("Lambda in sandboxes", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let lambda: FunctionKit["lambda"];
  let role: string;
  let create: FunctionKit["create"];
  let call: FunctionKit["call"];
  before(async () => {
    platform = await startPlatform();
    ({ lambda, role, create, call } = await functionKit(platform.client));
  });
  after(() => platform?.stop());

  test("Node: a handler that is async, by callback, by context, and an ES module", async () => {
    const f = await create({
      "index.mjs":
        "export const handler = async (e, c) => ({ got: e.a, id: c.awsRequestId.length, v: c.functionVersion })",
    });
    assert.deepEqual((await call(f, { a: 1 })).value, { got: 1, id: 36, v: "$LATEST" });
    const callback = await create(
      { "index.js": "exports.handler = (e, c, cb) => setTimeout(() => cb(null, `main: ${require.main}`), 5)" },
      { Runtime: "nodejs20.x" },
    );
    assert.equal((await call(callback)).value, "main: undefined"); // as with Lambda's own runtime
    const legacy = await create(
      { "index.js": "exports.get = (e, c) => c.succeed({ ok: true })" },
      { Runtime: "nodejs4.3", Handler: "index.get" },
    );
    assert.deepEqual((await call(legacy)).value, { ok: true });
    const server = await create(
      {
        "index.js":
          "exports.handler = (e, c) => { setTimeout(() => c.succeed('later'), 20); return { listening: true } }",
      },
      { Runtime: "nodejs12.x" },
    );
    assert.equal((await call(server)).value, "later");
  });

  test("Node: errors in Lambda's shape, and the environment goes on", async () => {
    const f = await create({
      "index.js": "let n = 0; exports.handler = async (e) => { n++; if (e.fail) throw new TypeError('bad'); return n }",
    });
    const { value, FunctionError } = await call(f, { fail: true });
    assert.equal(FunctionError, "Unhandled");
    assert.equal(value.errorType, "TypeError");
    assert.equal(value.errorMessage, "bad");
    assert.match(value.trace[0], /TypeError: bad/);
    assert.equal((await call(f)).value, 2);
  });

  test("Node: a handler that is missing, throws on load, or is a callback under nodejs24.x", async () => {
    const missing = await create({ "index.js": "exports.other = 1" });
    assert.equal((await call(missing)).value.errorType, "Runtime.HandlerNotFound");
    const absent = await create({ "other.js": "" });
    assert.equal((await call(absent)).value.errorType, "Runtime.ImportModuleError");
    const syntax = await create({ "index.js": "exports.handler = (" });
    assert.equal((await call(syntax)).value.errorType, "Runtime.UserCodeSyntaxError");
    const callback = await create({ "index.js": "exports.handler = (e, c, cb) => cb(null, 1)" });
    assert.equal((await call(callback)).value.errorType, "Runtime.CallbackHandlerDeprecated");
  });

  test("a function that never answers ends at its timeout, and the next call gets a new environment", async () => {
    const f = await create(
      {
        "index.js":
          "exports.handler = (e) => e.hang ? new Promise(() => setInterval(() => {}, 1e6)) : Promise.resolve(1)",
      },
      { Timeout: 1 },
    );
    const { value } = await call(f, { hang: true });
    assert.equal(value.errorType, "Sandbox.Timedout");
    assert.match(value.errorMessage, /^RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds$/);
    assert.equal((await call(f)).value, 1);
  });

  test("a process that exits is an ExitError", async () => {
    const f = await create({ "index.js": "exports.handler = async () => process.exit(0)" });
    assert.match((await call(f)).value.errorMessage, /Error: Runtime exited without providing a reason$/);
  });

  test("Python: result, error, log tail with START, END and REPORT", async () => {
    const source =
      "import json\ndef handler(event, context):\n    print('hello', event['n'])\n    if event['n'] == 0: raise ValueError('zero')\n    return {'n': event['n'], 'm': context.memory_limit_in_mb}\n";
    const f = await create({ "index.py": source }, { Runtime: "python3.11" });
    const { value, LogResult } = await call(f, { n: 3 }, { LogType: "Tail" });
    assert.deepEqual(value, { n: 3, m: "128" });
    const log = Buffer.from(LogResult!, "base64").toString();
    assert.match(
      log,
      /^START RequestId: [0-9a-f-]{36} Version: \$LATEST\nhello 3\nEND RequestId: [0-9a-f-]{36}\nREPORT RequestId: .*\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms/,
    );
    const failed = await call(f, { n: 0 });
    assert.equal(failed.value.errorType, "ValueError");
    assert.match(failed.value.stackTrace[0], /File "\/var\/task\/index\.py", line 4, in handler/);
    const told = await create(
      {
        "index.py":
          "import os\ndef handler(e, c): return [c.invoked_function_arn, os.environ['PWD'], os.environ.get('AWS_LAMBDA_LOG_FORMAT')]",
      },
      { Runtime: "python3.11" },
    );
    const [arn, ...rest] = (await call(told, {}, { Qualifier: "$LATEST" })).value;
    assert.deepEqual(
      [arn.split(":").slice(6), rest],
      [
        [told, "$LATEST"],
        ["/var/task", null],
      ],
    );
    assert.equal((await call(told)).value[0], arn.replace(":$LATEST", ""));
  });

  test("Python is where Lambda has it, for the scripts in layers that name it so", async () => {
    const index =
      "import subprocess\ndef handler(event, context):\n    return subprocess.check_output(['/var/task/tool', 'x'], text=True)\n";
    const tool = { text: "#!/var/lang/bin/python\nimport sys\nprint('tool', sys.argv[1], end='')\n", mode: 0o100755 };
    const f = await create({ "index.py": index, tool }, { Runtime: "python3.13" });
    assert.equal((await call(f)).value, "tool x");
  });

  test("provided.al2023, and go1.x by its handler: a shell bootstrap speaks the Runtime API", async () => {
    const bootstrap = `#!/bin/sh
set -eu
while true; do
  curl -sS -D /tmp/h -o /tmp/e "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"
  id=$(sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *\\([^\\r]*\\).*/\\1/p' /tmp/h | tr -d '\\r')
  printf '{"echo":%s}' "$(cat /tmp/e)" | curl -sS -X POST -d @- "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" >/dev/null
done
`;
    const f = await create(
      { bootstrap: { text: bootstrap, mode: 0o100755 } },
      { Runtime: "provided.al2023", Handler: "x", Timeout: 30 },
    );
    assert.deepEqual((await call(f, { a: 1 })).value, { echo: { a: 1 } });
    assert.deepEqual((await call(f, { a: 2 })).value, { echo: { a: 2 } });
    const go = await create(
      { main: { text: bootstrap, mode: 0o100755 } },
      { FunctionName: "go", Runtime: "go1.x", Handler: "main" },
    );
    assert.deepEqual((await call(go, { a: 3 })).value, { echo: { a: 3 } });
  });

  test("the SDK inside reaches the platform as the function's role, by the plain endpoint and at AWS's usual address", async () => {
    const source = `import { STS } from "@aws-sdk/client-sts";
export const handler = async (e) => {
  if (e.usual) delete process.env.AWS_ENDPOINT_URL;
  return (await new STS({ maxAttempts: 1 }).getCallerIdentity({})).Arn;
};`;
    const f = await create({ "index.mjs": source }, { Timeout: 20, MemorySize: 512 });
    const expected = new RegExp(`^arn:aws:sts::000000000000:assumed-role/fn/${f}$`);
    assert.match((await call(f)).value, expected);
    assert.match((await call(f, { usual: true })).value, expected);
  });

  test("the URLs that the platform hands out work inside, by its port and below localhost", async () => {
    const f = await create({
      "index.mjs": `export const handler = async (urls) =>
        Promise.all(urls.map(async (url) => (await fetch(url)).status));`,
    });
    const { value } = await call(f, [
      `http://localhost:${platform.port}/_starling/health`,
      `http://nothing.localhost:${platform.port}/_starling/health`,
      "http://localhost:4566/_starling/health",
    ]);
    assert.deepEqual(value, [200, 200, 200]);
  });

  test("old runtime names bring version 2 of the SDK, and run on the nearest Node with a line that says so", async () => {
    const source =
      "exports.handler = async () => [require('aws-sdk').VERSION.split('.')[0], process.version.split('.')[0]]";
    const f = await create({ "index.js": source }, { Runtime: "nodejs12.x", Timeout: 20, MemorySize: 512 });
    const { value, LogResult } = await call(f, {}, { LogType: "Tail" });
    assert.deepEqual([value, Boolean(LogResult)], [["2", "v18"], true]);
    const esm =
      "import { S3Client } from '@aws-sdk/client-s3'; export const handler = async () => [typeof S3Client, process.version.split('.')[0]]";
    const oldest = await create({ "index.mjs": esm }, { Runtime: "nodejs18.x", Timeout: 20, MemorySize: 512 });
    assert.deepEqual((await call(oldest)).value, ["function", "v18"]);
    const current = await create(
      { "index.js": "exports.handler = async () => process.version.split('.')[0]" },
      { Runtime: "nodejs22.x" },
    );
    assert.equal((await call(current)).value, "v22");
  });

  test("layers are merged into /opt in their order, and a function finds their packages", async () => {
    const publish = async (LayerName: string, files: Record<string, string>) =>
      (await lambda.publishLayerVersion({ LayerName, Content: { ZipFile: await zip(files) } })).LayerVersionArn!;
    const first = await publish("one", {
      "nodejs/node_modules/dep/index.js": "module.exports = 'dep'",
      "nodejs/node24/node_modules/own/index.js": "module.exports = 'own'",
      "data.txt": "first",
    });
    const second = await publish("two", { "data.txt": "second" });
    const source =
      "exports.handler = async () => [require('dep'), require('own'), require('fs').readFileSync('/opt/data.txt', 'utf8')]";
    const f = await create({ "index.js": source }, { Layers: [first, second] });
    assert.deepEqual((await call(f)).value, ["dep", "own", "second"]);
    await assert.rejects(create({ "index.js": source }, { Layers: [`${second}9`] }), {
      name: "InvalidParameterValueException",
    });
  });

  test("what it prints is in CloudWatch Logs", async () => {
    const f = await create({
      "index.js": "exports.handler = async () => { console.log('one'); console.error('two') }",
    });
    await call(f);
    const logs = new CloudWatchLogs(platform.client);
    const messagesOf = async (name: string, count: number): Promise<string[]> => {
      const deadline = Date.now() + 5000;
      let found: string[] = [];
      while (Date.now() < deadline && found.length < count) {
        const answer = await logs
          .filterLogEvents({ logGroupName: `/aws/lambda/${name}` })
          .catch(() => ({ events: [] }));
        found = (answer.events ?? []).map((e) => e.message ?? "");
      }
      return found;
    };
    const messages = await messagesOf(f, 5);
    assert.equal(messages.length, 5, messages.join(""));
    assert.match(messages[1]!, /\tINFO\tone\n$/);
    assert.match(messages[2]!, /\tERROR\ttwo\n$/);
    const source = "def handler(e, c):\n    print('a\\n\\nb\\rc')\n";
    const python = await create({ "index.py": source }, { Runtime: "python3.13" });
    await call(python);
    const printed = (await messagesOf(python, 6)).filter((message) => !/^(INIT|START|END|REPORT)/.test(message));
    assert.deepEqual(printed, ["a\n", "b\rc\n"], "a line is an event");
  });

  test("versions are immutable, an alias moves, and nothing of an old version runs", async () => {
    const f = await create({ "index.js": "exports.handler = async () => 1" });
    const { Version } = await lambda.publishVersion({ FunctionName: f });
    assert.equal((await lambda.publishVersion({ FunctionName: f })).Version, Version);
    await lambda.createAlias({ FunctionName: f, Name: "live", FunctionVersion: Version! });
    await lambda.updateFunctionCode({
      FunctionName: f,
      ZipFile: await zip({ "index.js": "exports.handler = async () => 2" }),
    });
    assert.equal((await call(f)).value, 2);
    assert.equal((await call(f, {}, { Qualifier: "live" })).value, 1);
    const second = await lambda.publishVersion({ FunctionName: f });
    await lambda.updateAlias({ FunctionName: f, Name: "live", FunctionVersion: second.Version! });
    const { value, ExecutedVersion } = await call(f, {}, { Qualifier: "live" });
    assert.deepEqual([value, ExecutedVersion], [2, "2"]);
  });

  test("a bad zip, a path that leads out and a bad payload are refused", async () => {
    const bad = { FunctionName: "bad", Role: role, Runtime: "nodejs24.x", Handler: "index.handler" } as const;
    await assert.rejects(lambda.createFunction({ ...bad, Code: { ZipFile: Buffer.from("no zip") } }), {
      name: "InvalidParameterValueException",
    });
    const f = await create({ "index.js": "exports.handler = async () => 1" });
    await assert.rejects(lambda.invoke({ FunctionName: f, Payload: "{" }), { name: "InvalidRequestContentException" });
    await assert.rejects(lambda.invoke({ FunctionName: "none" }), {
      name: "ResourceNotFoundException",
      message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none:$LATEST",
    });
  });

  test("an event's end goes to its destination: another function, or an event bus", async () => {
    const logs = new CloudWatchLogs(platform.client);
    const events = new EventBridge(platform.client);
    const iam = new IAM(platform.client);
    const seen = async (logGroupName: string, pattern: string): Promise<any> => {
      const deadline = Date.now() + 30_000;
      for (;;) {
        const found = await logs
          .filterLogEvents({ logGroupName, filterPattern: `"${pattern}"` })
          .catch(() => ({ events: [] }));
        const line = found.events?.[0]?.message;
        if (line) return JSON.parse(line.slice(line.indexOf("{")));
        assert.ok(Date.now() < deadline, `nothing of ${pattern} arrived in ${logGroupName}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    await logs.createLogGroup({ logGroupName: "/aws/events/ends" });
    await events.putRule({ Name: "ends", EventPattern: '{"source":["lambda"]}' });
    const Arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/ends";
    await events.putTargets({ Rule: "ends", Targets: [{ Id: "1", Arn }] });
    const statement = { Effect: "Allow", Action: ["lambda:InvokeFunction", "events:PutEvents"], Resource: "*" };
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await iam.putRolePolicy({ RoleName: "fn", PolicyName: "destinations", PolicyDocument });
    const told = await create({ "index.js": "exports.handler = async (e) => console.log(JSON.stringify(e))" });
    const f = await create({
      "index.js": "exports.handler = async (e) => { if (e.fail) throw new TypeError(e.fail); return { ok: 1 } }",
    });
    const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
    const OnFailure = { Destination: arn(told) };
    const OnSuccess = { Destination: "arn:aws:events:us-east-1:000000000000:event-bus/default" };
    const put = (more: object) =>
      lambda.putFunctionEventInvokeConfig({ FunctionName: f, DestinationConfig: { OnSuccess, OnFailure }, ...more });
    await put({ MaximumRetryAttempts: 0 });
    await call(f, { k: "first" }, { InvocationType: "Event" });
    const success = (await seen("/aws/events/ends", "first")) as { "detail-type": string; detail: any };
    assert.equal(success["detail-type"], "Lambda Function Invocation Result - Success");
    assert.equal(success.detail.requestContext.condition, "Success");
    assert.deepEqual(success.detail.responsePayload, { ok: 1 });
    await call(f, { fail: "second" }, { InvocationType: "Event" });
    const { timestamp, requestContext, ...failed } = await seen(`/aws/lambda/${told}`, "second");
    assert.ok(Date.parse(timestamp));
    const { requestId, ...context } = requestContext;
    assert.match(requestId, /^[0-9a-f-]{36}$/);
    const functionArn = `${arn(f)}:$LATEST`;
    assert.deepEqual(context, { functionArn, condition: "RetriesExhausted", approximateInvokeCount: 1 });
    assert.equal(failed.version, "1.0");
    assert.deepEqual(failed.requestPayload, { fail: "second" });
    assert.deepEqual(failed.responseContext, {
      statusCode: 200,
      executedVersion: "$LATEST",
      functionError: "Unhandled",
    });
    assert.equal(failed.responsePayload.errorType, "TypeError");
    await put({ MaximumEventAgeInSeconds: 60 });
    await call(f, { fail: "third" }, { InvocationType: "Event" });
    const old = await seen(`/aws/lambda/${told}`, "third");
    assert.equal(old.requestContext.condition, "EventAgeExceeded", "a retry in a minute would be too late");
    await lambda.putFunctionConcurrency({ FunctionName: f, ReservedConcurrentExecutions: 0 });
    await call(f, { fail: "fourth" }, { InvocationType: "Event" });
    const throttled = await seen(`/aws/lambda/${told}`, "fourth");
    assert.equal(throttled.requestContext.condition, "ZeroReservedConcurrency");
    assert.equal(throttled.requestContext.approximateInvokeCount, 0);
  });

  test("settings of asynchronous calls: their life, and what is refused", async () => {
    const FunctionName = await create({ "index.js": "exports.handler = async () => 1" });
    const functionArn = `arn:aws:lambda:us-east-1:000000000000:function:${FunctionName}`;
    const empty = { OnSuccess: {}, OnFailure: {} };
    const put = await lambda.putFunctionEventInvokeConfig({ FunctionName, MaximumRetryAttempts: 1 });
    assert.equal(put.FunctionArn, `${functionArn}:$LATEST`);
    assert.deepEqual(put.DestinationConfig, empty);
    await lambda.updateFunctionEventInvokeConfig({ FunctionName, MaximumEventAgeInSeconds: 60 });
    const { FunctionEventInvokeConfigs } = await lambda.listFunctionEventInvokeConfigs({ FunctionName });
    const { LastModified, ...config } = FunctionEventInvokeConfigs![0]!;
    assert.ok(LastModified instanceof Date);
    assert.deepEqual(config, {
      FunctionArn: `${functionArn}:$LATEST`,
      MaximumRetryAttempts: 1,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: empty,
    });
    const refused = (Destination: string | undefined, expected: object) =>
      assert.rejects(
        lambda.putFunctionEventInvokeConfig({
          FunctionName,
          ...(Destination ? { DestinationConfig: { OnSuccess: { Destination } } } : {}),
        }),
        expected,
      );
    const name = "InvalidParameterValueException";
    await refused(undefined, {
      name,
      message: "You must specify at least one of error handling or destination setting.",
    });
    await refused(functionArn, { name, message: "You can't specify the function as a destination for itself." });
    await refused(`${functionArn}x`, { name, message: `The destination ARN ${functionArn}x is invalid.` });
    await refused("arn:aws:iam:us-east-1:000000000000:role/x", { name, message: /onFailure=null\) is invalid/ });
    const noQueue = "arn:aws:sqs:us-east-1:000000000000:no-such-queue";
    await refused(noQueue, { name, message: `The destination ARN ${noQueue} is invalid.` });
    await lambda.deleteFunctionEventInvokeConfig({ FunctionName });
    await assert.rejects(lambda.getFunctionEventInvokeConfig({ FunctionName }), {
      name: "ResourceNotFoundException",
      message: `The function ${functionArn}:$LATEST doesn't have an EventInvokeConfig`,
    });
    await assert.rejects(lambda.putFunctionEventInvokeConfig({ FunctionName: "none", MaximumRetryAttempts: 0 }), {
      name: "ResourceNotFoundException",
      message: "The function doesn't exist.",
    });
  });

  test("an event that was accepted runs after kill -9 too", async () => {
    // It takes longer than the kill, so that it cannot have ended before: the last log lines before a kill may be lost.
    const f = await create({
      "index.js":
        "exports.handler = async (e) => { await new Promise((r) => setTimeout(r, 2000)); console.log('ran', e.k) }",
    });
    const { StatusCode } = await call(f, { k: "survivor" }, { InvocationType: "Event" });
    assert.equal(StatusCode, 202);
    await platform.kill();
    await platform.restart();
    const logs = new CloudWatchLogs(platform.client);
    const deadline = Date.now() + 30_000;
    for (;;) {
      const found = await logs
        .filterLogEvents({ logGroupName: `/aws/lambda/${f}`, filterPattern: '"ran survivor"' })
        .catch(() => ({ events: [] }));
      if (found.events?.length) break;
      assert.ok(Date.now() < deadline, "the event was lost");
    }
  });
});
