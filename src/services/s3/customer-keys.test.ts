import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { MAX_INLINE_BYTES, MIN_PART_BYTES } from "./limits.ts";

const keyOf = (key: Buffer) => ({
  SSECustomerAlgorithm: "AES256",
  SSECustomerKey: key.toString("base64"),
  SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
});
const asSource = (key: Buffer) =>
  Object.fromEntries(Object.entries(keyOf(key)).map(([name, value]) => [`CopySource${name}`, value]));

describe("objects under keys that the customer brings", () => {
  const [key, other] = [randomBytes(32), randomBytes(32)];
  const Bucket = "customer-keys";
  let app: TestApp;
  let s3: S3;
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true });
    await s3.createBucket({ Bucket });
  });
  after(async () => {
    s3.destroy();
    await app.stop();
  });
  const bytesOf = async (Key: string, more: object = {}): Promise<Buffer> => {
    const { Body } = await s3.getObject({ Bucket, Key, ...more });
    return Buffer.from(await Body!.transformToByteArray());
  };
  const fails = (work: Promise<unknown>, name: string, message?: RegExp) =>
    assert.rejects(work, (error: any) => {
      assert.equal(error.name, name, `${error.name}: ${error.message}`);
      if (message) assert.match(error.message, message);
      return true;
    });

  test("contents of each size come back, whole and by range, only with the key", async () => {
    for (const size of [0, 5, MAX_INLINE_BYTES, MAX_INLINE_BYTES + 1, 300_001]) {
      const Key = `o-${size}`;
      const Body = randomBytes(size);
      const put = await s3.putObject({ Bucket, Key, Body, ...keyOf(key) });
      assert.equal(put.SSECustomerKeyMD5, keyOf(key).SSECustomerKeyMD5);
      assert.equal(put.ServerSideEncryption, undefined);
      assert.deepEqual(await bytesOf(Key, keyOf(key)), Body);
      for (const [start, end] of [
        [0, 0],
        [15, 40],
        [16_380, 16_400],
        [299_990, 300_000],
      ] as const)
        if (end < size)
          assert.deepEqual(
            await bytesOf(Key, { ...keyOf(key), Range: `bytes=${start}-${end}` }),
            Body.subarray(start, end + 1),
          );
      const head = await s3.headObject({ Bucket, Key, ...keyOf(key) });
      assert.deepEqual([head.ContentLength, head.SSECustomerAlgorithm], [size, "AES256"]);
      await fails(s3.getObject({ Bucket, Key }), "InvalidRequest", /stored using a form of Server Side Encryption/);
      await fails(s3.getObject({ Bucket, Key, ...keyOf(other) }), "AccessDenied", /correct secret key/);
    }
    await s3.putObject({ Bucket, Key: "plain", Body: "x" });
    await fails(s3.getObject({ Bucket, Key: "plain", ...keyOf(key) }), "InvalidRequest", /not applicable/);
  });

  test("neither the content nor the key is on the disk", async () => {
    const Body = Buffer.from("a sentence that nobody else writes ".repeat(2000));
    await s3.putObject({ Bucket, Key: "big", Body, ...keyOf(key) });
    await s3.putObject({ Bucket, Key: "small", Body: "a sentence that nobody else writes", ...keyOf(key) });
    const files = readdirSync(app.data, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    assert.ok(files.length > 2);
    for (const file of files) {
      const bytes = readFileSync(join(file.parentPath, file.name));
      assert.ok(!bytes.includes("that nobody else writes"), file.name);
      assert.ok(!bytes.includes(key) && !bytes.includes(key.toString("base64")), file.name);
      assert.ok(!bytes.includes(keyOf(key).SSECustomerKeyMD5), file.name);
    }
  });

  test("copies change the key, take it away, and need the source's", async () => {
    const Body = randomBytes(100_000);
    await s3.putObject({ Bucket, Key: "from", Body, ...keyOf(key) });
    const CopySource = `${Bucket}/from`;
    await fails(s3.copyObject({ Bucket, Key: "to", CopySource }), "InvalidRequest");
    await s3.copyObject({ Bucket, Key: "to", CopySource, ...asSource(key), ...keyOf(other) });
    assert.deepEqual(await bytesOf("to", keyOf(other)), Body);
    const open = await s3.copyObject({ Bucket, Key: "open", CopySource, ...asSource(key) });
    assert.deepEqual(await bytesOf("open"), Body);
    assert.equal(open.CopyObjectResult?.ETag, `"${createHash("md5").update(Body).digest("hex")}"`);
    await s3.copyObject({ Bucket, Key: "from", CopySource, ...asSource(key), ...keyOf(other) });
    assert.deepEqual(await bytesOf("from", keyOf(other)), Body);
  });

  test("a multipart upload takes parts of its own key only, and reads across them", async () => {
    const Key = "parts";
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key, ...keyOf(key) });
    const parts = [randomBytes(MIN_PART_BYTES + 3), randomBytes(1000)];
    const part = { Bucket, Key, UploadId: UploadId! };
    await fails(s3.uploadPart({ ...part, PartNumber: 1, Body: "x" }), "InvalidRequest", /initiate requested/);
    await fails(
      s3.uploadPart({ ...part, PartNumber: 1, Body: "x", ...keyOf(other) }),
      "InvalidRequest",
      /did not match the ones used originally/,
    );
    const Parts = [];
    for (const [i, Body] of parts.entries()) {
      const { ETag } = await s3.uploadPart({ ...part, PartNumber: i + 1, Body, ...keyOf(key) });
      Parts.push({ PartNumber: i + 1, ETag });
    }
    await s3.completeMultipartUpload({ ...part, MultipartUpload: { Parts } });
    const whole = Buffer.concat(parts);
    assert.ok((await bytesOf(Key, keyOf(key))).equals(whole));
    const Range = `bytes=${MIN_PART_BYTES - 7}-${MIN_PART_BYTES + 90}`;
    assert.deepEqual(
      await bytesOf(Key, { ...keyOf(key), Range }),
      whole.subarray(MIN_PART_BYTES - 7, MIN_PART_BYTES + 91),
    );
  });
});
