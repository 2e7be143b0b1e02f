import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Agent, request } from "node:http";
import type { LookupFunction } from "node:net";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const HOST = "platform.test";
/** Of a project's length, and of no project's. */
const BUCKETS = ["short", "a.bucket.with-dots"] as const;
const HOUR_SECONDS = 3600;

/** Every name is this machine's, as it would be behind a wildcard of the DNS. */
const lookup: LookupFunction = (_name, options, done) => {
  if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
};

describe("buckets below the host of the platform's URLs", () => {
  let app: TestApp;
  let agent: Agent;
  const clients: S3[] = [];
  before(async () => {
    app = await startTestApp({ env: { STARLING_PUBLIC_URL: `http://${HOST}` } });
    agent = new Agent({ lookup });
    const s3 = client(`http://${HOST}:${app.running.port}`);
    for (const Bucket of BUCKETS) {
      await s3.createBucket({ Bucket });
      await s3.putObject({ Bucket, Key: "a/key", Body: "hello", ContentType: "text/plain" });
    }
  });
  after(async () => {
    for (const each of clients) each.destroy();
    agent.destroy();
    await app.stop();
  });
  function client(endpoint: string, more: object = {}): S3 {
    const made = new S3({ ...app.client, endpoint, requestHandler: { httpAgent: agent }, ...more });
    clients.push(made);
    return made;
  }

  function plain(
    host: string,
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
    return new Promise((resolve, reject) => {
      const headers = { ...options.headers, host };
      const sent = request(app.endpoint + path, { method: options.method ?? "GET", headers }, (response) => {
        let body = "";
        response.on("data", (chunk) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      });
      sent.on("error", reject);
      sent.end(options.body);
    });
  }

  for (const Bucket of BUCKETS) {
    for (const zone of [HOST, `s3.${HOST}`, `s3.eu-west-1.${HOST}`, "localhost", "s3.localhost"]) {
      test(`an SDK finds ${Bucket} below ${zone}`, async () => {
        const s3 = client(`http://${zone}:${app.running.port}`);
        assert.equal(await (await s3.getObject({ Bucket, Key: "a/key" })).Body?.transformToString(), "hello");
        const { Contents } = await s3.listObjectsV2({ Bucket });
        assert.deepEqual(
          Contents?.map(({ Key }) => Key),
          ["a/key"],
        );
      });
    }

    test(`a URL of ${Bucket} that was presigned with the old signature`, async () => {
      const { accessKeyId, secretAccessKey } = app.client.credentials;
      const expires = Math.floor(Date.now() / 1000) + HOUR_SECONDS;
      const text = `GET\n\n\n${expires}\n/${Bucket}/a/key`;
      const signature = createHmac("sha1", secretAccessKey).update(text).digest("base64");
      const query = new URLSearchParams({
        AWSAccessKeyId: accessKeyId,
        Signature: signature,
        Expires: String(expires),
      });
      const answer = await plain(`${Bucket}.${HOST}`, `/a/key?${query}`);
      assert.deepEqual([answer.status, answer.body], [200, "hello"]);
    });

    test(`a form and a preflight of ${Bucket}`, async () => {
      const preflight = await plain(`${Bucket}.${HOST}`, "/a/key", {
        method: "OPTIONS",
        headers: { origin: "http://a.example", "access-control-request-method": "PUT" },
      });
      assert.match(preflight.body, /CORS is not enabled for this bucket/);
      const body = '--x\r\ncontent-disposition: form-data; name="file"\r\n\r\nhello\r\n--x--\r\n';
      const form = await plain(`${Bucket}.${HOST}`, "/", {
        method: "POST",
        headers: { "content-type": "multipart/form-data; boundary=x", "content-length": String(body.length) },
        body,
      });
      assert.match(form.body, /Bucket POST must contain a field named/);
    });
  }

  test("a page has no scripts where its origin is, or may be, a project's", async () => {
    const policy = async (zone: string) => {
      const { hostname } = new URL(`http://short.${zone}`);
      const date = Math.floor(Date.now() / 1000) + HOUR_SECONDS;
      const { accessKeyId, secretAccessKey } = app.client.credentials;
      const Signature = createHmac("sha1", secretAccessKey).update(`GET\n\n\n${date}\n/short/a/key`).digest("base64");
      const query = new URLSearchParams({ AWSAccessKeyId: accessKeyId, Signature, Expires: String(date) });
      const { status, headers } = await plain(hostname, `/a/key?${query}`);
      return [status, headers["content-security-policy"]];
    };
    assert.deepEqual(await policy(HOST), [200, "sandbox"]);
    assert.deepEqual(await policy("localhost"), [200, "sandbox"]);
    assert.deepEqual(await policy(`s3.${HOST}`), [200, undefined]);
  });

  test("websites", async () => {
    const answer = await plain(`short.s3-website-us-east-1.${HOST}`, "/");
    assert.match(answer.body, /NoSuchWebsiteConfiguration/);
  });

  test("hosts of the platform's own are no buckets'", async () => {
    const page = await plain(`short.${HOST}`, "/a/key");
    assert.match(String(page.headers["content-type"]), /html/);
    const api = await plain(`abcdefghij.execute-api.${HOST}`, "/a/key");
    assert.equal(api.headers["content-type"], "application/json");
    const paths = client(`http://s3.us-east-1.${HOST}:${app.running.port}`, { forcePathStyle: true });
    assert.equal((await paths.headObject({ Bucket: "short", Key: "a/key" })).ContentLength, 5);
  });
});
