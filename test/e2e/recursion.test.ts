import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { SQS, type Message } from "@aws-sdk/client-sqs";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

/** Hands its event on to where it came from. */
const ROUND =
  "const { Lambda } = require('@aws-sdk/client-lambda'); const { SQS } = require('@aws-sdk/client-sqs'); " +
  "const { S3 } = require('@aws-sdk/client-s3'); let n = 0; exports.handler = async (e) => { n++; " +
  "if (e.trace) return process.env._X_AMZN_TRACE_ID; " +
  "const record = e.Records?.[0]; " +
  "if (record?.s3) await new S3({}).putObject({ Bucket: record.s3.bucket.name, Key: 'k' + n, Body: 'x' }); " +
  "else if (record) await new SQS({}).sendMessage({ QueueUrl: record.body, MessageBody: record.body }); " +
  "else await new Lambda({}).invoke({ FunctionName: process.env.AWS_LAMBDA_FUNCTION_NAME, InvocationType: 'Event', Payload: '{}' }); }";

describe("Functions that call themselves", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: FunctionKit;
  let lambda: FunctionKit["lambda"];
  let sqs: SQS;
  let dead: { url: string; arn: string };
  before(async () => {
    platform = await startPlatform();
    kit = await functionKit(platform.client);
    ({ lambda } = kit);
    sqs = new SQS(platform.client);
    const all = { Effect: "Allow", Action: ["lambda:*", "sqs:*", "s3:*"], Resource: "*" };
    await new IAM(platform.client).putRolePolicy({
      RoleName: "fn",
      PolicyName: "all",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [all] }),
    });
    dead = await queue("dead");
  });
  after(() => platform?.stop());

  async function queue(QueueName: string, Attributes = {}) {
    const { QueueUrl } = await sqs.createQueue({ QueueName, Attributes });
    return { url: QueueUrl!, arn: `arn:aws:sqs:us-east-1:000000000000:${QueueName}` };
  }
  /** Waits for the message that says that the chain was ended, and counts its calls. */
  async function ended(name: string): Promise<number> {
    let Messages: Message[] | undefined;
    for (let tries = 0; tries < 3 && !Messages?.length; tries++)
      ({ Messages } = await sqs.receiveMessage({ QueueUrl: dead.url, WaitTimeSeconds: 20 }));
    assert.equal(Messages?.length, 1);
    await sqs.deleteMessage({ QueueUrl: dead.url, ReceiptHandle: Messages[0]!.ReceiptHandle! });
    assert.ok((await sum(name, "RecursiveInvocationsDropped")) >= 1);
    return sum(name, "Invocations");
  }
  async function sum(name: string, MetricName: string): Promise<number> {
    const { Datapoints = [] } = await new CloudWatch(platform.client).getMetricStatistics({
      Namespace: "AWS/Lambda",
      MetricName,
      Dimensions: [{ Name: "FunctionName", Value: name }],
      StartTime: new Date(Date.now() - 3600_000),
      EndTime: new Date(Date.now() + 3600_000),
      Period: 86_400,
      Statistics: ["Sum"],
    });
    return Datapoints.reduce((total, { Sum = 0 }) => total + Sum, 0);
  }
  const create = () => kit.create({ "index.js": ROUND }, { Timeout: 5, MemorySize: 256 });

  test("one that calls itself is called sixteen times", async () => {
    const f = await create();
    await lambda.updateFunctionConfiguration({ FunctionName: f, DeadLetterConfig: { TargetArn: dead.arn } });
    await lambda.invoke({ FunctionName: f, InvocationType: "Event", Payload: "{}" });
    assert.equal(await ended(f), 16);
  });

  test("by a queue too", async () => {
    const f = await create();
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
    const loop = await queue("loop", { RedrivePolicy, VisibilityTimeout: "5" });
    await lambda.createEventSourceMapping({ FunctionName: f, EventSourceArn: loop.arn, BatchSize: 1 });
    await sqs.sendMessage({ QueueUrl: loop.url, MessageBody: loop.url });
    assert.equal(await ended(f), 16);
  });

  test("by a bucket too", async () => {
    const f = await create();
    await lambda.updateFunctionConfiguration({ FunctionName: f, DeadLetterConfig: { TargetArn: dead.arn } });
    await lambda.addPermission({
      FunctionName: f,
      StatementId: "s3",
      Action: "lambda:InvokeFunction",
      Principal: "s3.amazonaws.com",
    });
    const s3 = new S3(platform.client);
    await s3.createBucket({ Bucket: "loop" });
    const LambdaFunctionArn = `arn:aws:lambda:us-east-1:000000000000:function:${f}`;
    await s3.putBucketNotificationConfiguration({
      Bucket: "loop",
      NotificationConfiguration: {
        LambdaFunctionConfigurations: [{ LambdaFunctionArn, Events: ["s3:ObjectCreated:*"] }],
      },
    });
    await s3.putObject({ Bucket: "loop", Key: "k", Body: "x" });
    assert.equal(await ended(f), 16);
  });

  test("a caller who waits is told; a function may be allowed to go on", async () => {
    const f = await create();
    const trace = (await kit.call(f, { trace: true })).value as string;
    assert.match(trace, /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=[0-9a-f]{8}:0$/);
    const far = trace.replace(/:0$/, ":15");
    lambda.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers["X-Amzn-Trace-Id"] = far;
        return next(args);
      },
      { step: "build", name: "trace" },
    );
    await assert.rejects(kit.call(f, { trace: true }), { name: "RecursiveInvocationException" });
    assert.equal((await lambda.getFunctionRecursionConfig({ FunctionName: f })).RecursiveLoop, "Terminate");
    await lambda.putFunctionRecursionConfig({ FunctionName: f, RecursiveLoop: "Allow" });
    assert.equal((await kit.call(f, { trace: true })).value, trace.replace(/:0$/, ":16"));
    lambda.middlewareStack.remove("trace");
  });
});
