import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const code = (name: string, status: number) => (error: any) =>
  error.name === name && error.$metadata.httpStatusCode === status;

describe("S3: what clients do at the edges", () => {
  let app: TestApp;
  let s3: S3;
  const Bucket = "edges";
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true });
    await s3.createBucket({ Bucket });
  });
  after(() => app.stop());

  test("a completed upload may be completed again, as long as its object is there", async () => {
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "m" });
    const { ETag } = await s3.uploadPart({ Bucket, Key: "m", UploadId, PartNumber: 1, Body: "part" });
    const complete = () =>
      s3.completeMultipartUpload({
        Bucket,
        Key: "m",
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
      });
    const first = await complete();
    assert.equal((await complete()).ETag, first.ETag);
    await s3.putObject({ Bucket, Key: "m", Body: "another" });
    await assert.rejects(complete(), code("NoSuchUpload", 404));
  });

  test("a policy whose principal nobody can be is refused, and locks nobody out", async () => {
    const policy = (AWS: string): string =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: { AWS }, Action: "s3:GetObject", Resource: `arn:aws:s3:::${Bucket}/*` },
        ],
      });
    await assert.rejects(
      s3.putBucketPolicy({ Bucket, Policy: policy("arn:aws:iam::tenant:root") }),
      code("MalformedPolicy", 400),
    );
    await s3.listObjectVersions({ Bucket });
  });

  test("many settings of one bucket at once all get through", async () => {
    const set = (i: number) => s3.putBucketTagging({ Bucket, Tagging: { TagSet: [{ Key: "n", Value: String(i) }] } });
    await Promise.all(Array.from({ length: 40 }, (_, i) => set(i)));
    const { TagSet } = await s3.getBucketTagging({ Bucket });
    assert.match(TagSet![0]!.Value!, /^\d+$/);
  });

  test("Expires comes back as the header that it is", async () => {
    const Expires = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000);
    await s3.putObject({ Bucket, Key: "e", Body: "x", Expires, ContentEncoding: "deflate, gzip" });
    const own = new S3({ ...app.client, forcePathStyle: true });
    let headers: Record<string, string> = {};
    own.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        ({ headers } = answer.response as { headers: Record<string, string> });
        return answer;
      },
      { step: "deserialize" },
    );
    const head = await own.headObject({ Bucket, Key: "e" });
    own.destroy();
    assert.equal(headers["expires"], Expires.toUTCString());
    assert.deepEqual([head.ExpiresString, head.ContentEncoding], [Expires.toUTCString(), "deflate, gzip"]);
  });

  test("a completed upload's checksum is the object's, and has to be right", async () => {
    const Key = "checked";
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key, ChecksumAlgorithm: "SHA256" });
    const part = await s3.uploadPart({ Bucket, Key, UploadId, PartNumber: 1, Body: "x", ChecksumAlgorithm: "SHA256" });
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256 }];
    const complete = (ChecksumSHA256: string) =>
      s3.completeMultipartUpload({ Bucket, Key, UploadId, ChecksumSHA256, MultipartUpload: { Parts } });
    await assert.rejects(complete(part.ChecksumSHA256!), { name: "BadDigest" });
    const bytes = Buffer.from(part.ChecksumSHA256!, "base64");
    const composite = `${createHash("sha256").update(bytes).digest("base64")}-1`;
    assert.equal((await complete(composite)).ChecksumSHA256, composite);
    const first = await s3.getObject({ Bucket, Key, PartNumber: 1, ChecksumMode: "ENABLED" });
    assert.deepEqual([first.ChecksumSHA256, first.ChecksumType], [part.ChecksumSHA256, "COMPOSITE"]);
    assert.equal(await first.Body?.transformToString(), "x");
  });

  test("a range to copy must lie within its source", async () => {
    await s3.putObject({ Bucket, Key: "five", Body: "12345" });
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "c" });
    const copy = (CopySourceRange: string) =>
      s3.uploadPartCopy({ Bucket, Key: "c", UploadId, PartNumber: 1, CopySource: `${Bucket}/five`, CopySourceRange });
    await assert.rejects(copy("bytes=0-21"), { name: "InvalidArgument", message: /source object of size: 5/ });
    assert.ok((await copy("bytes=0-4")).CopyPartResult?.ETag);
  });

  test("numbers that are none, and preflights without an origin, are told in S3's words", async () => {
    await assert.rejects(s3.listObjectsV2({ Bucket, MaxKeys: "blah" as unknown as number }), {
      name: "InvalidArgument",
      message: "Provided max-keys not an integer or within integer range",
    });
    const url = `${app.client.endpoint}/${Bucket}/key`;
    const posted = await fetch(`${app.client.endpoint}/${Bucket}`, { method: "POST", body: "x" });
    assert.deepEqual(
      [posted.status, /<Condition>(.*)<\/Condition>/.exec(await posted.text())?.[1]],
      [412, "Bucket POST must be of the enclosure-type multipart/form-data"],
    );
    const plain = await fetch(url, { method: "OPTIONS" });
    assert.deepEqual([plain.status, /<Code>(\w+)</.exec(await plain.text())?.[1]], [400, "BadRequest"]);
  });

  test("who waits for 100 Continue gets it when the body is wanted, and a refusal without it", async () => {
    const { port, hostname } = new URL(String(app.client.endpoint));
    const answer = await new Promise<string>((resolve, reject) => {
      const head = `PUT /${Bucket}/waiting HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`;
      const socket = connect(Number(port), hostname, () => socket.write(head));
      socket.once("data", (bytes) => resolve(String(bytes))).once("error", reject);
      socket.once("data", () => socket.destroy());
    });
    assert.match(answer, /^HTTP\/1\.1 403 /);
    const waiting = new S3({ ...app.client, forcePathStyle: true });
    waiting.middlewareStack.add(
      (next) => (args: any) => {
        args.request.headers["expect"] = "100-continue";
        return next(args);
      },
      { step: "build" },
    );
    const start = performance.now();
    await waiting.putObject({ Bucket, Key: "waiting", Body: "hello" });
    assert.ok(performance.now() - start < 3000, "the client would go on by itself after six seconds");
    waiting.destroy();
  });

  test("headers are spelled as S3 spells them", async () => {
    const { port, hostname } = new URL(String(app.client.endpoint));
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(`GET /${Bucket}/none HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`);
      });
      let text = "";
      socket.on("data", (bytes) => (text += String(bytes)));
      socket.once("close", () => resolve(text)).once("error", reject);
    });
    assert.match(answer, /\r\nContent-Type: application\/xml\r\n/);
    assert.match(answer, /\r\nContent-Length: \d+\r\n/);
    assert.match(answer, /\r\nx-amz-request-id: /);
  });

  test("a signature that does not fit is told with what was to be signed", async () => {
    const { accessKeyId, secretAccessKey } = app.client.credentials;
    const credentials = { accessKeyId, secretAccessKey: `${secretAccessKey}x` };
    const other = new S3({ ...app.client, credentials, forcePathStyle: true });
    const error: any = await other.listObjectsV2({ Bucket }).catch((thrown: unknown) => thrown);
    assert.equal(error.name, "SignatureDoesNotMatch");
    const told = error.AWSAccessKeyId === undefined ? error.Error : error;
    assert.equal(told.AWSAccessKeyId, accessKeyId);
    assert.match(told.SignatureProvided, /^[0-9a-f]{64}$/);
    assert.match(told.CanonicalRequest, new RegExp(`^GET\n/${Bucket}/?\nlist-type=2`));
    const digest = createHash("sha256").update(told.CanonicalRequest).digest("hex");
    assert.match(told.StringToSign, new RegExp(`^AWS4-HMAC-SHA256\n[\\s\\S]*\n${digest}$`));
    const bytes = Buffer.from(told.StringToSignBytes.replaceAll(" ", ""), "hex");
    assert.equal(bytes.toString(), told.StringToSign);
    other.destroy();
    const lacking = await fetch(`${app.client.endpoint}/${Bucket}/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=1`);
    const text = await lacking.text();
    assert.deepEqual([lacking.status, /<Code>(\w+)</.exec(text)?.[1]], [400, "AuthorizationQueryParametersError"]);
    assert.match(text, /requires the X-Amz-Algorithm, .* and X-Amz-Expires parameters\.</);
  });
});
