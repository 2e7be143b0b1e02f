import assert from "node:assert/strict";
import type { Server } from "node:http";
import { request as httpRequest } from "node:http";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createModelRegistry } from "../../src/aws/model.ts";
import { amzDateOf } from "../../src/aws/sigv4.ts";
import { hmacSha256, sha256Hex, signingKey, stringToSign } from "../../src/aws/sigv4-canonical.ts";
import { ACCESS_KEY, SECRET, startWireServer, type WireCall } from "./wire-server.ts";

/* Broken and hostile requests, rightly signed: each must be refused with 4xx, without harm and without a 500. */

let server: Server;
let endpoint = "";
let last: WireCall | undefined;

before(async () => {
  const models = createModelRegistry();
  ({ server, endpoint } = await startWireServer({
    models,
    validate: true,
    handler: (call) => {
      last = call;
      return {};
    },
  }));
});
after(() => {
  server.close();
  server.closeAllConnections();
});

interface Sent {
  readonly service: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly unsigned?: boolean;
}

async function send(sent: Sent): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const { service, method = "POST", path = "/", body = "" } = sent;
  const url = new URL(endpoint);
  const amzDate = amzDateOf(Date.now());
  const hash = sha256Hex(body);
  const headers: Record<string, string> = {
    host: url.host,
    "x-amz-date": amzDate,
    "x-amz-content-sha256": hash,
    ...sent.headers,
  };
  const scope = { amzDate, date: amzDate.slice(0, 8), region: "us-east-1", service };
  const signedHeaders = Object.keys(headers).sort();
  const [rawPath = "", rawQuery = ""] = path.split("?");
  const request = { method, path: rawPath, rawQuery, headers };
  const key = signingKey(SECRET, scope.date, scope.region, service);
  const signature = hmacSha256(key, stringToSign(request, scope, signedHeaders, hash)).toString("hex");
  const credential = `${ACCESS_KEY}/${scope.date}/${scope.region}/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  last = undefined;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        hostname: url.hostname,
        port: url.port,
        method,
        path,
        headers: { ...headers, ...(!sent.unsigned && { authorization }) },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
      },
    );
    outgoing.setTimeout(5000, () => outgoing.destroy(new Error("no answer within 5 s")));
    outgoing.on("error", reject).end(body);
  });
}

const dynamodb = (body: string | Buffer, headers: Record<string, string> = {}): Sent => ({
  service: "dynamodb",
  headers: { "x-amz-target": "DynamoDB_20120810.PutItem", "content-type": "application/x-amz-json-1.0", ...headers },
  body,
});
const form = (body: string): Sent => ({
  service: "cloudformation",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body,
});
const createStack = "Action=CreateStack&Version=2010-05-15&StackName=x";
const cbor = (hex: string): Sent => ({
  service: "monitoring",
  path: "/service/GraniteServiceVersion20100801/operation/PutMetricData",
  headers: { "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor" },
  body: Buffer.from(hex, "hex"),
});
const createBucket = (body: string): Sent => ({ service: "s3", method: "PUT", path: "/bucket", body });
const nested = (open: string, close: string, count: number): string => open.repeat(count) + close.repeat(count);

const REFUSED: Readonly<Record<string, Sent>> = {
  "JSON that ends early": dynamodb('{"a":'),
  "a list for a structure": dynamodb("[1]"),
  "null for a structure": dynamodb("null"),
  "a number for a string": dynamodb('{"TableName":1}'),
  "JSON 5,000 levels deep": dynamodb(
    `{"TableName":"T","Item":{"a":${'{"M":{"a":'.repeat(5000)}{"S":"x"}${"}}".repeat(5000)}}}`,
  ),
  "two members of a union": dynamodb('{"TableName":"T","Item":{"id":{"S":"a","N":"1"}}}'),
  "no member of a union": dynamodb('{"TableName":"T","Item":{"id":{}}}'),
  "base64 that is none": dynamodb('{"TableName":"Table","Item":{"id":{"B":"*"}}}'),
  "a timestamp that is none": {
    service: "logs",
    headers: { "x-amz-target": "Logs_20140328.CreateExportTask", "content-type": "application/x-amz-json-1.1" },
    body: '{"logGroupName":"a","from":"x","to":1,"destination":"d"}',
  },
  "gzip that is none": dynamodb("nonsense", { "content-encoding": "gzip" }),
  "a gzip bomb": dynamodb(gzipSync(Buffer.alloc(80 * 1024 * 1024)), { "content-encoding": "gzip" }),
  "a required member that is missing": {
    service: "codepipeline",
    headers: { "x-amz-target": "CodePipeline_20150709.GetPipeline", "content-type": "application/x-amz-json-1.1" },
    body: "{}",
  },
  "an unknown operation": { ...dynamodb("{}"), headers: { "x-amz-target": "DynamoDB_20120810.Nope" } },
  "an inherited name as operation": { ...dynamodb("{}"), headers: { "x-amz-target": "DynamoDB_20120810.constructor" } },
  "an unknown target": { service: "nope", headers: { "x-amz-target": "Nope.Nope" }, body: "{}" },
  "a target without a dot": { service: "dynamodb", headers: { "x-amz-target": "x" }, body: "{}" },
  "an unknown service": { service: "nope", method: "GET", path: "/" },
  "no signature": { ...dynamodb("{}"), unsigned: true },
  "a document type declaration": createBucket('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
  "XML that is not closed": createBucket("<a><b>"),
  "an unknown entity": createBucket("<a>&lol9;</a>"),
  "an inherited name as entity": createBucket("<a>&constructor;</a>"),
  "XML 5,000 levels deep": createBucket(nested("<a>", "</a>", 5000)),
  "two root elements": createBucket("<a/><b/>"),
  "percent-encoding that is none": { service: "lambda", method: "GET", path: "/2015-03-31/functions/%zz" },
  "percent-encoding of S3 that is none": { service: "s3", method: "GET", path: "/bucket/%zz" },
  "a number that is none": { service: "lambda", method: "GET", path: "/2015-03-31/functions?MaxItems=abc" },
  "a form without Action": form("a=b"),
  "an unknown Action": form("Action=Nope&Version=2010-05-15"),
  "an inherited name as Action": form("Action=constructor&Version=2010-05-15"),
  "a form with 20,001 parameters": form(`${createStack}${"&a=b".repeat(20_000)}`),
  "a form 300 levels deep": form(`${createStack}&Tags${".a".repeat(300)}=1`),
  "a value for a list": form(`${createStack}&Tags=1`),
  "CBOR that is none": cbor("ffffff"),
  "CBOR that claims 4 GB": cbor("5affffffff00"),
  "a CBOR list of 2^32 items": cbor("9affffffff"),
  "CBOR 5,000 levels deep": cbor("81".repeat(5000)),
  "CBOR that is never closed": cbor("bf"),
  "a CBOR map with a number as key": cbor("a10102"),
  "a Content-Length that does not match the hash": {
    ...dynamodb('{"TableName":"T"}'),
    headers: { ...dynamodb("").headers, "x-amz-content-sha256": sha256Hex("other") },
  },
};

describe("hostile requests", () => {
  for (const [name, sent] of Object.entries(REFUSED)) {
    test(`refuses ${name}`, async () => {
      const { status, text } = await send(sent);
      assert.ok(status >= 400 && status < 500, `${status} ${text.slice(0, 300)}`);
      assert.equal(last, undefined, "the handler was called");
    });
  }

  test("__proto__ and constructor are ordinary keys", async () => {
    const item = '{"__proto__":{"S":"x"},"constructor":{"S":"y"}}';
    assert.equal((await send(dynamodb(`{"TableName":"Table","Item":${item}}`))).status, 200);
    assert.deepEqual(Object.keys(last!.input.Item as object), ["__proto__", "constructor"]);
    assert.equal(Object.getPrototypeOf(last!.input.Item), Object.prototype);

    assert.equal((await send(form(`${createStack}&__proto__.a=1&constructor.prototype.x=1`))).status, 200);
    assert.equal(({} as Record<string, unknown>).a, undefined);
    assert.equal(({} as Record<string, unknown>).x, undefined);
  });

  test("a huge index makes no huge list", async () => {
    const { status } = await send(form(`${createStack}&Tags.member.999999999.Key=a&Tags.member.999999999.Value=b`));
    assert.equal(status, 200);
    assert.deepEqual(last!.input.Tags, [{ Key: "a", Value: "b" }]);
  });

  test("dots in an S3 key stay in the key", async () => {
    assert.equal((await send({ service: "s3", method: "GET", path: "/bucket/../../etc/passwd" })).status, 200);
    assert.deepEqual([last!.route.bucket, last!.input.Key], ["bucket", "../../etc/passwd"]);
  });

  test("a line break in an error's text makes no header", async () => {
    const { status, headers } = await send({
      service: "lambda",
      method: "GET",
      path: "/2017-03-31/tags/a%0d%0aX-Evil%3A%201",
    });
    assert.ok(status === 200 || status === 400);
    assert.equal(headers["x-evil"], undefined);
  });

  test("a compressed body is read", async () => {
    const body = gzipSync('{"TableName":"Table","Item":{"id":{"S":"a"}}}');
    assert.equal((await send(dynamodb(body, { "content-encoding": "gzip" }))).status, 200);
    assert.equal(last!.input.TableName, "Table");
  });
});
