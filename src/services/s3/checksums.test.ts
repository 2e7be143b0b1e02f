import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { S3, type CompletedPart } from "@aws-sdk/client-s3";
import { createChecksum } from "../../aws/checksums.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const Bucket = "checked";
const PART_BYTES = 5 * 1024 ** 2;

const crc64 = (bytes: Uint8Array | string): string => {
  const checksum = createChecksum("crc64nvme");
  checksum.update(Buffer.from(bytes));
  return checksum.digest();
};

describe("checksums of objects", () => {
  let app: TestApp;
  let s3: S3;
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });
    await s3.createBucket({ Bucket });
  });
  after(async () => {
    s3.destroy();
    await app.stop();
  });
  const upload = async (Key: string, bodies: readonly (string | Uint8Array)[], begin = {}, part = {}) => {
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key, ...begin });
    const Parts: CompletedPart[] = [];
    for (const [i, Body] of bodies.entries()) {
      const sent = await s3.uploadPart({ Bucket, Key, UploadId, PartNumber: i + 1, Body, ...part });
      Parts.push({ PartNumber: i + 1, ETag: sent.ETag });
    }
    const complete = (more: object = {}, parts = Parts) =>
      s3.completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts }, ...more });
    return { Parts, complete };
  };
  const checksumOf = async (Key: string) =>
    (await s3.getObjectAttributes({ Bucket, Key, ObjectAttributes: ["Checksum"] })).Checksum;

  test("S3 makes one where the client sends none, and copies have it", async () => {
    const own = { ChecksumCRC64NVME: crc64("hello"), ChecksumType: "FULL_OBJECT" };
    const put = await s3.putObject({ Bucket, Key: "plain", Body: "hello" });
    assert.deepEqual([put.ChecksumCRC64NVME, put.ChecksumType], Object.values(own));
    const head = await s3.headObject({ Bucket, Key: "plain", ChecksumMode: "ENABLED" });
    assert.deepEqual([head.ChecksumCRC64NVME, head.ChecksumType], Object.values(own));
    assert.deepEqual(await checksumOf("plain"), own);
    const { CopyObjectResult } = await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/plain` });
    assert.equal(CopyObjectResult?.ChecksumCRC64NVME, own.ChecksumCRC64NVME);
    const other = { Bucket, Key: "sha", CopySource: `${Bucket}/plain`, ChecksumAlgorithm: "SHA1" } as const;
    assert.deepEqual(Object.keys((await s3.copyObject(other)).CopyObjectResult ?? {}).sort(), [
      "ChecksumSHA1",
      "ChecksumType",
      "ETag",
      "LastModified",
    ]);
  });

  test("an upload without an algorithm has that of all its bytes; checksums of parts count for nothing", async () => {
    const bodies = [Buffer.alloc(PART_BYTES, 1), "the end"];
    const { Parts, complete } = await upload("parts", bodies, {}, { ChecksumAlgorithm: "CRC32C" });
    const named = Parts.map((part) => ({ ...part, ChecksumCRC32C: "AAAAAA==" }));
    await assert.rejects(complete({}, named), { name: "InvalidPart" });
    await assert.rejects(complete({ ChecksumType: "FULL_OBJECT" }), { message: /using the null checksum mode/ });
    await assert.rejects(complete({ MpuObjectSize: 5 }), { message: /header value 5 does not match.*: 5242887/ });
    const done = await complete({ MpuObjectSize: PART_BYTES + 7 });
    const value = crc64(Buffer.concat(bodies.map((body) => Buffer.from(body))));
    assert.deepEqual([done.ChecksumCRC64NVME, done.ChecksumType], [value, "FULL_OBJECT"]);
    assert.deepEqual(await checksumOf("parts"), { ChecksumCRC64NVME: value, ChecksumType: "FULL_OBJECT" });
  });

  test("what is said of composite and whole checksums must be complete and fit", async () => {
    const begin = { ChecksumAlgorithm: "CRC32" } as const;
    const { Parts, complete } = await upload("composite", ["abc"], begin);
    await assert.rejects(complete(), { message: /created using a crc32 checksum.*missing for part 1/ });
    const [part] = Parts;
    const sha = { ...part, ChecksumSHA256: "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" };
    await assert.rejects(complete({}, [sha]), { name: "BadDigest", message: /The sha256 you specified for part 1/ });
    await complete({}, [{ ...part, ChecksumCRC32: "NSRBwg==" }]);
    assert.equal((await checksumOf("composite"))?.ChecksumType, "COMPOSITE");

    const whole = await upload("whole", ["abc"], { ChecksumAlgorithm: "CRC32C", ChecksumType: "FULL_OBJECT" });
    const right = { ChecksumCRC32C: "Nks/tw==" };
    await assert.rejects(whole.complete(right), { name: "BadDigest" });
    await assert.rejects(whole.complete({ ChecksumType: "COMPOSITE" }), { message: /using the FULL_OBJECT/ });
    await assert.rejects(whole.complete({ ChecksumCRC32C: "AAAAAA==", ChecksumType: "FULL_OBJECT" }), {
      message: "The crc32c you specified did not match the calculated checksum.",
    });
    assert.equal((await whole.complete({ ...right, ChecksumType: "FULL_OBJECT" })).ChecksumCRC32C, "Nks/tw==");

    const only = await upload("only", ["abc"], { ChecksumAlgorithm: "CRC64NVME" });
    await assert.rejects(only.complete({ ChecksumCRC64NVME: crc64("abd") }), { name: "BadDigest" });
    assert.equal((await only.complete({ ChecksumCRC64NVME: crc64("abc") })).ChecksumType, "FULL_OBJECT");
  });

  test("checksums that are none and types without an algorithm are refused", async () => {
    const wrong = s3.putObject({ Bucket, Key: "k", Body: "x", ChecksumCRC32: "no checksum" });
    await assert.rejects(wrong, {
      name: "InvalidRequest",
      message: "Value for x-amz-checksum-crc32 header is invalid.",
    });
    await assert.rejects(upload("k", [], { ChecksumType: "COMPOSITE" }), { message: /only be used with the x-amz/ });
    await assert.rejects(upload("k", ["x"], { ChecksumAlgorithm: "SHA256" }, { ChecksumAlgorithm: "CRC32" }), {
      message: "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32",
    });
  });
});
