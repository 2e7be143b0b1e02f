import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { MAX_INLINE_BYTES } from "./limits.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const md5 = (bytes: Uint8Array | string): string => createHash("md5").update(bytes).digest("hex");

describe("S3 objects", () => {
  let app: TestApp;
  let s3: S3;
  let buckets = 0;
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true });
  });
  after(async () => {
    s3.destroy();
    await app.stop();
  });
  const bucket = async (options: { versioned?: boolean } = {}): Promise<string> => {
    const Bucket = `objects-${buckets++}`;
    await s3.createBucket({ Bucket });
    if (options.versioned) await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    return Bucket;
  };
  const text = async (Bucket: string, Key: string, more: object = {}): Promise<string> =>
    (await (await s3.getObject({ Bucket, Key, ...more })).Body?.transformToString()) ?? "";
  const code = (name: string, status?: number) => (error: any) => {
    assert.equal(error.name, name, `${error.name}: ${error.message}`);
    if (status !== undefined) assert.equal(error.$metadata.httpStatusCode, status);
    return true;
  };

  test("put, get, head: content, type, metadata, headers and checksum come back", async () => {
    const Bucket = await bucket();
    const Key = "a folder/ünï+%20?.txt";
    const put = await s3.putObject({
      Bucket,
      Key,
      Body: "hello",
      ContentType: "text/plain",
      CacheControl: "no-cache",
      Metadata: { One: "1" },
    });
    assert.equal(put.ETag, `"${md5("hello")}"`);
    const got = await s3.getObject({ Bucket, Key, ChecksumMode: "ENABLED" });
    assert.equal(await got.Body?.transformToString(), "hello");
    assert.deepEqual(
      [got.ContentLength, got.ContentType, got.CacheControl, got.Metadata, got.ETag, got.ChecksumCRC32],
      [5, "text/plain", "no-cache", { one: "1" }, put.ETag, put.ChecksumCRC32],
    );
    const head = await s3.headObject({ Bucket, Key });
    assert.equal(head.ContentLength, 5);
    await assert.rejects(s3.getObject({ Bucket, Key: "none" }), code("NoSuchKey", 404));
    await assert.rejects(s3.headObject({ Bucket, Key: "none" }), code("NotFound", 404));
    await assert.rejects(s3.getObject({ Bucket: "no-such-bucket-here", Key }), code("NoSuchBucket", 404));
  });

  test("a stream with a trailing checksum is stored, and a wrong digest leaves nothing", async () => {
    const Bucket = await bucket();
    const bytes = randomBytes(300_000);
    const stream = Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]);
    const put = await s3.putObject({
      Bucket,
      Key: "s",
      Body: stream,
      ContentLength: bytes.length,
      ChecksumAlgorithm: "SHA256",
    });
    assert.equal(put.ChecksumSHA256, createHash("sha256").update(bytes).digest("base64"));
    const ContentMD5 = createHash("md5").update("other").digest("base64");
    await assert.rejects(s3.putObject({ Bucket, Key: "bad", Body: "x", ContentMD5 }), code("BadDigest", 400));
    await assert.rejects(
      s3.putObject({ Bucket, Key: "bad", Body: "x", ChecksumSHA256: "AAAA" }),
      (e: any) => e.$metadata.httpStatusCode === 400,
    );
    await assert.rejects(s3.headObject({ Bucket, Key: "bad" }), code("NotFound"));
  });

  test("contents around the size that the database holds, shared by copies, with ranges", async () => {
    const Bucket = await bucket();
    const sizes = [0, 1, MAX_INLINE_BYTES - 1, MAX_INLINE_BYTES, MAX_INLINE_BYTES + 1, 3 * MAX_INLINE_BYTES];
    for (const size of sizes) {
      const Body = randomBytes(size);
      const Key = String(size);
      assert.equal((await s3.putObject({ Bucket, Key, Body })).ETag, `"${md5(Body)}"`);
      await s3.copyObject({ Bucket, Key: `copy-${size}`, CopySource: `${Bucket}/${Key}` });
      await s3.deleteObject({ Bucket, Key });
      const got = await s3.getObject({ Bucket, Key: `copy-${size}` });
      assert.equal(md5((await got.Body?.transformToByteArray()) ?? ""), md5(Body));
      if (size < 10) continue;
      const part = await s3.getObject({ Bucket, Key: `copy-${size}`, Range: "bytes=5-8" });
      assert.deepEqual(Buffer.from((await part.Body?.transformToByteArray()) ?? []), Body.subarray(5, 9));
    }
  });

  test("many writers of one key all get through", async () => {
    const Bucket = await bucket();
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; i < 10; i++) await s3.putObject({ Bucket, Key: "same", Body: `${writer} ${i}` });
    };
    await Promise.all(Array.from({ length: 40 }, (_, writer) => write(writer)));
    assert.match(await text(Bucket, "same"), /^\d+ 9$/);
  });

  test("ranges", async () => {
    const Bucket = await bucket();
    await s3.putObject({ Bucket, Key: "r", Body: "0123456789" });
    const part = await s3.getObject({ Bucket, Key: "r", Range: "bytes=2-4" });
    assert.deepEqual(
      [await part.Body?.transformToString(), part.ContentRange, part.$metadata.httpStatusCode],
      ["234", "bytes 2-4/10", 206],
    );
    assert.equal(await text(Bucket, "r", { Range: "bytes=-3" }), "789");
    assert.equal(await text(Bucket, "r", { Range: "bytes=8-100" }), "89");
    await assert.rejects(s3.getObject({ Bucket, Key: "r", Range: "bytes=10-" }), code("InvalidRange", 416));
  });

  test("conditions on reads and writes", async () => {
    const Bucket = await bucket();
    const { ETag } = await s3.putObject({ Bucket, Key: "c", Body: "1", IfNoneMatch: "*" });
    await assert.rejects(
      s3.putObject({ Bucket, Key: "c", Body: "2", IfNoneMatch: "*" }),
      code("PreconditionFailed", 412),
    );
    await assert.rejects(
      s3.putObject({ Bucket, Key: "c", Body: "2", IfMatch: '"0"' }),
      code("PreconditionFailed", 412),
    );
    await assert.rejects(
      s3.getObject({ Bucket, Key: "c", IfNoneMatch: ETag }),
      (e: any) => e.$metadata.httpStatusCode === 304,
    );
    await assert.rejects(s3.getObject({ Bucket, Key: "c", IfMatch: '"0"' }), code("PreconditionFailed", 412));
    const { LastModified = new Date() } = await s3.headObject({ Bucket, Key: "c" });
    await assert.rejects(
      s3.getObject({ Bucket, Key: "c", IfModifiedSince: LastModified }),
      (e: any) => e.$metadata.httpStatusCode === 304,
    );
    // A time that is still to come says nothing.
    assert.equal(await text(Bucket, "c", { IfModifiedSince: new Date(Date.now() + 100_000) }), "1");
    await assert.rejects(s3.putObject({ Bucket, Key: "c", IfMatch: "*" }), code("NotImplemented", 501));
    const both = { IfMatch: ETag, IfNoneMatch: "*" };
    await assert.rejects(s3.putObject({ Bucket, Key: "c", ...both }), code("NotImplemented", 501));
    const races = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => s3.putObject({ Bucket, Key: "race", Body: String(i), IfNoneMatch: "*" })),
    );
    assert.equal(races.filter((r) => r.status === "fulfilled").length, 1);
  });

  test("lists: prefix, delimiter, pages, encoding, byte order", async () => {
    const Bucket = await bucket();
    const keys = ["a", "b/1", "b/2", "b/c/3", "b0", "d/x", "z z+é", "B"];
    await Promise.all(keys.map((Key) => s3.putObject({ Bucket, Key, Body: Key })));
    const pages = async (input: object): Promise<string[]> => {
      const seen: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await s3.listObjectsV2({ Bucket, ...input, ...(ContinuationToken ? { ContinuationToken } : {}) });
        seen.push(
          ...(page.Contents ?? []).map((o) => o.Key ?? ""),
          ...(page.CommonPrefixes ?? []).map((p) => `${p.Prefix}*`),
        );
        ContinuationToken = page.NextContinuationToken;
        assert.equal(page.IsTruncated, ContinuationToken !== undefined);
      } while (ContinuationToken);
      return seen;
    };
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(await pages({}), sorted);
    assert.deepEqual(await pages({ MaxKeys: 3 }), sorted);
    assert.deepEqual((await pages({ Delimiter: "/" })).toSorted(), ["B", "a", "b/*", "b0", "d/*", "z z+é"].toSorted());
    assert.deepEqual(
      (await pages({ Delimiter: "/", MaxKeys: 1 })).toSorted(),
      ["B", "a", "b/*", "b0", "d/*", "z z+é"].toSorted(),
    );
    assert.deepEqual((await pages({ Delimiter: "/", Prefix: "b/" })).toSorted(), ["b/1", "b/2", "b/c/*"]);
    assert.deepEqual(await pages({ StartAfter: "b/2" }), ["b/c/3", "b0", "d/x", "z z+é"]);
    assert.deepEqual(await pages({ Prefix: "z", EncodingType: "url" }), ["z%20z%2B%C3%A9"]);
    const v1 = await s3.listObjects({ Bucket, Delimiter: "/", MaxKeys: 2 });
    assert.equal(v1.NextMarker, "a");
    const next = await s3.listObjects({ Bucket, Delimiter: "/", Marker: "b/" });
    assert.deepEqual(
      [(next.Contents ?? []).map((o) => o.Key), (next.CommonPrefixes ?? []).map((p) => p.Prefix)],
      [["b0", "z z+é"], ["d/"]],
    );
    assert.ok((await s3.listObjects({ Bucket })).Contents?.every((o) => o.Owner?.ID));
    assert.ok((await s3.listObjectsV2({ Bucket })).Contents?.every((o) => o.Owner === undefined));
  });

  test("versions: overwritten and deleted objects stay, markers hide, removal uncovers", async () => {
    const Bucket = await bucket({ versioned: true });
    const one = await s3.putObject({ Bucket, Key: "v", Body: "1" });
    const two = await s3.putObject({ Bucket, Key: "v", Body: "2" });
    assert.notEqual(one.VersionId, two.VersionId);
    assert.equal(await text(Bucket, "v", { VersionId: one.VersionId }), "1");
    const gone = await s3.deleteObject({ Bucket, Key: "v" });
    assert.equal(gone.DeleteMarker, true);
    await assert.rejects(s3.getObject({ Bucket, Key: "v" }), code("NoSuchKey", 404));
    await assert.rejects(s3.getObject({ Bucket, Key: "v", VersionId: gone.VersionId }), code("MethodNotAllowed", 405));
    const listed = await s3.listObjectVersions({ Bucket });
    assert.deepEqual(
      listed.Versions?.map((v) => [v.VersionId, v.IsLatest]),
      [
        [two.VersionId, false],
        [one.VersionId, false],
      ],
    );
    assert.deepEqual(
      listed.DeleteMarkers?.map((m) => [m.VersionId, m.IsLatest]),
      [[gone.VersionId, true]],
    );
    const page = await s3.listObjectVersions({ Bucket, MaxKeys: 1 });
    const rest = await s3.listObjectVersions({
      Bucket,
      KeyMarker: page.NextKeyMarker,
      VersionIdMarker: page.NextVersionIdMarker,
    });
    assert.equal((rest.Versions?.length ?? 0) + (rest.DeleteMarkers?.length ?? 0), 2);
    await s3.deleteObject({ Bucket, Key: "v", VersionId: gone.VersionId });
    assert.equal(await text(Bucket, "v"), "2");
    await assert.rejects(s3.deleteBucket({ Bucket }), code("BucketNotEmpty", 409));
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Suspended" } });
    await s3.putObject({ Bucket, Key: "v", Body: "3" });
    await s3.putObject({ Bucket, Key: "v", Body: "4" });
    const suspended = await s3.listObjectVersions({ Bucket });
    assert.deepEqual(
      suspended.Versions?.map((v) => v.VersionId),
      ["null", two.VersionId, one.VersionId],
    );
    const Objects = (suspended.Versions ?? []).map(({ Key, VersionId }) => ({ Key: Key ?? "", VersionId }));
    const removed = await s3.deleteObjects({ Bucket, Delete: { Objects } });
    assert.equal(removed.Deleted?.length, 3);
    await s3.deleteBucket({ Bucket });
  });

  test("multipart: parts, copies of parts, ETag, order, sizes, abort, lists", async () => {
    const Bucket = await bucket();
    const big = randomBytes(5 * 1024 * 1024);
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "m", ContentType: "x/y", Metadata: { a: "b" } });
    const where = { Bucket, Key: "m", UploadId };
    assert.deepEqual(
      (await s3.listMultipartUploads({ Bucket })).Uploads?.map((u) => u.Key),
      ["m"],
    );
    const one = await s3.uploadPart({ ...where, PartNumber: 1, Body: big });
    await s3.putObject({ Bucket, Key: "src", Body: "0123456789" });
    const two = await s3.uploadPartCopy({
      ...where,
      PartNumber: 2,
      CopySource: `${Bucket}/src`,
      CopySourceRange: "bytes=1-3",
    });
    const parts = await s3.listParts(where);
    assert.deepEqual(
      parts.Parts?.map((p) => [p.PartNumber, p.Size]),
      [
        [1, big.length],
        [2, 3],
      ],
    );
    const Parts = [
      { PartNumber: 1, ETag: one.ETag },
      { PartNumber: 2, ETag: two.CopyPartResult?.ETag },
    ];
    await assert.rejects(
      s3.completeMultipartUpload({ ...where, MultipartUpload: { Parts: Parts.toReversed() } }),
      code("InvalidPartOrder"),
    );
    await assert.rejects(
      s3.completeMultipartUpload({ ...where, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: '"0"' }] } }),
      code("InvalidPart"),
    );
    const done = await s3.completeMultipartUpload({ ...where, MultipartUpload: { Parts } });
    const both = createHash("md5")
      .update(createHash("md5").update(big).digest())
      .update(createHash("md5").update("123").digest())
      .digest("hex");
    assert.equal(done.ETag, `"${both}-2"`);
    assert.equal(await text(Bucket, "m", { Range: `bytes=${big.length}-` }), "123");
    assert.equal(await text(Bucket, "m", { PartNumber: 2 }), "123");
    const whole = await s3.getObject({ Bucket, Key: "m" });
    assert.equal(md5((await whole.Body?.transformToByteArray()) ?? ""), md5(Buffer.concat([big, Buffer.from("123")])));
    assert.deepEqual([whole.ContentType, whole.Metadata], ["x/y", { a: "b" }]);
    await assert.rejects(s3.listParts(where), code("NoSuchUpload", 404));
    const small = await s3.createMultipartUpload({ Bucket, Key: "small" });
    const tiny = { Bucket, Key: "small", UploadId: small.UploadId };
    const a = await s3.uploadPart({ ...tiny, PartNumber: 1, Body: "a" });
    const b = await s3.uploadPart({ ...tiny, PartNumber: 2, Body: "b" });
    const tooSmall = [
      { PartNumber: 1, ETag: a.ETag },
      { PartNumber: 2, ETag: b.ETag },
    ];
    await assert.rejects(
      s3.completeMultipartUpload({ ...tiny, MultipartUpload: { Parts: tooSmall } }),
      code("EntityTooSmall"),
    );
    await s3.abortMultipartUpload(tiny);
    await assert.rejects(s3.uploadPart({ ...tiny, PartNumber: 1, Body: "x" }), code("NoSuchUpload", 404));
  });

  test("copy: metadata and tags are kept or replaced; onto itself only with a change", async () => {
    const Bucket = await bucket();
    await s3.putObject({
      Bucket,
      Key: "from ü",
      Body: "x",
      Metadata: { a: "1" },
      Tagging: "t=1",
      ContentType: "text/x",
    });
    const CopySource = encodeURIComponent(`${Bucket}/from ü`);
    const copied = await s3.copyObject({ Bucket, Key: "to", CopySource });
    assert.equal(copied.CopyObjectResult?.ETag, `"${md5("x")}"`);
    const to = await s3.headObject({ Bucket, Key: "to" });
    assert.deepEqual([to.Metadata, to.ContentType], [{ a: "1" }, "text/x"]);
    assert.deepEqual((await s3.getObjectTagging({ Bucket, Key: "to" })).TagSet, [{ Key: "t", Value: "1" }]);
    await s3.copyObject({
      Bucket,
      Key: "to",
      CopySource,
      MetadataDirective: "REPLACE",
      Metadata: { b: "2" },
      TaggingDirective: "REPLACE",
      Tagging: "u=2",
    });
    assert.deepEqual((await s3.headObject({ Bucket, Key: "to" })).Metadata, { b: "2" });
    assert.deepEqual((await s3.getObjectTagging({ Bucket, Key: "to" })).TagSet, [{ Key: "u", Value: "2" }]);
    await assert.rejects(s3.copyObject({ Bucket, Key: "to", CopySource: `${Bucket}/to` }), code("InvalidRequest", 400));
    await assert.rejects(s3.copyObject({ Bucket, Key: "x", CopySource: `${Bucket}/none` }), code("NoSuchKey", 404));
    await assert.rejects(
      s3.copyObject({ Bucket, Key: "x", CopySource, CopySourceIfMatch: '"0"' }),
      code("PreconditionFailed", 412),
    );
  });
});
