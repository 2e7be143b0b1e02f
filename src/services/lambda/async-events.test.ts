import assert from "node:assert/strict";
import { test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { SQS } from "@aws-sdk/client-sqs";
import { trust } from "../../../test/support/stacks.ts";
import { startTestApp } from "../../../test/support/test-app.ts";
import { zip } from "../../../test/support/zip.ts";

const FN = "arn:aws:lambda:us-east-1:000000000000:function:f";
const DIMENSIONS: Record<string, string>[] = [{}, { FunctionName: "f" }, { FunctionName: "f", Resource: "f" }];
const queueArn = (name: string): string => `arn:aws:sqs:us-east-1:000000000000:${name}`;

test("an event that cannot be run is counted, and given up to destination and dead-letter queue with its trace", async () => {
  const app = await startTestApp();
  try {
    const lambda = new Lambda(app.client);
    const sqs = new SQS(app.client);
    const iam = new IAM(app.client);
    const { Role } = await iam.createRole({ RoleName: "f", AssumeRolePolicyDocument: JSON.stringify(trust) });
    const statement = { Effect: "Allow", Action: "sqs:*", Resource: "*" };
    await iam.putRolePolicy({
      RoleName: "f",
      PolicyName: "all",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
    });
    const failed = (await sqs.createQueue({ QueueName: "failed" })).QueueUrl!;
    const dead = (await sqs.createQueue({ QueueName: "dead" })).QueueUrl!;
    const FunctionName = "f";
    await lambda.createFunction({
      FunctionName,
      Handler: "index.handler",
      Runtime: "python3.12",
      Role: Role!.Arn!,
      Code: { ZipFile: await zip({ "index.py": "" }) },
      DeadLetterConfig: { TargetArn: queueArn("dead") },
    });
    for (const Resource of [FN.replace("us-east-1", "eu-west-1"), FN.replace("000000000000", "111111111111")])
      await assert.rejects(
        lambda.tagResource({ Resource, Tags: { a: "b" } }),
        /not reachable/,
        "no other's ARN names it",
      );
    await lambda.putFunctionConcurrency({ FunctionName, ReservedConcurrentExecutions: 0 });
    const DestinationConfig = { OnFailure: { Destination: queueArn("failed") } };
    await lambda.putFunctionEventInvokeConfig({ FunctionName, DestinationConfig });
    assert.equal((await lambda.invokeAsync({ FunctionName, InvokeArgs: '{"a":1}' })).Status, 202);

    const receive = async (QueueUrl: string) => {
      const all = { MessageSystemAttributeNames: ["All"], MessageAttributeNames: ["All"] } as const;
      const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 10, ...all } as never);
      assert.match(Messages[0]?.Attributes?.["AWSTraceHeader"] ?? "", /^Root=1-[^;]+;.*Lineage=[0-9a-f]{8}:0$/);
      return Messages[0]!;
    };
    const record = JSON.parse((await receive(failed)).Body!);
    assert.deepEqual(record, {
      version: "1.0",
      timestamp: record.timestamp,
      requestContext: {
        requestId: record.requestContext.requestId,
        functionArn: `${FN}:$LATEST`,
        condition: "ZeroReservedConcurrency",
        approximateInvokeCount: 0,
      },
      requestPayload: { a: 1 },
    });
    const letter = await receive(dead);
    assert.equal(letter.Body, '{"a":1}');
    assert.equal(letter.MessageAttributes?.["RequestID"]?.StringValue, record.requestContext.requestId);

    const metrics = new CloudWatch(app.client);
    const sum = async (MetricName: string, dimensions: Record<string, string>) => {
      const { Datapoints = [] } = await metrics.getMetricStatistics({
        Namespace: "AWS/Lambda",
        MetricName,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        StartTime: new Date(Date.now() - 3600_000),
        EndTime: new Date(Date.now() + 3600_000),
        Period: 3600,
        Statistics: ["SampleCount"],
      });
      return Datapoints.reduce((total, { SampleCount = 0 }) => total + SampleCount, 0);
    };
    for (const name of ["AsyncEventsReceived", "AsyncEventAge", "AsyncEventsDropped"])
      for (const dimensions of DIMENSIONS)
        assert.equal(await sum(name, dimensions), 1, `${name} ${JSON.stringify(dimensions)}`);
  } finally {
    await app.stop();
  }
});
