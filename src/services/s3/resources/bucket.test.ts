import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startTestApp, type TestApp } from "../../../../test/support/test-app.ts";
import { createContext } from "../../../aws/context.ts";
import type { ResourceContext } from "../../../aws/service.ts";
import { s3BucketPolicy } from "./bucket-policy.ts";
import { s3Bucket } from "./bucket.ts";

describe("AWS::S3::Bucket", () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.stop());
  const context = (retried = false): ResourceContext => {
    const { platform, registry } = app.running;
    const { account } = platform.settings;
    const principal = { kind: "root" as const, account, arn: `arn:aws:iam::${account}:root`, id: account };
    const ctx = createContext(platform, registry, { service: "s3", account, region: "eu-west-1", principal });
    const own = {
      stackId: "arn",
      stackName: "stack",
      logicalId: "Bucket",
      token: "t",
      retried,
      stackTags: { "aws:cloudformation:stack-name": "stack" },
      withStackTags: (tags: any, make: any) => make([...(tags ?? []), { Key: "stack", Value: "stack" }]),
      physicalName: () => "stack-bucket-abc123",
    };
    return Object.assign(ctx, own) as unknown as ResourceContext;
  };

  test("locks, logs and accelerates as its template says", async () => {
    const ctx = context();
    const properties = {
      BucketName: "with-lock",
      ObjectLockEnabled: "true",
      ObjectLockConfiguration: {
        ObjectLockEnabled: "Enabled",
        Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: "3" } },
      },
      LoggingConfiguration: { LogFilePrefix: "log/" },
      AccelerateConfiguration: { AccelerationStatus: "Enabled" },
    };
    const Bucket = await s3Bucket.create(ctx, properties);
    const read = async () => [
      (await ctx.call("s3", "GetObjectLockConfiguration", { Bucket })).ObjectLockConfiguration?.Rule?.DefaultRetention,
      (await ctx.call("s3", "GetBucketLogging", { Bucket })).LoggingEnabled,
      (await ctx.call("s3", "GetBucketAccelerateConfiguration", { Bucket })).Status,
    ];
    const target = { TargetBucket: Bucket, TargetPrefix: "log/" };
    assert.deepEqual(await read(), [{ Mode: "GOVERNANCE", Days: 3 }, target, "Enabled"]);
    await s3Bucket.update?.(ctx, Bucket, { BucketName: Bucket, ObjectLockEnabled: true }, properties);
    assert.deepEqual(await read(), [undefined, undefined, "Suspended"]);
    await s3Bucket.remove(ctx, Bucket, {});
  });

  test("is made with its settings, changed, and removed", async () => {
    const ctx = context();
    const properties = {
      VersioningConfiguration: { Status: "Enabled" },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
      },
      LifecycleConfiguration: {
        Rules: [{ Id: "old", Status: "Enabled", NoncurrentVersionExpiration: { NoncurrentDays: 30 } }],
      },
      WebsiteConfiguration: { IndexDocument: "index.html" },
      CorsConfiguration: { CorsRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["*"], MaxAge: "5" }] },
      Tags: [{ Key: "a", Value: "b" }],
    };
    const id = await s3Bucket.create(ctx, properties);
    assert.equal(id, "stack-bucket-abc123");
    await assert.rejects(s3Bucket.create(ctx, properties), { code: "BucketAlreadyOwnedByYou" });
    assert.equal(await s3Bucket.create(context(true), properties), id, "the same step again finds its own work");
    assert.equal((await ctx.call("s3", "GetBucketVersioning", { Bucket: id })).Status, "Enabled");
    assert.equal(
      (await ctx.call("s3", "GetBucketLifecycleConfiguration", { Bucket: id })).Rules?.[0]?.NoncurrentVersionExpiration
        ?.NoncurrentDays,
      30,
    );
    assert.deepEqual((await ctx.call("s3", "GetBucketCors", { Bucket: id })).CORSRules?.[0]?.MaxAgeSeconds, 5);
    assert.equal((await ctx.call("s3", "GetBucketTagging", { Bucket: id })).TagSet?.length, 2);
    const { Arn, RegionalDomainName } = (await s3Bucket.attributes?.(ctx, id, properties)) ?? {};
    assert.deepEqual([Arn, RegionalDomainName], [`arn:aws:s3:::${id}`, `${id}.s3.eu-west-1.amazonaws.com`]);
    await s3Bucket.update?.(ctx, id, { VersioningConfiguration: { Status: "Suspended" } }, properties);
    assert.equal((await ctx.call("s3", "GetBucketVersioning", { Bucket: id })).Status, "Suspended");
    await assert.rejects(ctx.call("s3", "GetBucketWebsite", { Bucket: id }), { code: "NoSuchWebsiteConfiguration" });
    await s3Bucket.remove(ctx, id, {});
    await s3Bucket.remove(ctx, id, {});
  });

  test("a template from before ACLs were closed gets the bucket that it was written for", async () => {
    const ctx = context();
    const id = await s3Bucket.create(ctx, { BucketName: "old-template", AccessControl: "PublicRead" });
    await ctx.call("s3", "PutObject", { Bucket: id, Key: "k", Body: "x", ACL: "public-read" });
    const PolicyDocument = {
      Version: "2012-10-17",
      Statement: { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${id}/*` },
    };
    await s3BucketPolicy.create(ctx, { Bucket: id, PolicyDocument });
    assert.equal((await fetch(`${app.endpoint}/${id}/k`)).status, 200);
    await s3BucketPolicy.remove(ctx, id, {});
    await assert.rejects(ctx.call("s3", "GetBucketPolicy", { Bucket: id }), { code: "NoSuchBucketPolicy" });
  });

  test("a bucket that is asked to be private need not take ACLs", async () => {
    const ctx = context();
    const id = await s3Bucket.create(ctx, { BucketName: "plainly-private", AccessControl: "Private" });
    await assert.rejects(ctx.call("s3", "PutObject", { Bucket: id, Key: "k", Body: "x", ACL: "public-read" }), {
      code: "AccessControlListNotSupported",
    });
  });

  test("what has no effect here is refused by name", () => {
    const names = Object.keys(s3Bucket.refuses ?? {});
    for (const name of ["ReplicationConfiguration", "InventoryConfigurations", "MetadataConfiguration"])
      assert.ok(names.includes(name), name);
  });
});
