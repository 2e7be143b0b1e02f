import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const DAY = 86_400_000;

describe("S3's answers, word for word", () => {
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
  const bucket = async (status?: "Enabled" | "Suspended"): Promise<string> => {
    const Bucket = `answers-${buckets++}`;
    await s3.createBucket({ Bucket });
    if (status) await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: status } });
    return Bucket;
  };
  const refusal = async (call: Promise<unknown>, code: string, status: number, fields: object = {}): Promise<void> => {
    const error: any = await call.then(
      () => assert.fail(`${code} was expected`),
      (thrown: unknown) => thrown,
    );
    assert.deepEqual([error.name, error.$metadata?.httpStatusCode], [code, status], String(error));
    const known = Object.fromEntries(Object.keys(fields).map((name) => [name, error[name] ?? error.Error?.[name]]));
    assert.deepEqual(known, fields);
    assert.equal(error.Resource ?? error.Error?.Resource, undefined);
  };

  test("versions that never were are invalid, those that are gone are not there", async () => {
    const Bucket = await bucket("Enabled");
    const put = await s3.putObject({ Bucket, Key: "k", Body: "x" });
    const VersionId = String(put.VersionId);
    assert.match(VersionId, /^[A-Za-z0-9._]{32}$/);
    const never = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD";
    await refusal(s3.getObject({ Bucket, Key: "k", VersionId: never }), "InvalidArgument", 400, {
      ArgumentName: "versionId",
      ArgumentValue: never,
    });
    await refusal(s3.deleteObject({ Bucket, Key: "k", VersionId: never }), "InvalidArgument", 400);
    const several = await s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "k", VersionId: never }] } });
    assert.deepEqual([several.Deleted, several.Errors?.[0]?.Code], [undefined, "NoSuchVersion"]);
    await s3.deleteObject({ Bucket, Key: "k", VersionId });
    await refusal(s3.getObject({ Bucket, Key: "k", VersionId }), "NoSuchVersion", 404);
    assert.equal((await s3.deleteObject({ Bucket, Key: "k", VersionId })).VersionId, VersionId);
  });

  test("an upload that another write overtook is a conflict where it has a condition", async () => {
    const Bucket = await bucket();
    await s3.putObject({ Bucket, Key: "k", Body: "one" });
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "k" });
    const part = await s3.uploadPart({ Bucket, Key: "k", UploadId, PartNumber: 1, Body: "part" });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
    const { ETag } = await s3.putObject({ Bucket, Key: "k", Body: "two" });
    const input = { Bucket, Key: "k", UploadId, MultipartUpload };
    await refusal(s3.completeMultipartUpload({ ...input, IfMatch: '"0"' }), "PreconditionFailed", 412);
    await refusal(s3.completeMultipartUpload({ ...input, IfMatch: ETag }), "ConditionalRequestConflict", 409);
    await s3.completeMultipartUpload(input);
  });

  test("a page begins behind the common prefix that its marker lies in, and a folder's own key ends only itself", async () => {
    const Bucket = await bucket();
    const keys = ["f/", "f/a/1", "f/a/2", "f/b"];
    await Promise.all(keys.map((Key) => s3.putObject({ Bucket, Key, Body: "" })));
    const within = { Bucket, Prefix: "f/", Delimiter: "/" };
    const behind = await s3.listObjects({ ...within, Marker: "f/a/1" });
    assert.deepEqual([behind.Contents?.map(({ Key }) => Key), behind.CommonPrefixes], [["f/b"], undefined]);
    const first = await s3.listObjectsV2({ ...within, MaxKeys: 1 });
    const { NextContinuationToken: ContinuationToken } = first;
    const next = await s3.listObjectsV2({ ...within, ...(ContinuationToken ? { ContinuationToken } : {}) });
    assert.deepEqual(next.CommonPrefixes, [{ Prefix: "f/a/" }]);
    assert.deepEqual(
      next.Contents?.map(({ Key }) => Key),
      ["f/b"],
    );
    assert.ok(next.Contents?.every(({ LastModified }) => LastModified && LastModified.getTime() % 1000 === 0));
  });

  test("lists of uploads say where they ended, and who began what", async () => {
    const Bucket = await bucket();
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "k" });
    await s3.uploadPart({ Bucket, Key: "k", UploadId, PartNumber: 1, Body: "part" });
    const { NextKeyMarker, NextUploadIdMarker, Uploads, Prefix } = await s3.listMultipartUploads({ Bucket });
    assert.deepEqual([NextKeyMarker, NextUploadIdMarker, Prefix], ["k", UploadId, undefined]);
    assert.ok(Uploads?.[0]?.Initiator?.ID);
  });

  test("rules that end objects are told with them", async () => {
    const Bucket = await bucket();
    const rule = { Status: "Enabled" as const, Filter: { Prefix: "t" } };
    const put = (...Rules: object[]) =>
      s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules: Rules as any } });
    await put({ ...rule, ID: "slow", Expiration: { Days: 9 } }, { ...rule, ID: "quick one", Expiration: { Days: 3 } });
    const { Expiration = "" } = await s3.putObject({ Bucket, Key: "temp", Body: "x" });
    const [, date = "", id] = /^expiry-date="([^"]+)", rule-id="([^"]+)"$/.exec(Expiration) ?? [];
    assert.equal(id, "quick%20one");
    const left = new Date(date).getTime() - Date.now();
    assert.ok(left > 3 * DAY && left <= 4 * DAY && new Date(date).getTime() % DAY === 0, date);
    assert.equal((await s3.headObject({ Bucket, Key: "temp" })).Expiration, Expiration);
    assert.equal((await s3.putObject({ Bucket, Key: "other", Body: "x" })).Expiration, undefined);
    const kept = await s3.getBucketLifecycleConfiguration({ Bucket });
    assert.equal(kept.TransitionDefaultMinimumObjectSize, "all_storage_classes_128K");
    const Expires = { Days: 1 };
    await refusal(put({ Status: "Enabled", ID: "none", Expiration: Expires }), "MalformedXML", 400);
    await refusal(put({ ...rule, ID: "x".repeat(256), Expiration: Expires }), "InvalidArgument", 400);
    await refusal(put({ ...rule, Expiration: { Date: new Date("2030-01-01T02:00:00Z") } }), "InvalidArgument", 400, {
      ArgumentName: "Date",
    });
    await refusal(
      put({ ...rule, Filter: { Prefix: "", ObjectSizeGreaterThan: 5 }, Expiration: Expires }),
      "MalformedXML",
      400,
    );
  });

  test("metadata beyond ASCII travels as encoded words, in both directions", async () => {
    const Bucket = await bucket();
    const words = { word: "=?UTF-8?B?w6TigKY=?=", plain: "=?UTF-8?Q?only_ascii?=", raw: "a b" };
    await s3.putObject({ Bucket, Key: "k", Metadata: words });
    const { Metadata } = await s3.headObject({ Bucket, Key: "k" });
    assert.deepEqual(Metadata, { word: "=?UTF-8?Q?=C3=A4=E2=80=A6?=", plain: "only ascii", raw: "a b" });
  });

  test("settings: ownership, encryption, owners and tags that cannot be", async () => {
    const Bucket = await bucket();
    await s3.deleteBucketOwnershipControls({ Bucket });
    await refusal(s3.getBucketOwnershipControls({ Bucket }), "OwnershipControlsNotFoundError", 404);
    await refusal(s3.getBucketPolicy({ Bucket, ExpectedBucketOwner: "abcd" }), "InvalidBucketOwnerAWSAccountID", 400);
    const standard = { SSEAlgorithm: "AES256" as const, KMSMasterKeyID: "key" };
    const Rules = [{ ApplyServerSideEncryptionByDefault: standard }];
    await refusal(
      s3.putBucketEncryption({ Bucket, ServerSideEncryptionConfiguration: { Rules } }),
      "InvalidArgument",
      400,
    );
    for (const Tagging of ["a=1&a=2", "a=1,b=2=3"])
      await refusal(s3.putObject({ Bucket, Key: "k", Tagging }), "InvalidArgument", 400, {
        ArgumentName: "x-amz-tagging",
      });
    const TagSet = [{ Key: "aws:own", Value: "1" }];
    await refusal(s3.putBucketTagging({ Bucket, Tagging: { TagSet } }), "InvalidTag", 400, { TagKey: "aws:own" });
    await refusal(s3.listBuckets({ BucketRegion: "nowhere" }), "InvalidArgument", 400);
    const Europe = `${Bucket}-eu`;
    await s3.createBucket({ Bucket: Europe, CreateBucketConfiguration: { LocationConstraint: "EU" } });
    assert.equal((await s3.getBucketLocation({ Bucket: Europe })).LocationConstraint, "EU");
    assert.equal((await s3.headBucket({ Bucket: Europe })).BucketRegion, "eu-west-1");
    const tags = { CreateBucketConfiguration: { Tags: [{ Key: "a", Value: "1" }] } };
    await refusal(s3.createBucket({ Bucket, ...tags }), "BucketAlreadyOwnedByYou", 409);
  });
});
