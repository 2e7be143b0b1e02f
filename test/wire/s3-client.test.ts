import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { PutObjectCommand, S3Client, UploadPartCommand, type ChecksumAlgorithm } from "@aws-sdk/client-s3";
import { createModelRegistry } from "../../src/aws/model.ts";
import { ACCESS_KEY, SECRET, startWireServer } from "./wire-server.ts";

let server: Server;
let client: S3Client;
let received:
  | { operation: string; bucket: string | undefined; input: Record<string, unknown>; body: Buffer }
  | undefined;

before(async () => {
  const started = await startWireServer({
    models: createModelRegistry(),
    handler: async ({ route, input }) => {
      const parts: Buffer[] = [];
      for await (const part of input.Body as Readable) parts.push(part as Buffer);
      received = { operation: route.operation.name, bucket: route.bucket, input, body: Buffer.concat(parts) };
      return { ETag: '"etag"' };
    },
  });
  server = started.server;
  client = new S3Client({
    endpoint: started.endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET, sessionToken: "a/token+=" },
    forcePathStyle: true,
    maxAttempts: 1,
  });
});

after(() => {
  client.destroy();
  server.close();
  server.closeAllConnections();
});

function streamOf(bytes: Buffer): Readable {
  const third = Math.ceil(bytes.length / 3);
  const parts = [bytes.subarray(0, third), bytes.subarray(third, third * 2), bytes.subarray(third * 2)];
  return Readable.from(parts, { objectMode: false });
}

describe("bodies that the S3 client sends", () => {
  const bytes = randomBytes(300_000);

  test("a buffer, with the checksum in a header", async () => {
    const key = "a/b c+d%é/../x//y";
    await client.send(new PutObjectCommand({ Bucket: "bucket", Key: key, Body: bytes, Metadata: { name: "value" } }));
    assert.ok(received!.body.equals(bytes));
    assert.deepEqual([received!.bucket, received!.input.Key], ["bucket", key]);
    assert.deepEqual(received!.input.Metadata, { name: "value" });
  });

  for (const algorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"] satisfies ChecksumAlgorithm[]) {
    test(`a stream in chunks, with ${algorithm} in the trailer`, async () => {
      const input = { Bucket: "bucket", Key: "key", Body: streamOf(bytes), ContentLength: bytes.length };
      await client.send(new PutObjectCommand({ ...input, ChecksumAlgorithm: algorithm, ContentEncoding: "gzip" }));
      assert.ok(received!.body.equals(bytes));
      assert.equal(received!.input.ContentEncoding, "gzip", "aws-chunked is not part of the content");
    });
  }

  test("a part of an upload", async () => {
    const part = { Bucket: "bucket", Key: "key", UploadId: "id", PartNumber: 3 };
    await client.send(new UploadPartCommand({ ...part, Body: streamOf(bytes), ContentLength: bytes.length }));
    assert.equal(received!.operation, "UploadPart");
    assert.equal(received!.input.PartNumber, 3);
    assert.ok(received!.body.equals(bytes));
  });

  test("an empty body", async () => {
    await client.send(new PutObjectCommand({ Bucket: "bucket", Key: "key", Body: "" }));
    assert.equal(received!.body.length, 0);
    assert.equal(received!.input.ContentEncoding, undefined);
  });
});
