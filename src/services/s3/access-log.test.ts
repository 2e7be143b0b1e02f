import assert from "node:assert/strict";
import { test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp } from "../../../test/support/test-app.ts";
import { createContext } from "../../aws/context.ts";
import { deliverAccessLogs } from "./access-log.ts";

test("requests to a bucket are written down and delivered to the bucket that takes them", async (t) => {
  const app = await startTestApp();
  const s3 = new S3({ ...app.client, forcePathStyle: true });
  t.after(async () => {
    s3.destroy();
    await app.stop();
  });
  for (const Bucket of ["logged", "logs"]) await s3.createBucket({ Bucket });
  const to = (TargetBucket: string) => ({
    Bucket: "logged",
    BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: "log/" } },
  });
  await assert.rejects(s3.putBucketLogging(to("nowhere-at-all")), { name: "InvalidTargetBucketForLogging" });
  await s3.putBucketLogging(to("logs"));
  assert.equal((await s3.getBucketLogging({ Bucket: "logged" })).LoggingEnabled?.TargetPrefix, "log/");

  const { platform, registry } = app.running;
  const { account, region } = platform.settings;
  const principal = { kind: "root" as const, account, arn: `arn:aws:iam::${account}:root`, id: account };
  const ctx = createContext(platform, registry, { service: "s3", account, region, principal });
  const delivered = async (): Promise<string[]> => {
    await deliverAccessLogs(ctx);
    const { Contents } = await s3.listObjectsV2({ Bucket: "logs", Prefix: "log/" });
    return (Contents ?? []).map(({ Key }) => Key!);
  };
  await s3.putObject({ Bucket: "logged", Key: "lost", Body: "" });
  assert.deepEqual(await delivered(), [], "nothing says that the service may write there");

  const statement = {
    Effect: "Allow",
    Principal: { Service: "logging.s3.amazonaws.com" },
    Action: "s3:PutObject",
    Resource: "arn:aws:s3:::logs/log/*",
    Condition: { ArnLike: { "aws:SourceArn": "arn:aws:s3:::logged" } },
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await s3.putBucketPolicy({ Bucket: "logs", Policy });
  await s3.putObject({ Bucket: "logged", Key: "a b/ü", Body: "hello" });
  await (await s3.getObject({ Bucket: "logged", Key: "a b/ü", Range: "bytes=0-1" })).Body?.transformToString();
  await assert.rejects(s3.getObject({ Bucket: "logged", Key: "none" }));
  const [key, ...more] = await delivered();
  assert.match(key!, /^log\/\d{4}(-\d\d){5}-[0-9A-F]{16}$/);
  assert.deepEqual(more, []);
  const text = (await (await s3.getObject({ Bucket: "logs", Key: key! })).Body?.transformToString()) ?? "";
  const lines = text.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => / (REST\.\S+) (\S+) "(\S+) \S+ HTTP\/1.1" (\d+) (\S+) (\S+) (\S+) /.exec(line)?.slice(1)),
    [
      ["REST.PUT.OBJECT", "a%20b/%C3%BC", "PUT", "200", "-", "-", "-"],
      ["REST.GET.OBJECT", "a%20b/%C3%BC", "GET", "206", "-", "2", "5"],
      ["REST.GET.OBJECT", "none", "GET", "404", "NoSuchKey", "-", "-"],
    ],
  );
  await s3.putBucketLogging({ Bucket: "logged", BucketLoggingStatus: {} });
  assert.equal((await s3.getBucketLogging({ Bucket: "logged" })).LoggingEnabled, undefined);
});
