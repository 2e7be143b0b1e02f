import assert from "node:assert/strict";
import { test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp } from "../../../test/support/test-app.ts";
import { createContext } from "../../aws/context.ts";
import { FakeClock } from "../../kernel/clock.ts";
import { runLifecycles } from "./expire.ts";

const DAY = 86_400_000;
const expiryOf = ({ Restore }: { Restore?: string }) => /expiry-date="(.*)"/.exec(Restore ?? "")?.[1];

test("what is archived is read once it is restored, and only so long", async (t) => {
  const clock = new FakeClock(Date.now());
  const app = await startTestApp({ clock });
  const client = (systemClockOffset = 0): S3 => new S3({ ...app.client, forcePathStyle: true, systemClockOffset });
  const s3 = client();
  t.after(async () => {
    s3.destroy();
    await app.stop();
  });
  const object = { Bucket: "archive", Key: "k" };
  await s3.createBucket({ Bucket: "archive" });
  await s3.putObject({ ...object, Body: "old", StorageClass: "GLACIER" });
  const isRefused = (error: any) => error.name === "InvalidObjectState" && error.$metadata.httpStatusCode === 403;
  await assert.rejects(s3.getObject(object), isRefused);
  const copy = { Bucket: "archive", Key: "copy", CopySource: "archive/k" };
  await assert.rejects(s3.copyObject(copy), isRefused);
  assert.equal((await s3.headObject(object)).StorageClass, "GLACIER");

  const RestoreRequest = { Days: 2, GlacierJobParameters: { Tier: "Standard" as const } };
  const first = await s3.restoreObject({ ...object, RestoreRequest });
  assert.equal(first.$metadata.httpStatusCode, 202);
  assert.equal((await s3.restoreObject({ ...object, RestoreRequest })).$metadata.httpStatusCode, 200);
  const got = await s3.getObject(object);
  assert.equal(await got.Body?.transformToString(), "old");
  assert.match(got.Restore ?? "", /^ongoing-request="false", expiry-date="\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT"$/);
  const attributes = { Bucket: "archive", OptionalObjectAttributes: ["RestoreStatus" as const] };
  const lists = [
    (await s3.listObjects(attributes)).Contents,
    (await s3.listObjectsV2(attributes)).Contents,
    (await s3.listObjectVersions(attributes)).Versions,
  ].map((all) => all?.[0]?.RestoreStatus);
  for (const status of lists)
    assert.deepEqual([status?.IsRestoreInProgress, status?.RestoreExpiryDate?.toUTCString()], [false, expiryOf(got)]);
  assert.equal((await s3.listObjectsV2({ Bucket: "archive" })).Contents?.[0]?.RestoreStatus, undefined);
  await s3.copyObject(copy);
  assert.equal(await (await s3.getObject({ ...object, Key: "copy" })).Body?.transformToString(), "old");
  await assert.rejects(s3.restoreObject({ ...object, Key: "copy", RestoreRequest }), isRefused);

  await clock.advance(4 * DAY);
  const later = client(4 * DAY);
  await assert.rejects(later.getObject(object), isRefused);
  later.destroy();
});

test("a lifecycle moves objects to the archive", async (t) => {
  const clock = new FakeClock(Date.now());
  const app = await startTestApp({ clock });
  t.after(() => app.stop());
  const { platform, registry } = app.running;
  const { account, region } = platform.settings;
  const principal = { kind: "root" as const, account, arn: `arn:aws:iam::${account}:root`, id: account };
  const ctx = createContext(platform, registry, { service: "s3", account, region, principal });
  const object = { Bucket: "moved", Key: "k" };
  await ctx.call("s3", "CreateBucket", { Bucket: object.Bucket });
  const rule = {
    Status: "Enabled",
    Filter: { ObjectSizeGreaterThan: 1 },
    Transitions: [{ Days: 1, StorageClass: "GLACIER" }],
  };
  await ctx.call("s3", "PutBucketLifecycleConfiguration", {
    Bucket: object.Bucket,
    LifecycleConfiguration: { Rules: [rule] },
  });
  await ctx.call("s3", "PutObject", { ...object, Body: Buffer.from("old") });
  await clock.advance(3 * DAY);
  await runLifecycles(ctx);
  assert.equal((await ctx.call("s3", "HeadObject", object)).StorageClass, "GLACIER");
  await assert.rejects(ctx.call("s3", "GetObject", object), { code: "InvalidObjectState" });
});
