import assert from "node:assert/strict";
import { test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp } from "../../../test/support/test-app.ts";

test("policies decide by encryption, tags and source of an object", async (t) => {
  const app = await startTestApp();
  const s3 = new S3({ ...app.client, forcePathStyle: true });
  t.after(async () => {
    s3.destroy();
    await app.stop();
  });
  const Bucket = "conditions";
  await s3.createBucket({ Bucket });
  const deny = (Action: string, Condition: object) =>
    s3.putBucketPolicy({
      Bucket,
      Policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Deny", Principal: "*", Action, Resource: `arn:aws:s3:::${Bucket}/*`, Condition }],
      }),
    });
  const refused = (work: Promise<unknown>) => assert.rejects(work, { name: "AccessDenied" });
  const put = (more: object = {}) => s3.putObject({ Bucket, Key: "k", Body: "x", ...more });

  await deny("s3:PutObject", { StringNotEquals: { "s3:x-amz-server-side-encryption": "aws:kms" } });
  await refused(put());
  await refused(put({ ServerSideEncryption: "AES256" }));
  await put({ ServerSideEncryption: "aws:kms" });

  await deny("s3:PutObject", { StringEquals: { "s3:RequestObjectTag/kind": "secret" } });
  await refused(put({ Tagging: "kind=secret" }));
  await put({ Tagging: "kind=open" });

  await deny("s3:GetObject", { StringEquals: { "s3:ExistingObjectTag/kind": "secret" } });
  await s3.getObject({ Bucket, Key: "k" }).then(({ Body }) => Body?.transformToString());
  await s3.putObjectTagging({ Bucket, Key: "k", Tagging: { TagSet: [{ Key: "kind", Value: "secret" }] } });
  await refused(s3.getObject({ Bucket, Key: "k" }));

  await deny("s3:PutObject", { StringNotLike: { "s3:x-amz-copy-source": `${Bucket}/public/*` } });
  await refused(s3.copyObject({ Bucket, Key: "to", CopySource: `${Bucket}/k` }));
});
