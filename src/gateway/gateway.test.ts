import assert from "node:assert/strict";
import { request, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { startTestApp, type TestApp } from "../../test/support/test-app.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp({ env: { STARLING_RESET: "on" } });
});
after(() => app.stop());

function send(
  options: RequestOptions,
  body?: string,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: app.running.port, agent: false, ...options }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
    });
    sent.on("error", reject).end(body);
  });
}

/** Writes raw bytes and answers what comes back until the other side closes. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(app.running.port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket
      .on("data", (chunk) => (answer += chunk))
      .on("close", () => resolve(answer))
      .on("error", reject);
    socket.setTimeout(5000, () => socket.destroy(new Error("no answer")));
  });
}

test("health tells that all is served", async () => {
  const { status, text } = await send({ path: "/_starling/health" });
  assert.equal(status, 200);
  assert.equal(JSON.parse(text).status, "ready");
});

test("an unknown host is refused: a page cannot rebind its name to this machine", async () => {
  assert.equal((await send({ path: "/", headers: { host: "evil.example:4566" } })).status, 421);
  assert.equal((await send({ path: "/_starling/health", headers: { host: "any.localhost:4566" } })).status, 200);
});

test("headers that are too long, too many or malformed are refused, and the server goes on", async () => {
  assert.match(
    await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"a".repeat(40_000)}\r\n\r\n`),
    /^HTTP\/1\.1 4\d\d/,
  );
  assert.match(await raw("GET / HTTP/1.1\r\nHost: localhost\r\nBad Header\r\n\r\n"), /^HTTP\/1\.1 400/);
  assert.equal((await send({ path: "/_starling/health" })).status, 200);
});

test("an unsigned call of an API is answered as AWS answers it", async () => {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.GetParameter" };
  const { status, text } = await send({ method: "POST", path: "/", headers }, "{}");
  assert.equal(status, 400);
  assert.match(text, /MissingAuthenticationToken/);
});

test("a signed request with another body than was signed is refused", async () => {
  const sts = new STS(app.client);
  sts.middlewareStack.add(
    (next) => (args: any) => {
      args.request.body = String(args.request.body).replace("2011-06-15", "2011-06-16");
      return next(args);
    },
    { step: "finalizeRequest", priority: "low" },
  );
  await assert.rejects(sts.getCallerIdentity({}), { name: "SignatureDoesNotMatch" });
});

test("what is not there answers 501, and says so", async () => {
  await assert.rejects(new IAM(app.client).listOrganizationsFeatures({}), {
    name: "NotImplemented",
    message: /iam ListOrganizationsFeatures/,
  });
});

test("a reset removes everything but the administrator, and is refused to a page", async () => {
  const iam = new IAM(app.client);
  await iam.createUser({ UserName: "gone" });
  for (const headers of [{ origin: "http://localhost:4566" }, { "sec-fetch-site": "same-origin" }]) {
    assert.equal((await send({ method: "POST", path: "/_starling/reset", headers })).status, 403);
  }
  assert.equal((await send({ method: "POST", path: "/moto-api/reset" })).status, 200);
  const { Users } = await iam.listUsers({});
  assert.deepEqual(
    Users!.map((u) => u.UserName),
    ["admin"],
  );
});
