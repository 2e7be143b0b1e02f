import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { AwsError, codeOf } from "../../src/kernel/aws-error.ts";
import {
  amzDateOf,
  parseSignature,
  SigningKeyCache,
  verifySignature,
  type VerifyOptions,
} from "../../src/aws/sigv4.ts";
import {
  canonicalRequest,
  hmacSha256,
  sha256Hex,
  signingKey,
  stringToSign,
  type SignedRequest,
} from "../../src/aws/sigv4-canonical.ts";
import { absent, CONFORMANCE } from "./conformance-data.ts";

const skip = absent("sigv4/v4");
const VECTORS = join(CONFORMANCE, "sigv4/v4");

interface Context {
  readonly credentials: { readonly access_key_id: string; readonly secret_access_key: string };
  readonly normalize: boolean;
  readonly region: string;
  readonly service: string;
  readonly timestamp: string;
}

describe("published signatures", { skip }, () => {
  if (skip) return;
  for (const name of readdirSync(VECTORS)) {
    if (name === "get-header-value-multiline") continue; // Node refuses folded headers
    for (const form of ["header", "query"]) {
      const file = join(VECTORS, name, `${form}-signed-request.txt`);
      if (!existsSync(file)) continue;
      if (name === "post-sts-header-after" && form === "query") continue; // leaves the token out of what it signs
      test(`${name} (${form})`, async () => {
        const context = JSON.parse(readFileSync(join(VECTORS, name, "context.json"), "utf8")) as Context;
        // Services other than S3 normalise paths and encode them twice; S3 does neither.
        if (!context.normalize) return checkCanonical(name, form, context);
        const { request, body } = parseRequest(readFileSync(file, "latin1"));
        const signature = parseSignature(request)!;
        const verified = await verifySignature(request, signature, optionsOf(context, body));
        assert.equal(verified.accessKeyId, context.credentials.access_key_id);
        const other = { ...request, method: request.method === "GET" ? "PUT" : "GET" };
        await refused(verifySignature(other, signature, optionsOf(context, body)), "InvalidSignatureException");
      });
    }
  }
});

/** Nobody signs un-normalised paths for a service called "service", so only our canonical form for S3 is compared. */
function checkCanonical(name: string, form: string, context: Context): void {
  const { request } = parseRequest(readFileSync(join(VECTORS, name, `${form}-signed-request.txt`), "latin1"));
  const signature = parseSignature(request)!;
  const expected = readFileSync(join(VECTORS, name, `${form}-canonical-request.txt`), "utf8");
  const hash = expected.split("\n").at(-1)!;
  const actual = canonicalRequest(request, "s3", signature.signedHeaders, hash);
  assert.equal(actual, expected, context.service);
}

function optionsOf(context: Context, body: Buffer): VerifyOptions {
  return {
    secretFor: async () => ({ secret: context.credentials.secret_access_key }),
    now: Date.parse(context.timestamp),
    protocol: "restJson1",
    body: async () => body,
  };
}

function parseRequest(text: string): { request: SignedRequest; body: Buffer } {
  const [head = "", ...rest] = text.split(/\r?\n\r?\n/);
  const [first = "", ...lines] = head.split(/\r?\n(?![ \t])/);
  const match = /^(\S+) (.*) HTTP\/1\.1$/.exec(first)!;
  const url = Buffer.from(match[2]!, "latin1").toString("utf8");
  const mark = url.indexOf("?");
  const headers: Record<string, string> = {};
  const rawHeaders: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    rawHeaders.push(name, value);
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const path = mark < 0 ? url : url.slice(0, mark);
  const request = { method: match[1]!, path, rawQuery: mark < 0 ? "" : url.slice(mark + 1), headers, rawHeaders };
  return { request, body: Buffer.from(rest.join("\n\n"), "latin1") };
}

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const SECRET = "secret";

/** Signs a request as a client would. */
function sign(
  request: SignedRequest,
  changes: { service?: string; time?: number; headers?: string[]; secret?: string } = {},
): SignedRequest {
  const { service = "lambda", time = NOW, secret = SECRET } = changes;
  const amzDate = amzDateOf(time);
  const headers: Record<string, string> = {
    host: "localhost:4566",
    "x-amz-date": amzDate,
    ...(request.headers as Record<string, string>),
  };
  const signedHeaders = changes.headers ?? Object.keys(headers).sort();
  const scope = { amzDate, date: amzDate.slice(0, 8), region: "eu-west-1", service };
  const hash = headers["x-amz-content-sha256"] ?? sha256Hex("");
  const key = signingKey(secret, scope.date, scope.region, service);
  const signature = hmacSha256(key, stringToSign({ ...request, headers }, scope, signedHeaders, hash)).toString("hex");
  const credential = `AKID/${scope.date}/${scope.region}/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  return { ...request, headers: { ...headers, authorization } };
}

const GET: SignedRequest = { method: "GET", path: "/2015-03-31/functions", rawQuery: "MaxItems=5", headers: {} };

function verify(request: SignedRequest, changes: Partial<VerifyOptions> = {}): Promise<unknown> {
  const options: VerifyOptions = {
    secretFor: async (id) => (id === "AKID" ? { secret: SECRET } : undefined),
    now: NOW,
    protocol: "restJson1",
    body: async () => Buffer.alloc(0),
    keys: new SigningKeyCache(),
    ...changes,
  };
  return (async () => verifySignature(request, parseSignature(request)!, options))();
}

async function refused(attempt: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(attempt, (error: unknown) => {
    assert.equal(codeOf(error), code, String(error));
    return true;
  });
}

test("our HMAC is HMAC", () => {
  for (const length of [0, 1, 32, 63, 64, 65, 200]) {
    for (const key of ["é".repeat(length), Buffer.alloc(length, 0xa5)]) {
      assert.deepEqual(hmacSha256(key, `text ${length}`), createHmac("sha256", key).update(`text ${length}`).digest());
    }
  }
});

describe("refusals", () => {
  test("accepts what was signed", async () => {
    await verify(sign(GET));
  });

  test("another secret, key, path, query or header", async () => {
    const signed = sign(GET);
    await refused(verify(sign(GET, { secret: "other" })), "InvalidSignatureException");
    await refused(verify({ ...signed, path: "/2015-03-31/layers" }), "InvalidSignatureException");
    await refused(verify({ ...signed, rawQuery: "MaxItems=6" }), "InvalidSignatureException");
    await refused(
      verify({ ...signed, headers: { ...signed.headers, host: "example.com" } }),
      "InvalidSignatureException",
    );
    await refused(verify(signed, { secretFor: async () => undefined }), "UnrecognizedClientException");
    await refused(verify(signed, { secretFor: async () => undefined, protocol: "awsQuery" }), "InvalidClientTokenId");
  });

  test("a session that is over, in each protocol's words", async () => {
    const secretFor = async (): Promise<never> => {
      throw new AwsError("ExpiredToken", "over", 403);
    };
    await refused(verify(sign(GET), { secretFor }), "ExpiredTokenException");
    await refused(verify(sign(GET), { secretFor, protocol: "awsQuery" }), "ExpiredToken");
  });

  test("a signature for another service", async () => {
    await refused(verify(sign(GET), { signingName: "iam" }), "InvalidSignatureException");
  });

  test("too old and too new", async () => {
    await verify(sign(GET, { time: NOW - 14 * 60_000 }));
    await refused(verify(sign(GET, { time: NOW - 16 * 60_000 })), "InvalidSignatureException");
    await refused(verify(sign(GET, { time: NOW + 16 * 60_000 })), "InvalidSignatureException");
    const s3 = { ...GET, headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } };
    await refused(verify(sign(s3, { service: "s3", time: NOW - 16 * 60_000 })), "RequestTimeTooSkewed");
  });

  test("Host that is not signed", async () => {
    await refused(verify(sign(GET, { headers: ["x-amz-date"] })), "InvalidSignatureException");
  });

  test("S3 headers that are not signed", async () => {
    const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-acl": "public-read" };
    const signed = sign(
      { ...GET, headers },
      { service: "s3", headers: ["host", "x-amz-content-sha256", "x-amz-date"] },
    );
    await refused(verify(signed), "AccessDenied");
  });

  test("an encoded slash of S3's paths is signed as a slash", async () => {
    const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
    const signed = sign({ ...GET, path: "/bucket/a/b", headers }, { service: "s3" });
    await verify({ ...signed, path: "/bucket/a%2Fb" });
    await refused(verify({ ...signed, path: "/bucket/a%252Fb" }), "SignatureDoesNotMatch");
  });

  test("a credential without parts, and no service to be told from it", () => {
    const query =
      "X-Amz-Credential=AKID%252F20260102&X-Amz-Date=1&X-Amz-SignedHeaders=host&X-Amz-Expires=1&X-Amz-Signature=0";
    const request = { ...GET, rawQuery: `X-Amz-Algorithm=AWS4-HMAC-SHA256&${query}` };
    assert.throws(() => parseSignature(request), {
      code: "AuthorizationQueryParametersError",
      message: /^Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting /,
    });
  });

  test("another body", async () => {
    const post = { ...GET, method: "POST" };
    await refused(verify(sign(post), { body: async () => Buffer.from("x") }), "InvalidSignatureException");
    const declared = sign({ ...post, headers: { "x-amz-content-sha256": sha256Hex("") } });
    await verify(declared);
    await refused(verify(declared, { body: async () => Buffer.from("x") }), "InvalidSignatureException");
    const unsigned = sign({ ...post, headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } });
    await refused(verify(unsigned), "InvalidSignatureException");
  });

  test("a header and a query signature at once", () => {
    const both = { ...sign(GET), rawQuery: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0" };
    assert.throws(
      () => parseSignature(both, "restJson1"),
      (error) => codeOf(error) === "IncompleteSignatureException",
    );
  });

  test("headers that cannot be read", () => {
    for (const authorization of [
      "AWS4-HMAC-SHA256 nonsense",
      "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0",
      "AWS4-HMAC-SHA256 Credential=a/20260102/r/s/aws4, SignedHeaders=host, Signature=0",
    ]) {
      const request = { ...GET, headers: { authorization, "x-amz-date": "20260102T030405Z" } };
      assert.throws(
        () => parseSignature(request, "restJson1"),
        (error) => codeOf(error) === "IncompleteSignatureException",
      );
    }
  });

  test("presigned requests live as long as they say, a week at most", async () => {
    const presigned = presign(60, NOW);
    await verify(presigned);
    await verify(presigned, { now: NOW + 59_000 });
    await refused(verify(presigned, { now: NOW + 61_000 }), "AccessDenied");
    await refused(verify({ ...presigned, path: "/bucket/other" }), "SignatureDoesNotMatch");
    await refused(verify(presign(604_801, NOW)), "AuthorizationQueryParametersError");
    await refused(
      verify({ ...presigned, rawQuery: `${presigned.rawQuery}&X-Amz-Expires=9` }),
      "AuthorizationQueryParametersError",
    );
  });
});

function presign(expires: number, time: number): SignedRequest {
  const amzDate = amzDateOf(time);
  const scope = { amzDate, date: amzDate.slice(0, 8), region: "us-east-1", service: "s3" };
  const query = new URLSearchParams({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `AKID/${scope.date}/us-east-1/s3/aws4_request`,
    "X-Amz-Date": amzDate,
    "X-Amz-Expires": String(expires),
    "X-Amz-SignedHeaders": "host",
  });
  const request = {
    method: "GET",
    path: "/bucket/key",
    rawQuery: query.toString(),
    headers: { host: "localhost:4566" },
  };
  const key = signingKey(SECRET, scope.date, scope.region, "s3");
  const signature = hmacSha256(key, stringToSign(request, scope, ["host"], "UNSIGNED-PAYLOAD")).toString("hex");
  return { ...request, rawQuery: `${request.rawQuery}&X-Amz-Signature=${signature}` };
}
