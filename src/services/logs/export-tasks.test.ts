import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { CloudWatchLogs, type ExportTask } from "@aws-sdk/client-cloudwatch-logs";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let logs: CloudWatchLogs;
let s3: S3;
before(async () => {
  app = await startTestApp();
  logs = new CloudWatchLogs(app.client);
  s3 = new S3({ ...app.client, forcePathStyle: true });
});
after(() => app.stop());

async function ended(taskId: string): Promise<ExportTask> {
  for (const until = Date.now() + 10_000; ;) {
    const [task] = (await logs.describeExportTasks({ taskId })).exportTasks!;
    if (task && !/^(PENDING|RUNNING)$/.test(task.status!.code!)) return task;
    assert.ok(Date.now() < until, "the export did not end");
  }
}

test("a group's events are copied to a bucket that lets CloudWatch Logs write", async () => {
  const [logGroupName, destination] = ["exported", "exports"];
  await logs.createLogGroup({ logGroupName });
  const now = Date.now();
  for (const logStreamName of ["a/b", "c"]) {
    await logs.createLogStream({ logGroupName, logStreamName });
    const logEvents = [1, 2].map((n) => ({ timestamp: now + n, message: `${logStreamName} ${n}` }));
    await logs.putLogEvents({ logGroupName, logStreamName, logEvents });
  }
  const task = { logGroupName, from: now - 1000, to: now + 1, destination };
  await assert.rejects(logs.createExportTask(task), {
    name: "InvalidParameterException",
    message: "The given bucket does not exist. Please make sure the bucket is valid.",
  });
  await s3.createBucket({ Bucket: destination });
  await assert.rejects(logs.createExportTask(task), { message: /^GetBucketAcl call on the given bucket failed\./ });
  const allow = (Action: string, Resource: string) => ({
    Effect: "Allow",
    Principal: { Service: "logs.us-east-1.amazonaws.com" },
    Action,
    Resource,
  });
  const Statement = [allow("s3:GetBucketAcl", "arn:aws:s3:::exports"), allow("s3:PutObject", "arn:aws:s3:::exports/*")];
  await s3.putBucketPolicy({ Bucket: destination, Policy: JSON.stringify({ Version: "2012-10-17", Statement }) });
  await assert.rejects(logs.createExportTask({ ...task, logGroupName: "none" }), { name: "ResourceNotFoundException" });
  const { taskId } = await logs.createExportTask({ ...task, taskName: "t" });
  const done = await ended(taskId!);
  assert.deepEqual([done.status?.code, done.taskName, done.destinationPrefix], ["COMPLETED", "t", "exportedlogs"]);
  const { Contents } = await s3.listObjectsV2({ Bucket: destination });
  assert.deepEqual(Contents!.map((o) => o.Key!.replace(taskId!, "<id>")).sort(), [
    "aws-logs-write-test",
    "exportedlogs/<id>/a-b/000000.gz",
    "exportedlogs/<id>/c/000000.gz",
  ]);
  const { Body } = await s3.getObject({ Bucket: destination, Key: `exportedlogs/${taskId}/a-b/000000.gz` });
  const text = gunzipSync(await Body!.transformToByteArray()).toString();
  assert.equal(text, `${new Date(now + 1).toISOString()} a/b 1\n`);
  await assert.rejects(logs.cancelExportTask({ taskId: taskId! }), { name: "InvalidOperationException" });
  await assert.rejects(logs.cancelExportTask({ taskId: "none" }), {
    name: "ResourceNotFoundException",
    message: "The specified export task does not exist.",
  });
});
