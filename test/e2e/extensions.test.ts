import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { until } from "../support/build-kit.ts";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

const LOGS_MS = 10_000;

/** An extension in Python; `body` runs after its registration, with `request(method, path, body, headers)` at hand. */
const extension = (body: string, events = ["INVOKE", "SHUTDOWN"]) => ({
  mode: 0o100755,
  text: `#!/usr/bin/python3
import json, os, sys, time, urllib.request, urllib.error
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"]
name = os.path.basename(sys.argv[0])
def request(method, path, body=None, headers={}):
    data = None if body is None else json.dumps(body).encode()
    try:
        answer = urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method))
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, json.loads(answer.read()), answer.headers
def register(name, events, headers={}):
    return request("POST", "/2020-01-01/extension/register", {"events": events}, {"Lambda-Extension-Name": name, **headers})
status, registered, headers = register(name, ${JSON.stringify(events)}, {"Lambda-Extension-Accept-Feature": "accountId"})
id = headers["Lambda-Extension-Identifier"]
def next():
    return request("GET", "/2020-01-01/extension/event/next", None, {"Lambda-Extension-Identifier": id})[1]
def say(*words):
    print(name, *words, flush=True)
${body}
`,
});

const FOLLOW = `
while True:
    event = next()
    say("got", json.dumps(event))
    if event["eventType"] == "SHUTDOWN": sys.exit(0)
`;
const NODE = { "index.js": "exports.handler = async (e) => { console.log('work'); return e.n ?? 0 }" };

describe("Lambda extensions", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: FunctionKit;
  let logs: CloudWatchLogs;
  let cloudwatch: CloudWatch;
  let layers = 0;
  before(async () => {
    platform = await startPlatform();
    kit = await functionKit(platform.client);
    logs = new CloudWatchLogs(platform.client);
    cloudwatch = new CloudWatch(platform.client);
  });
  after(() => platform?.stop());

  const layer = async (files: Record<string, { text: string; mode: number }>): Promise<string> => {
    const named = Object.fromEntries(Object.entries(files).map(([name, file]) => [`extensions/${name}`, file]));
    const made = await kit.lambda.publishLayerVersion({
      LayerName: `l${layers++}`,
      Content: { ZipFile: await zip({ "read.me": "a layer", ...named }) },
    });
    return made.LayerVersionArn!;
  };

  /** The function's log as soon as it has what is looked for. */
  const logOf = async (f: string, pattern: RegExp): Promise<string> => {
    const limit = Date.now() + LOGS_MS;
    for (;;) {
      const { events = [] } = await logs
        .filterLogEvents({ logGroupName: `/aws/lambda/${f}` })
        .catch(() => ({ events: [] }));
      const text = events.map(({ message }) => message).join("");
      if (pattern.test(text)) return text;
      assert.ok(Date.now() < limit, `the log has no ${pattern}:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const change = (FunctionName: string): Promise<unknown> =>
    kit.lambda.updateFunctionConfiguration({ FunctionName, Description: "changed" });

  for (const [runtime, files] of [
    ["nodejs24.x", NODE],
    ["python3.13", { "index.py": "def handler(e, c):\n    print('work')\n    return e['n']\n" }],
  ] as const) {
    test(`${runtime}: an external extension is registered, told of each call, and of the end`, async () => {
      const body = `say("env", "_HANDLER" in os.environ, os.environ["MINE"], json.dumps(registered))${FOLLOW}`;
      const Layers = [await layer({ "watch.py": extension(body) })];
      const f = await kit.create(files, { Layers, Runtime: runtime, Environment: { Variables: { MINE: "yes" } } });
      const first = await kit.call(f, { n: 1 }, { LogType: "Tail" });
      assert.equal(first.value, 1);
      assert.equal((await kit.call(f, { n: 2 })).value, 2);
      await change(f);
      assert.equal((await kit.call(f, { n: 3 })).value, 3);
      const text = await logOf(f, /"SHUTDOWN"/);
      assert.match(text, /^EXTENSION\tName: watch\.py\tState: Ready\tEvents: \[INVOKE, SHUTDOWN\]$/m);
      const told = /^watch\.py env (\w+) (\w+) (.*)$/m.exec(text)!;
      assert.deepEqual(told.slice(1, 3), ["False", "yes"]);
      assert.deepEqual(JSON.parse(told[3]!), {
        functionName: f,
        functionVersion: "$LATEST",
        handler: "index.handler",
        accountId: "000000000000",
      });
      const events = [...text.matchAll(/^watch\.py got (.*)$/gm)].map(([, json]) => JSON.parse(json!));
      const invoked = events.find(({ requestId }) => text.includes(`START RequestId: ${requestId}`));
      assert.equal(invoked.eventType, "INVOKE");
      assert.equal(invoked.invokedFunctionArn, `arn:aws:lambda:us-east-1:000000000000:function:${f}`);
      assert.equal(invoked.tracing.type, "X-Amzn-Trace-Id");
      assert.ok(invoked.deadlineMs > Date.now() - 60_000);
      const end = events.find(({ eventType }) => eventType === "SHUTDOWN");
      assert.equal(end.shutdownReason, "spindown");
    });
  }

  test("an extension that ends in the init phase, or cannot be run, is the call's error", async () => {
    const crash = await kit.create(NODE, { Layers: [await layer({ crash: extension("sys.exit(3)") })] });
    const { value } = await kit.call(crash);
    assert.equal(value.errorType, "Extension.Crash");
    assert.match(value.errorMessage, /^RequestId: [0-9a-f-]{36} Error: exit status 3$/);
    const broken = await kit.create(NODE, { Layers: [await layer({ broken: { text: "no", mode: 0o100644 } })] });
    assert.equal((await kit.call(broken)).value.errorType, "Extension.LaunchError");
    await logOf(broken, /EXTENSION\tName: broken\tState: LaunchError\tEvents: \[\]\tError Type: PermissionDenied/);
  });

  test("an extension that ends under a call ends the environment; the next call has a new one", async () => {
    const body = "next()\nsys.exit(4)\n";
    const source =
      "let n = 0; exports.handler = async (e) => { if (e.wait) await new Promise((r) => setTimeout(r, 5000)); return ++n }";
    const f = await kit.create(
      { "index.js": source },
      { Layers: [await layer({ crash: extension(body) })], Timeout: 10 },
    );
    const { value } = await kit.call(f, { wait: true });
    assert.equal(value.errorType, "Extension.Crash");
    assert.match(value.errorMessage, /exit status 4/);
    await logOf(f, /Status: error/);
  });

  test("the caller does not wait for extensions, the environment does, and the time limit is for all", async () => {
    const body = `
seconds = 1.5
while True:
    event = next()
    if event["eventType"] == "SHUTDOWN": sys.exit(0)
    time.sleep(seconds)
    say("through")
    seconds = 30
`;
    const source = "let n = 0; exports.handler = async () => ++n";
    const f = await kit.create(
      { "index.js": source },
      { Layers: [await layer({ slow: extension(body) })], Timeout: 2 },
    );
    assert.equal((await kit.call(f)).value, 1);
    assert.equal((await kit.call(f)).value, 1, "another environment, for the first is not ready yet");
    const text = await logOf(f, /slow through\n[^]*REPORT[^]*\nREPORT/);
    const [, duration, billed] =
      /slow through\n[^]*?REPORT .*\tDuration: (\d+)\.\d+ ms\tBilled Duration: (\d+) ms/.exec(text)!;
    assert.ok(Number(duration) >= 1500 && Number(billed) > Number(duration), "the call ends with its extensions");
    assert.equal((await kit.call(f)).value, 2, "one of them, for it is ready again");
    await logOf(
      f,
      /Task timed out after 2\.00 seconds\nEND [^\n]+\nREPORT [^\n]*Duration: 2\d\d\d\.[^\n]*Status: timeout/,
    );
    const metric = await until(async () => {
      const { Datapoints = [] } = await cloudwatch.getMetricStatistics({
        Namespace: "AWS/Lambda",
        MetricName: "PostRuntimeExtensionsDuration",
        Dimensions: [{ Name: "FunctionName", Value: f }],
        StartTime: new Date(Date.now() - 600_000),
        EndTime: new Date(Date.now() + 60_000),
        Period: 3600,
        Statistics: ["Minimum", "SampleCount"],
      });
      return Datapoints[0]?.SampleCount === 3 ? Datapoints[0] : undefined;
    }, "the metric");
    assert.ok(metric.Minimum! > 1400);
  });

  test("registration: names, events and times are checked", async () => {
    const body = `
say("again", register(name, ["INVOKE"])[1]["errorType"])
say("inside", register("inside", ["SHUTDOWN"])[1]["errorType"])
say("event", register("other", ["TICK"])[1]["errorType"])
say("name", register("", ["INVOKE"])[1]["errorType"])
say("nobody", request("GET", "/2020-01-01/extension/event/next")[1]["errorType"])
say("unknown", request("GET", "/2020-01-01/extension/event/next", None, {"Lambda-Extension-Identifier": "x"})[1]["errorType"])
next()
say("late", register("late", ["INVOKE"])[1]["errorType"])
next()
`;
    const f = await kit.create(NODE, { Layers: [await layer({ checks: extension(body) })] });
    await kit.call(f);
    const text = await logOf(f, /checks late/);
    assert.deepEqual(
      [...text.matchAll(/^checks (.*)$/gm)].map(([, line]) => line),
      [
        "again Extension.AlreadyRegistered",
        "inside ShutdownEventNotSupportedForInternalExtension",
        "event Extension.InvalidEventType",
        "name Extension.InvalidExtensionName",
        "nobody Extension.MissingExtensionIdentifier",
        "unknown Extension.UnknownExtensionIdentifier",
        "late Extension.RegistrationClosed",
      ],
    );
  });

  test("an internal extension in Node.js goes on between calls, and the runtime is asked to end", async () => {
    const source = `
import http from "node:http";
const call = (method, path, headers, body) => new Promise((resolve, reject) => {
  const url = "http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2020-01-01/extension/" + path;
  const request = http.request(url, { method, headers }, (answer) => {
    let text = "";
    answer.on("data", (chunk) => (text += chunk)).on("end", () => resolve({ headers: answer.headers, text }));
  });
  request.on("error", reject).end(body);
});
const seen = [];
process.on("SIGTERM", () => { console.log("SIGTERM after", seen.length); process.exit(0); });
const { headers } = await call("POST", "register", { "lambda-extension-name": "inner" }, '{"events":["INVOKE"]}');
const next = () => call("GET", "event/next", { "lambda-extension-identifier": headers["lambda-extension-identifier"] });
const follow = ({ text }) => { seen.push(JSON.parse(text).requestId); next().then(follow); };
next().then(follow);
export const handler = async (event, context) => context.awsRequestId;
`;
    const Layers = [await layer({})];
    const f = await kit.create({ "index.mjs": source }, { Layers });
    for (let n = 0; n < 3; n++) assert.match((await kit.call(f)).value, /^[0-9a-f-]{36}$/);
    await change(f);
    const text = await logOf(f, /SIGTERM after/);
    assert.match(text, /EXTENSION\tName: inner\tState: Ready\tEvents: \[INVOKE\]/);
    assert.match(text, /SIGTERM after [123]$/m);
  });

  for (const [name, path, destination] of [
    ["Telemetry", "/2022-07-01/telemetry", { protocol: "HTTP", URI: "http://sandbox.localdomain:8080/x" }],
    ["Logs", "/2020-08-15/logs", { protocol: "HTTP", URI: "http://sandbox.localdomain:8080/x" }],
    ["Telemetry by TCP", "/2022-07-01/telemetry", { protocol: "TCP", URI: "tcp://sandbox.localdomain:8080" }],
  ] as const) {
    test(`${name}: an extension is brought what happens`, async () => {
      const isTcp = destination.protocol === "TCP";
      const body = `
import http.server, socketserver, threading
got = []
class Web(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        got.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *a): pass
class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile: got.append(json.loads(line))
server = socketserver.ThreadingTCPServer(("sandbox.localdomain", 8080), ${isTcp ? "Lines" : "Web"})
threading.Thread(target=server.serve_forever, daemon=True).start()
def subscribe(**changes):
    wanted = {"types": ["platform", "function", "extension"], "buffering": {"timeoutMs": 25}, "destination": ${JSON.stringify(destination)}}
    return request("PUT", "${path}", {"schemaVersion": "${path.split("/")[1]}", **wanted, **changes}, {"Lambda-Extension-Identifier": id})[:2]
bad = [subscribe(types=[])[1]["errorType"], subscribe(buffering={"maxItems": 1})[1]["errorMessage"], subscribe(destination={"protocol": "HTTP", "URI": "http://127.0.0.1:1"})[0]]
bad.append(subscribe())
say("hello")
while next()["eventType"] != "SHUTDOWN": pass
bad.append(subscribe()[1]["errorType"])
limit = time.time() + 1.5
while time.time() < limit and not any(e["type"] == "platform.report" for e in got): time.sleep(0.02)
print("GOT", json.dumps({"bad": bad, "got": got}), flush=True)
`;
      const f = await kit.create(NODE, { Layers: [await layer({ collect: extension(body) })] });
      const { log } = await kit.call(f, { n: 5 }, { LogType: "Tail" });
      const requestId = /START RequestId: (\S+)/.exec(log)![1];
      await change(f);
      await kit.call(f);
      const text = await logOf(f, /^GOT /m);
      const label = name === "Logs" ? "LOGS" : "TELEMETRY";
      assert.match(
        text,
        new RegExp(`^${label}\tName: collect\tState: Subscribed\tTypes: \\[Platform, Function, Extension\\]$`, "m"),
      );
      const { bad, got } = JSON.parse(/^GOT (.*)$/m.exec(text)![1]!);
      const prefix = name === "Logs" ? "Logs" : "Telemetry";
      assert.deepEqual(bad, [
        "ValidationError",
        "maxItems must be a whole number from 1000 to 10000",
        400,
        [200, "OK"],
        `${prefix}.SubscriptionClosed`,
      ]);
      const ofType = (type: string) => got.filter((event: { type: string }) => event.type === type);
      assert.deepEqual([...new Set(got.map(({ type }: { type: string }) => type))].toSorted(), [
        "extension",
        "function",
        ...(name === "Logs" ? ["platform.end"] : []),
        "platform.extension",
        ...(name === "Logs"
          ? ["platform.logsSubscription"]
          : ["platform.initReport", "platform.initRuntimeDone", "platform.initStart"]),
        "platform.report",
        "platform.runtimeDone",
        "platform.start",
        ...(name === "Logs" ? [] : ["platform.telemetrySubscription"]),
      ]);
      assert.equal(ofType("extension")[0].record, "collect hello");
      assert.match(ofType("function")[0].record, /work$/);
      assert.equal(ofType("platform.start")[0].record.requestId, requestId);
      const { record } = ofType("platform.report")[0];
      assert.equal(record.status, "success");
      assert.equal(record.metrics.memorySizeMB, 128);
      assert.ok(record.metrics.initDurationMs > 0);
      assert.equal(ofType("platform.runtimeDone")[0].record.metrics.producedBytes, 1);
      assert.ok(Math.abs(Date.parse(ofType("platform.start")[0].time) - Date.now()) < 60_000);
    });
  }

  test("a custom runtime with an extension: its end tells extensions of the failure", async () => {
    const bootstrap = `#!/bin/sh
curl -sS -D /tmp/h -o /tmp/e "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"
exit 7
`;
    const f = await kit.create(
      { bootstrap: { text: bootstrap, mode: 0o100755 } },
      { Runtime: "provided.al2023", Handler: "x", Layers: [await layer({ watch: extension(FOLLOW) })] },
    );
    const { value } = await kit.call(f);
    assert.equal(value.errorType, "Runtime.ExitError");
    assert.match(value.errorMessage, /exit status 7/);
    assert.match(await logOf(f, /"SHUTDOWN"/), /"shutdownReason": "failure"/);
  });
});
