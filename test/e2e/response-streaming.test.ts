import assert from "node:assert/strict";
import { request, type IncomingMessage } from "node:http";
import { after, before, describe, test } from "node:test";
import * as L from "@aws-sdk/client-lambda";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

const STREAMED = `
import { setTimeout as sleep } from "node:timers/promises";
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  const path = event.rawPath ?? event.path;
  if (path === "/typed") {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "content-type": "text/plain", "x-own": "1" }, cookies: ["a=1"] });
    stream.write("made ");
    stream.write(context.awsRequestId.length + "");
    stream.end();
    return;
  }
  if (path === "/early") throw new RangeError("before a word");
  stream.setContentType("text/event-stream");
  stream.write("first\\n");
  if (path === "/late") throw new RangeError("in the midst");
  if (path === "/large") { for (let i = 0; i < 320; i++) if (!stream.write(Buffer.alloc(64 * 1024, 46))) await new Promise((r) => stream.once("drain", r)); stream.end(); return; }
  await sleep(event.ms ?? 0);
  stream.write("last\\n");
  stream.end();
});`;

const BOOTSTRAP = `#!/usr/bin/python3
import base64, http.client, os, time
while True:
    c = http.client.HTTPConnection("127.0.0.1", 9001)
    c.request("GET", "/2018-06-01/runtime/invocation/next")
    r = c.getresponse()
    id, body = r.headers["lambda-runtime-aws-request-id"], r.read().decode()
    fails = "fail" in body
    c = http.client.HTTPConnection("127.0.0.1", 9001)
    c.putrequest("POST", "/2018-06-01/runtime/invocation/%s/response" % id)
    if "quiet" not in body:
        c.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    c.putheader("Transfer-Encoding", "chunked")
    c.putheader("Content-Type", "text/plain")
    if fails:
        c.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    c.endheaders()
    told = (r.headers["lambda-runtime-client-context"] or "").encode()
    for piece in (b"one ", b"two", told, b"" if body else b"nothing"):
        if piece:
            c.send(b"%x\\r\\n%s\\r\\n" % (len(piece), piece))
    end = b"0\\r\\n"
    if fails:
        details = base64.b64encode(b'{"errorMessage":"half way","errorType":"My.Error"}')
        end += b"Lambda-Runtime-Function-Error-Type: My.Error\\r\\nLambda-Runtime-Function-Error-Body: " + details + b"\\r\\n"
    c.send(end + b"\\r\\n")
    c.getresponse().read()
    if "leave" in body:
        time.sleep(0.3)
        os._exit(0)
`;

describe("response streaming", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: FunctionKit;
  let lambda: L.Lambda;
  before(async () => {
    platform = await startPlatform();
    kit = await functionKit(platform.client);
    ({ lambda } = kit);
  });
  after(() => platform?.stop());

  const create: FunctionKit["create"] = (files, options) =>
    kit.create(files, { Runtime: "nodejs22.x", MemorySize: 512, Timeout: 20, ...options });

  async function stream(FunctionName: string, event: object, options: Partial<L.InvokeWithResponseStreamRequest> = {}) {
    const answer = await lambda.invokeWithResponseStream({ FunctionName, Payload: JSON.stringify(event), ...options });
    const pieces: { text: string; at: number }[] = [];
    let complete: L.InvokeWithResponseStreamCompleteEvent | undefined;
    for await (const item of answer.EventStream!) {
      if (item.PayloadChunk) {
        pieces.push({ text: Buffer.from(item.PayloadChunk.Payload!).toString(), at: performance.now() });
      } else complete = item.InvokeComplete;
    }
    return { answer, pieces, complete: complete!, text: pieces.map((p) => p.text).join("") };
  }

  async function open(FunctionName: string): Promise<(path: string) => Promise<IncomingMessage>> {
    await lambda.addPermission({
      FunctionName,
      StatementId: "all",
      Action: "lambda:InvokeFunctionUrl",
      Principal: "*",
      FunctionUrlAuthType: "NONE",
    });
    const made = await lambda.createFunctionUrlConfig({
      FunctionName,
      AuthType: "NONE",
      InvokeMode: "RESPONSE_STREAM",
    });
    const { host } = new URL(made.FunctionUrl!);
    return (path) =>
      new Promise((resolve, reject) => {
        const sent = request({ host: "127.0.0.1", port: platform.port, path, headers: { host } }, resolve);
        sent.on("error", reject).end();
      });
  }

  async function textOf(answer: IncomingMessage): Promise<string> {
    let text = "";
    for await (const chunk of answer.setEncoding("utf8")) text += chunk;
    return text;
  }

  test("pieces come as the handler writes them, and the log at the end", async () => {
    const f = await create({ "index.mjs": STREAMED });
    await stream(f, {});
    const { answer, pieces, text, complete } = await stream(f, { ms: 300 }, { LogType: "Tail" });
    assert.equal(answer.StatusCode, 200);
    assert.equal(answer.ExecutedVersion, "$LATEST");
    assert.equal(text, "first\nlast\n");
    assert.ok(pieces[1]!.at - pieces[0]!.at > 200, "the first piece did not wait for the last");
    assert.match(Buffer.from(complete.LogResult!, "base64").toString(), /REPORT RequestId: /);
    assert.equal(complete.ErrorCode, undefined);
  });

  test("errors before and in the midst of an answer, and the environment goes on", async () => {
    const f = await create({ "index.mjs": STREAMED });
    const early = await stream(f, { path: "/early" });
    assert.equal(early.complete.ErrorCode, "RangeError");
    assert.equal(JSON.parse(early.complete.ErrorDetails!).errorMessage, "before a word");
    const late = await stream(f, { path: "/late" });
    assert.equal(late.text, "first\n");
    assert.equal(late.complete.ErrorCode, "RangeError");
    assert.equal((await stream(f, {})).text, "first\nlast\n");
  });

  test("a handler that does not stream, and Invoke of one that does", async () => {
    const plain = await create({ "index.mjs": "export const handler = async (e) => ({ got: e.a })" });
    const { text, pieces } = await stream(plain, { a: 1 });
    assert.deepEqual(JSON.parse(text), { got: 1 });
    assert.equal(pieces.length, 1);
    const f = await create({ "index.mjs": STREAMED });
    const whole = await lambda.invoke({ FunctionName: f, Payload: "{}" });
    assert.equal(Buffer.from(whole.Payload!).toString(), "first\nlast\n");
    const large = await lambda.invoke({ FunctionName: f, Payload: '{"path":"/large"}' });
    assert.equal(JSON.parse(Buffer.from(large.Payload!).toString()).errorType, "Function.ResponseSizeTooLarge");
  });

  test("a custom runtime streams by the Runtime API, with its error in the trailers", async () => {
    const f = await create(
      { bootstrap: { text: BOOTSTRAP, mode: 0o100755 } },
      { Runtime: "provided.al2023", Handler: "any" },
    );
    const good = await stream(f, {});
    assert.equal(good.text, "one two");
    const bad = await stream(f, { fail: 1 });
    assert.equal(bad.text, "one two");
    assert.equal(bad.complete.ErrorCode, "My.Error");
    assert.equal(JSON.parse(bad.complete.ErrorDetails!).errorMessage, "half way");
    // Go's client never says that it streams: the call does.
    const quiet = await stream(f, { quiet: 1, fail: 1 });
    assert.deepEqual([quiet.text, quiet.complete.ErrorCode], ["one two", "My.Error"]);
    const whole = await lambda.invoke({ FunctionName: f, Payload: '{"quiet":1,"fail":1}' });
    assert.deepEqual([Buffer.from(whole.Payload!).toString(), whole.FunctionError], ["one two", undefined]);
  });

  test("a call that came while a custom runtime was about to end goes to another environment", async () => {
    const f = await create(
      { bootstrap: { text: BOOTSTRAP, mode: 0o100755 } },
      { Runtime: "provided.al2023", Handler: "any" },
    );
    for (const Payload of ['{"leave":1}', undefined]) {
      const { FunctionError, Payload: text } = await lambda.invoke({ FunctionName: f, Payload });
      assert.deepEqual([Buffer.from(text!).toString(), FunctionError], ["one two", undefined]);
    }
  });

  test("a client context is JSON, and reaches runtimes whatever is written in it", async () => {
    const custom = { word: "ü中\t😀", line: "a\nb" };
    const context = (text: string): string => Buffer.from(text).toString("base64");
    const ClientContext = context(JSON.stringify({ custom }, null, 2));
    const own = await create(
      { bootstrap: { text: BOOTSTRAP, mode: 0o100755 } },
      { Runtime: "provided.al2023", Handler: "any" },
    );
    const node = await create({ "index.mjs": "export const handler = async (e, c) => c.clientContext" });
    const told = async (FunctionName: string): Promise<unknown> => {
      const { Payload } = await lambda.invoke({ FunctionName, ClientContext });
      return JSON.parse(Buffer.from(Payload!).toString().replace("one two", ""));
    };
    assert.deepEqual(await told(own), { custom });
    assert.deepEqual(await told(node), { custom });
    for (const bad of [context("no JSON"), context("[1]"), "string"])
      await assert.rejects(lambda.invoke({ FunctionName: node, ClientContext: bad }), {
        name: "InvalidRequestContentException",
        message: "Client context must be a valid Base64-encoded JSON object.",
      });
  });

  test("a function URL streams: status, headers and cookies of the prelude, large answers, broken ones", async () => {
    const f = await create({ "index.mjs": STREAMED });
    const get = await open(f);
    const typed = await get("/typed");
    assert.equal(typed.statusCode, 201);
    assert.equal(typed.headers["content-type"], "text/plain");
    assert.equal(typed.headers["x-own"], "1");
    assert.deepEqual(typed.headers["set-cookie"], ["a=1"]);
    assert.equal(await textOf(typed), "made 36");
    const plain = await get("/");
    assert.equal(plain.headers["content-type"], "text/event-stream");
    assert.equal(await textOf(plain), "first\nlast\n");
    const early = await get("/early");
    assert.equal(early.statusCode, 502);
    assert.equal(await textOf(early), "Internal Server Error");
    await assert.rejects(async () => textOf(await get("/late")), /aborted|terminated|ECONNRESET/);
    assert.equal((await textOf(await get("/large"))).length, 6 + 320 * 65536);
  });

  test("a client that goes away hurts nobody", async () => {
    const f = await create({ "index.mjs": STREAMED });
    const get = await open(f);
    const leaving = await get("/large");
    leaving.once("data", () => leaving.destroy());
    await new Promise((resolve) => leaving.once("close", resolve));
    const next = await get("/");
    assert.equal(await textOf(next), "first\nlast\n");
  });
});
