import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { S3 } from "@aws-sdk/client-s3";
import { arnOf, openSqsKit, type SqsKit } from "../../../../test/support/sqs-kit.ts";
import { openStacks } from "../../../../test/support/stacks.ts";

const ref = (id: string) => ({ Ref: id });
const arn = (id: string) => ({ "Fn::GetAtt": [id, "Arn"] });

const allow = (service: string, queue: string) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sqs:SendMessage", Resource: arn(queue) }],
});

/** A queue with its dead letters, which a bucket and an event rule send to. */
const template = (VisibilityTimeout: number | undefined, more: object = {}): string =>
  JSON.stringify({
    Resources: {
      Dead: { Type: "AWS::SQS::Queue" },
      Work: {
        Type: "AWS::SQS::Queue",
        Properties: {
          QueueName: "work",
          ...(VisibilityTimeout === undefined ? {} : { VisibilityTimeout }),
          RedrivePolicy: { deadLetterTargetArn: arn("Dead"), maxReceiveCount: 3 },
          Tags: [{ Key: "team", Value: "a" }],
        },
      },
      Told: { Type: "AWS::SQS::Queue", Properties: { FifoQueue: true, ContentBasedDeduplication: true } },
      WorkPolicy: {
        Type: "AWS::SQS::QueuePolicy",
        Properties: { Queues: [ref("Work")], PolicyDocument: allow("s3.amazonaws.com", "Work") },
      },
      ToldPolicy: {
        Type: "AWS::SQS::QueueInlinePolicy",
        Properties: { Queue: ref("Told"), PolicyDocument: allow("events.amazonaws.com", "Told") },
      },
      Files: {
        Type: "AWS::S3::Bucket",
        DependsOn: "WorkPolicy",
        Properties: {
          BucketName: "files-of-a-stack",
          NotificationConfiguration: {
            QueueConfigurations: [
              {
                Event: "s3:ObjectCreated:*",
                Queue: arn("Work"),
                Filter: { S3Key: { Rules: [{ Name: "suffix", Value: ".txt" }] } },
              },
            ],
          },
        },
      },
      Rule: {
        Type: "AWS::Events::Rule",
        DependsOn: "ToldPolicy",
        Properties: {
          EventPattern: { source: ["shop"] },
          Targets: [{ Id: "q", Arn: arn("Told"), SqsParameters: { MessageGroupId: "orders" } }],
        },
      },
    },
    Outputs: {
      Url: { Value: ref("Work") },
      Arn: { Value: arn("Work") },
      Name: { Value: { "Fn::GetAtt": ["Work", "QueueName"] } },
      Told: { Value: ref("Told") },
    },
    ...more,
  });

describe("AWS::SQS::Queue", () => {
  let kit: SqsKit;
  before(async () => {
    kit = await openSqsKit();
  });
  after(() => kit.stop());

  test("queues of a stack: made, told by a bucket and a rule, changed, removed", async () => {
    const stacks = openStacks(kit.app.client);
    const { StackId, StackStatus, Outputs = [] } = await stacks.create("queues", template(45));
    assert.equal(StackStatus, "CREATE_COMPLETE");
    const output = Object.fromEntries(Outputs.map((o) => [o.OutputKey, o.OutputValue!]));
    assert.deepEqual([output["Arn"], output["Name"]], [arnOf("work"), "work"]);
    const QueueUrl = output["Url"]!;
    assert.match(QueueUrl, /^http:\/\/localhost:\d+\/000000000000\/work$/);
    const attributes = async () =>
      (await kit.sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["All"] })).Attributes!;
    const { VisibilityTimeout, RedrivePolicy } = await attributes();
    assert.equal(VisibilityTimeout, "45");
    assert.match(JSON.parse(String(RedrivePolicy)).deadLetterTargetArn, /:queues-Dead-[A-Za-z0-9]{12}$/);
    assert.equal((await kit.sqs.listQueueTags({ QueueUrl })).Tags?.["team"], "a");

    const [hello] = await kit.bodies(QueueUrl, { WaitTimeSeconds: 10 });
    assert.equal(JSON.parse(String(hello)).Event, "s3:TestEvent");
    const s3 = new S3({ ...kit.app.client, forcePathStyle: true });
    for (const Key of ["a.txt", "b.bin"]) await s3.putObject({ Bucket: "files-of-a-stack", Key, Body: "x" });
    const [told] = await kit.bodies(QueueUrl, { WaitTimeSeconds: 10 });
    assert.equal(JSON.parse(String(told)).Records[0].s3.object.key, "a.txt");

    const events = new EventBridge(kit.app.client);
    await events.putEvents({ Entries: [{ Source: "shop", DetailType: "Order", Detail: JSON.stringify({ n: 1 }) }] });
    const [message] = await kit.receive(output["Told"]!, { WaitTimeSeconds: 10, MessageSystemAttributeNames: ["All"] });
    assert.equal(JSON.parse(message!.Body!).detail.n, 1);
    assert.equal(message?.Attributes?.MessageGroupId, "orders");

    assert.equal((await stacks.update("queues", template(undefined))).StackStatus, "UPDATE_COMPLETE");
    assert.equal((await attributes())["VisibilityTimeout"], "30");
    for (const Key of ["a.txt", "b.bin"]) await s3.deleteObject({ Bucket: "files-of-a-stack", Key });
    s3.destroy();
    events.destroy();
    const cloudformation = new CloudFormation(kit.app.client);
    await cloudformation.deleteStack({ StackName: "queues" });
    assert.equal((await stacks.ended(StackId!)).StackStatus, "DELETE_COMPLETE");
    assert.deepEqual((await kit.sqs.listQueues({})).QueueUrls, undefined);
  });
});
