import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp } from "../../../test/support/test-app.ts";
import { createContext } from "../../aws/context.ts";
import { FakeClock } from "../../kernel/clock.ts";
import { runLifecycles } from "./expire.ts";

const DAY = 86_400_000;
const Bucket = "locked";

async function locked(t: { after(done: () => Promise<void>): void }) {
  const clock = new FakeClock(Date.now());
  const app = await startTestApp({ clock });
  const s3 = new S3({ ...app.client, forcePathStyle: true });
  t.after(async () => {
    s3.destroy();
    await app.stop();
  });
  await s3.createBucket({ Bucket, ObjectLockEnabledForBucket: true });
  const put = async (Key: string, more: object = {}): Promise<{ Bucket: string; Key: string; VersionId: string }> => {
    const { VersionId } = await s3.putObject({ Bucket, Key, Body: "x", ...more });
    return { Bucket, Key, VersionId: VersionId! };
  };
  const inDays = (days: number): Date => new Date(clock.now() + days * DAY);
  return { clock, app, s3, put, inDays };
}

const fails = (work: Promise<unknown>, name: string, message?: RegExp) =>
  assert.rejects(work, (error: any) => {
    assert.equal(error.name, name, `${error.name}: ${error.message}`);
    if (message) assert.match(error.message, message);
    return true;
  });

describe("Object Lock", () => {
  test("governance gives way to who may pass over it, compliance to nobody before its time", async (t) => {
    const { app, s3, put, inDays, clock } = await locked(t);
    const kept = { ObjectLockRetainUntilDate: inDays(2) };
    const governed = await put("g", { ObjectLockMode: "GOVERNANCE", ...kept });
    const strict = await put("c", { ObjectLockMode: "COMPLIANCE", ...kept });
    await fails(s3.deleteObject(governed), "AccessDenied", /protected by object lock/);
    await fails(s3.deleteObject({ ...strict, BypassGovernanceRetention: true }), "AccessDenied");
    assert.equal((await s3.deleteObject({ Bucket, Key: "g" })).DeleteMarker, true, "a marker hides what is kept");

    const iam = new IAM(app.client);
    await iam.createUser({ UserName: "u" });
    const statement = { Effect: "Allow", Action: ["s3:DeleteObject*", "s3:GetObject"], Resource: "*" };
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await iam.putUserPolicy({ UserName: "u", PolicyName: "p", PolicyDocument });
    const { AccessKey } = await iam.createAccessKey({ UserName: "u" });
    const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
    const user = new S3({ ...app.as(credentials), forcePathStyle: true });
    await fails(user.deleteObject({ ...governed, BypassGovernanceRetention: true }), "AccessDenied");
    const seen = await user.getObject({ Bucket, Key: "c" });
    assert.equal(seen.ObjectLockMode, undefined, "without s3:GetObjectRetention it is not told");
    user.destroy();
    await s3.deleteObject({ ...governed, BypassGovernanceRetention: true });

    await clock.advance(3 * DAY);
    const later = new S3({ ...app.client, forcePathStyle: true, systemClockOffset: 3 * DAY });
    await later.deleteObject(strict);
    later.destroy();
  });

  test("retention is only made longer; a legal hold stays until it is taken off", async (t) => {
    const { s3, put, inDays } = await locked(t);
    const one = await put("a");
    await fails(s3.getObjectRetention(one), "NoSuchObjectLockConfiguration");
    const set = (Mode: "GOVERNANCE" | "COMPLIANCE", days: number, more: object = {}) =>
      s3.putObjectRetention({ ...one, Retention: { Mode, RetainUntilDate: inDays(days) }, ...more });
    await fails(set("GOVERNANCE", -1), "InvalidArgument", /must be in the future/);
    await set("GOVERNANCE", 2);
    await set("GOVERNANCE", 3);
    await fails(set("GOVERNANCE", 1), "AccessDenied");
    await fails(set("COMPLIANCE", 4), "AccessDenied");
    await set("GOVERNANCE", 1, { BypassGovernanceRetention: true });
    await set("COMPLIANCE", 1, { BypassGovernanceRetention: true });
    await fails(set("GOVERNANCE", 5, { BypassGovernanceRetention: true }), "AccessDenied");
    assert.equal((await s3.headObject(one)).ObjectLockMode, "COMPLIANCE");

    const held = await put("h", { ObjectLockLegalHoldStatus: "ON" });
    assert.equal((await s3.getObjectLegalHold(held)).LegalHold?.Status, "ON");
    await fails(s3.deleteObject({ ...held, BypassGovernanceRetention: true }), "AccessDenied");
    const { Errors } = await s3.deleteObjects({ Bucket, Delete: { Objects: [held] } });
    assert.equal(Errors?.[0]?.Code, "AccessDenied");
    await s3.putObjectLegalHold({ ...held, LegalHold: { Status: "OFF" } });
    await s3.deleteObject(held);
  });

  test("a bucket's default is for new versions, copies and parts; versioning stays on", async (t) => {
    const { s3, put } = await locked(t);
    const DefaultRetention = { Mode: "GOVERNANCE" as const, Days: 1 };
    const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled" as const, Rule: { DefaultRetention } };
    await s3.putObjectLockConfiguration({ Bucket, ObjectLockConfiguration });
    assert.deepEqual(
      (await s3.getObjectLockConfiguration({ Bucket })).ObjectLockConfiguration,
      ObjectLockConfiguration,
    );
    await fails(s3.deleteObject(await put("a")), "AccessDenied");
    const { VersionId } = await s3.copyObject({ Bucket, Key: "b", CopySource: `${Bucket}/a` });
    await fails(s3.deleteObject({ Bucket, Key: "b", VersionId: VersionId! }), "AccessDenied");
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "m" });
    const part = await s3.uploadPart({ Bucket, Key: "m", UploadId: UploadId!, PartNumber: 1, Body: "x" });
    const Parts = [{ PartNumber: 1, ETag: part.ETag }];
    await s3.completeMultipartUpload({ Bucket, Key: "m", UploadId: UploadId!, MultipartUpload: { Parts } });
    assert.equal((await s3.headObject({ Bucket, Key: "m" })).ObjectLockMode, "GOVERNANCE");
    await fails(
      s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Suspended" } }),
      "InvalidBucketState",
    );
    await s3.createBucket({ Bucket: "free" });
    const free = { Bucket: "free", Key: "k" };
    await fails(s3.putObjectLockConfiguration({ Bucket: "free", ObjectLockConfiguration }), "InvalidBucketState");
    await fails(s3.putObject({ ...free, Body: "", ObjectLockLegalHoldStatus: "ON" }), "InvalidRequest");
    await fails(s3.deleteObject({ ...free, BypassGovernanceRetention: true }), "InvalidArgument");
  });

  test("a lifecycle removes nothing that is locked, and goes on behind it", async (t) => {
    const { s3, app, put, inDays, clock } = await locked(t);
    const old = await put("a", { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: inDays(30) });
    await put("a");
    const free = await put("b");
    await put("b");
    const rule = {
      ID: "r",
      Status: "Enabled" as const,
      Filter: {},
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    };
    await s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules: [rule] } });
    await clock.advance(3 * DAY);
    const { platform, registry } = app.running;
    const { account, region } = platform.settings;
    const principal = { kind: "root" as const, account, arn: `arn:aws:iam::${account}:root`, id: account };
    const ctx = createContext(platform, registry, { service: "s3", account, region, principal });
    await runLifecycles(ctx);
    const { Versions } = await ctx.call("s3", "ListObjectVersions", { Bucket });
    const ids = Versions?.map((version) => version.VersionId);
    assert.ok(ids?.includes(old.VersionId) && !ids.includes(free.VersionId));
  });
});
