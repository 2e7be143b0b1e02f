import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startTestApp } from "../../../test/support/test-app.ts";
import { createContext } from "../../aws/context.ts";
import { FakeClock } from "../../kernel/clock.ts";
import { runLifecycles } from "./expire.ts";
import { collectGarbage } from "./garbage.ts";
import { GARBAGE_GRACE_MS } from "./limits.ts";

describe("S3 garbage", () => {
  test("a blob goes when its last reference has been gone for a while, unless something else names it", async (t) => {
    const clock = new FakeClock(Date.now());
    const app = await startTestApp({ clock });
    t.after(() => app.stop());
    const { platform, registry } = app.running;
    const { account, region } = platform.settings;
    const ctx = createContext(platform, registry, {
      service: "s3",
      account,
      region,
      principal: { kind: "root", account, arn: `arn:aws:iam::${account}:root`, id: account },
    });
    await ctx.call("s3", "CreateBucket", {
      Bucket: "garbage",
      ...(region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region } }),
    });
    const put = async (Key: string, Body: string): Promise<string> => {
      Body = Body.repeat(2000);
      await ctx.call("s3", "PutObject", { Bucket: "garbage", Key, Body });
      return (await platform.blobs.put(Buffer.from(Body))).digest;
    };
    const twice = await put("a", "shared");
    await put("b", "shared");
    const once = await put("c", "only one");
    const named = await put("d", "code of a function");
    await ctx.records.write(ctx.records.put("holder", "x", { digest: named }));
    for (const Key of ["a", "c", "d"]) await ctx.call("s3", "DeleteObject", { Bucket: "garbage", Key });
    assert.equal(await collectGarbage(ctx), 0, "too early");
    await clock.advance(2 * GARBAGE_GRACE_MS);
    // The platform's own sweep is due as well, and whichever comes first removes it.
    await collectGarbage(ctx);
    for (let i = 0; i < 1000 && (await platform.blobs.has(once)); i++)
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await Promise.all([twice, once, named].map((digest) => platform.blobs.has(digest))), [
      true,
      false,
      true,
    ]);
    const { Body } = await ctx.call("s3", "GetObject", { Bucket: "garbage", Key: "b" });
    assert.ok(Body);
    (Body as unknown as { destroy(): void }).destroy();
  });
});

describe("S3 lifecycle", () => {
  test("rules expire objects, their old versions and uploads that were never completed", async (t) => {
    const DAY = 86_400_000;
    const clock = new FakeClock(Date.now());
    const app = await startTestApp({ clock });
    t.after(() => app.stop());
    const { platform, registry } = app.running;
    const { account } = platform.settings;
    const principal = { kind: "root" as const, account, arn: `arn:aws:iam::${account}:root`, id: account };
    const ctx = createContext(platform, registry, { service: "s3", account, region: "us-east-1", principal });
    const Bucket = "lifecycle";
    await ctx.call("s3", "CreateBucket", { Bucket });
    const Rules = [
      { Status: "Enabled", Filter: { Prefix: "logs/" }, Expiration: { Days: 1 } },
      { Status: "Enabled", Filter: {}, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
    ];
    await ctx.call("s3", "PutBucketLifecycleConfiguration", { Bucket, LifecycleConfiguration: { Rules } });
    for (const Key of ["logs/a", "kept"]) await ctx.call("s3", "PutObject", { Bucket, Key, Body: Buffer.from(Key) });
    await ctx.call("s3", "CreateMultipartUpload", { Bucket, Key: "never" });
    await runLifecycles(ctx);
    const keys = async () => (await ctx.call("s3", "ListObjectsV2", { Bucket })).Contents?.map(({ Key }) => Key);
    assert.deepEqual(await keys(), ["kept", "logs/a"]);
    await clock.advance(2 * DAY);
    await runLifecycles(ctx);
    assert.deepEqual(await keys(), ["kept"]);
    assert.deepEqual((await ctx.call("s3", "ListMultipartUploads", { Bucket })).Uploads, []);
  });
});
