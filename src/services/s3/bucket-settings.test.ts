import assert from "node:assert/strict";
import { test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp } from "../../../test/support/test-app.ts";

const code = (name: string) => (error: any) => {
  assert.equal(error.name, name, error.message);
  return true;
};

test("what is not done is refused as such, and what is set comes back", async (t) => {
  const app = await startTestApp();
  const s3 = new S3({ ...app.client, forcePathStyle: true });
  t.after(async () => {
    s3.destroy();
    await app.stop();
  });
  const Bucket = "settings";
  await s3.createBucket({ Bucket });
  await assert.rejects(
    s3.getObjectTorrent({ Bucket, Key: "k" }),
    (error: any) => error.$metadata.httpStatusCode === 501,
  );
  const { $metadata } = await s3.putBucketTagging({ Bucket, Tagging: { TagSet: [] } });
  assert.equal($metadata.httpStatusCode, 204);
  await assert.rejects(s3.getBucketTagging({ Bucket }), { name: "NoSuchTagSet" }, "an empty set is none");
  await s3.putBucketTagging({ Bucket, Tagging: { TagSet: [{ Key: "a", Value: "b" }] } });
  assert.deepEqual((await s3.getBucketTagging({ Bucket })).TagSet, [{ Key: "a", Value: "b" }]);
  const encryption = await s3.getBucketEncryption({ Bucket });
  assert.equal(
    encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm,
    "AES256",
  );
  assert.equal((await s3.getBucketLocation({ Bucket })).LocationConstraint, undefined);
  assert.ok((await s3.listBuckets()).Buckets?.some((b) => b.Name === Bucket));
  await assert.rejects(s3.createBucket({ Bucket: "Bad_Name" }), code("InvalidBucketName"));
  const elsewhere = new S3({ ...app.client, region: "eu-west-1", forcePathStyle: true });
  await assert.rejects(
    elsewhere.createBucket({ Bucket: "settings-eu", CreateBucketConfiguration: { LocationConstraint: "ap-south-1" } }),
    code("IllegalLocationConstraintException"),
  );
  await elsewhere.createBucket({
    Bucket: "settings-eu",
    CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
  });
  await assert.rejects(
    elsewhere.createBucket({ Bucket: "settings-eu", CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } }),
    code("BucketAlreadyOwnedByYou"),
  );
  assert.equal((await s3.getBucketLocation({ Bucket: "settings-eu" })).LocationConstraint, "eu-west-1");
  elsewhere.destroy();
});

test("uploads in parts say when a rule gives them up", async (t) => {
  const app = await startTestApp();
  const s3 = new S3({ ...app.client, forcePathStyle: true });
  t.after(async () => {
    s3.destroy();
    await app.stop();
  });
  const Bucket = "given-up";
  await s3.createBucket({ Bucket });
  const rule = (ID: string, Prefix: string, DaysAfterInitiation: number) => ({
    ID,
    Status: "Enabled" as const,
    Filter: { Prefix },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation },
  });
  const Rules = [rule("late", "", 7), rule("soon", "tmp/", 1)];
  await s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules } });
  const days = (date: Date | undefined) => Math.ceil((date!.getTime() - Date.now()) / 86_400_000);
  for (const [Key, id, most] of [
    ["tmp/a", "soon", 2],
    ["b", "late", 8],
  ] as const) {
    const made = await s3.createMultipartUpload({ Bucket, Key });
    assert.deepEqual([made.AbortRuleId, days(made.AbortDate) <= most], [id, true]);
    const parts = await s3.listParts({ Bucket, Key, UploadId: made.UploadId });
    assert.deepEqual([parts.AbortRuleId, parts.AbortDate], [id, made.AbortDate]);
  }
});
