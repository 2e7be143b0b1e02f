import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import * as L from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { SQS, type Message } from "@aws-sdk/client-sqs";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { openStacks } from "../support/stacks.ts";
import { until } from "../support/starling.ts";
import { zip } from "../support/zip.ts";

const arnOf = (queue: string): string => `arn:aws:sqs:us-east-1:000000000000:${queue}`;

/** Sends what it gets to the queue OUT, and fails as the messages ask it to. */
const ECHO = `
import { SQS } from "@aws-sdk/client-sqs";
const sqs = new SQS({ useQueueUrlAsEndpoint: false });
export const handler = async (event) => {
  const bodies = (event.Records ?? []).map((r) => r.body);
  await sqs.sendMessage({ QueueUrl: process.env.OUT, MessageBody: JSON.stringify(event) });
  if (event.fail || bodies.includes("fail all")) throw new Error("as asked");
  const bad = event.Records?.filter((r) => r.body.startsWith("fail")) ?? [];
  return { batchItemFailures: bad.map((r) => ({ itemIdentifier: r.messageId })) };
};`;

describe("event sources", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let lambda: L.Lambda;
  let sqs: SQS;
  let iam: IAM;
  let role: string;
  let n = 0;

  before(async () => {
    platform = await startPlatform();
    [lambda, sqs, iam] = [new L.Lambda(platform.client), new SQS(platform.client), new IAM(platform.client)];
    role = await makeRole("reader", ["AWSLambdaSQSQueueExecutionRole"]);
    const Statement = [{ Effect: "Allow", Action: "sqs:SendMessage", Resource: "*" }];
    await iam.putRolePolicy({
      RoleName: "reader",
      PolicyName: "send",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
    });
  });
  after(async () => {
    sqs?.destroy();
    await platform?.stop();
  });

  async function makeRole(RoleName: string, policies: readonly string[]): Promise<string> {
    const Statement = [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }];
    const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument });
    for (const policy of policies)
      await iam.attachRolePolicy({ RoleName, PolicyArn: `arn:aws:iam::aws:policy/service-role/${policy}` });
    return Role!.Arn!;
  }

  const queue = async (Attributes: Record<string, string> = {}) => {
    const name = `source${n++}${Attributes["FifoQueue"] ? ".fifo" : ""}`;
    const { QueueUrl } = await sqs.createQueue({ QueueName: name, Attributes });
    return { QueueUrl: QueueUrl!, name };
  };

  /** A function and the queue that it tells what it got. */
  async function echo(options: Partial<L.CreateFunctionCommandInput> = {}) {
    const out = await queue();
    const FunctionName = `echo${n++}`;
    await lambda.createFunction({
      FunctionName,
      Role: role,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code: { ZipFile: await zip({ "index.mjs": ECHO }) },
      Environment: { Variables: { OUT: out.QueueUrl } },
      Timeout: 10,
      ...options,
    });
    return { FunctionName, out: out.QueueUrl };
  }

  const receive = async (QueueUrl: string): Promise<Message[]> => {
    const more = { MaxNumberOfMessages: 10, WaitTimeSeconds: 10, MessageAttributeNames: ["All"] };
    const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, ...more });
    for (const { ReceiptHandle } of Messages) await sqs.deleteMessage({ QueueUrl, ReceiptHandle: ReceiptHandle! });
    return Messages;
  };
  /** Events that the function has got, until there are `count`. */
  async function events(out: string, count: number): Promise<any[]> {
    const got: any[] = [];
    await until(async () => {
      got.push(...(await receive(out)).map(({ Body }) => JSON.parse(Body!)));
      return got.length >= count;
    }, 30_000);
    return got;
  }
  const counts = async (QueueUrl: string): Promise<number[]> => {
    const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
    const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: [...AttributeNames] });
    return AttributeNames.map((name) => Number(Attributes?.[name]));
  };
  const isEmpty = (QueueUrl: string) => until(async () => String(await counts(QueueUrl)) === "0,0", 20_000);

  test("a message in the queue calls the function with Lambda's record, and is deleted when that went well", async () => {
    const [source, { FunctionName, out }] = [await queue(), await echo()];
    const made = await lambda.createEventSourceMapping({ FunctionName, EventSourceArn: arnOf(source.name) });
    assert.deepEqual(
      [made.State, made.BatchSize, made.MaximumBatchingWindowInSeconds, made.StateTransitionReason],
      ["Creating", 10, 0, "USER_INITIATED"],
    );
    const { State } = await lambda.getEventSourceMapping({ UUID: made.UUID! });
    assert.equal(State, "Enabled");
    await sqs.sendMessage({
      QueueUrl: source.QueueUrl,
      MessageBody: "hello",
      MessageAttributes: { color: { DataType: "String", StringValue: "blue" } },
    });
    const [event] = await events(out, 1);
    const { messageId, receiptHandle, attributes, md5OfMessageAttributes, ...rest } = event.Records[0];
    assert.ok(messageId && receiptHandle && attributes.SentTimestamp && md5OfMessageAttributes);
    assert.deepEqual(rest, {
      body: "hello",
      messageAttributes: {
        color: { stringValue: "blue", stringListValues: [], binaryListValues: [], dataType: "String" },
      },
      md5OfBody: "5d41402abc4b2a76b9719d911017c592",
      eventSource: "aws:sqs",
      eventSourceARN: arnOf(source.name),
      awsRegion: "us-east-1",
    });
    await isEmpty(source.QueueUrl);
    await lambda.updateEventSourceMapping({ UUID: made.UUID!, Enabled: false });
    assert.equal((await lambda.getEventSourceMapping({ UUID: made.UUID! })).State, "Disabled");
    await sqs.sendMessage({ QueueUrl: source.QueueUrl, MessageBody: "later" });
    assert.deepEqual(await counts(source.QueueUrl), [1, 0], "nobody reads");
    await lambda.updateEventSourceMapping({ UUID: made.UUID!, Enabled: true });
    assert.equal((await events(out, 1))[0].Records[0].body, "later");
    assert.equal((await lambda.deleteEventSourceMapping({ UUID: made.UUID! })).State, "Deleting");
    await assert.rejects(lambda.getEventSourceMapping({ UUID: made.UUID! }), { name: "ResourceNotFoundException" });
  });

  test("what fails comes again and ends in the dead-letter queue; reported items alone, the others are done", async () => {
    const dead = await queue();
    const source = await queue({
      VisibilityTimeout: "10",
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(dead.name), maxReceiveCount: 1 }),
    });
    const { FunctionName, out } = await echo();
    await lambda.createEventSourceMapping({
      FunctionName,
      EventSourceArn: arnOf(source.name),
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      MaximumBatchingWindowInSeconds: 1,
    });
    await sqs.sendMessageBatch({
      QueueUrl: source.QueueUrl,
      Entries: ["good", "fail one"].map((MessageBody, i) => ({ Id: String(i), MessageBody })),
    });
    const got = await events(out, 1);
    assert.deepEqual(got[0].Records.map((r: any) => r.body).sort(), ["fail one", "good"]);
    const [letter] = await until(async () => {
      const found = await receive(dead.QueueUrl);
      return found.length > 0 && found;
    }, 40_000);
    assert.equal(letter?.Body, "fail one");
    await isEmpty(source.QueueUrl);
  });

  test("filters drop what meets none; a FIFO queue keeps the order of its groups", async () => {
    const source = await queue({ FifoQueue: "true", ContentBasedDeduplication: "true" });
    const { FunctionName, out } = await echo();
    await lambda.createEventSourceMapping({
      FunctionName,
      EventSourceArn: arnOf(source.name),
      BatchSize: 1,
      FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ body: { keep: [true] } }) }] },
    });
    for (const i of [1, 2, 3, 4])
      await sqs.sendMessage({
        QueueUrl: source.QueueUrl,
        MessageGroupId: "g",
        MessageBody: JSON.stringify({ i, keep: i !== 2 }),
      });
    const order = (await events(out, 3)).map((event) => JSON.parse(event.Records[0].body).i);
    assert.deepEqual(order, [1, 3, 4]);
    await isEmpty(source.QueueUrl);
  });

  test("a platform that is killed in the middle loses no message", async () => {
    const [source, { FunctionName, out }] = [await queue({ VisibilityTimeout: "10" }), await echo()];
    await lambda.createEventSourceMapping({ FunctionName, EventSourceArn: arnOf(source.name), BatchSize: 1 });
    for (let i = 0; i < 20; i++) await sqs.sendMessage({ QueueUrl: source.QueueUrl, MessageBody: `m${i}` });
    await platform.kill();
    await platform.restart();
    const seen = new Set<string>();
    await until(async () => {
      for (const { Body } of await receive(out)) seen.add(JSON.parse(Body!).Records[0].body);
      return seen.size === 20;
    }, 60_000);
    await isEmpty(source.QueueUrl);
  });

  test("what Lambda refuses of a mapping", async () => {
    const [source, { FunctionName }] = [await queue(), await echo()];
    const create = (more: object) =>
      lambda.createEventSourceMapping({ FunctionName, EventSourceArn: arnOf(source.name), ...more });
    const refused = (name: string, message: RegExp) => (error: any) => {
      assert.equal(error.name, name, error.message);
      assert.match(error.message, message);
      return true;
    };
    const invalid = (message: RegExp) => refused("InvalidParameterValueException", message);
    await assert.rejects(create({ EventSourceArn: undefined }), invalid(/^Unrecognized event source\.$/));
    await assert.rejects(create({ FunctionName: "none" }), invalid(/^Function does not exist$/));
    await assert.rejects(
      create({ EventSourceArn: arnOf("none") }),
      invalid(/^Error occurred while ReceiveMessage\. SQS Error Code: AWS\.SimpleQueueService\.NonExistentQueue/),
    );
    await assert.rejects(create({ BatchSize: 11 }), invalid(/^Maximum batch window in seconds must be greater than 0/));
    await assert.rejects(create({ ParallelizationFactor: 2 }), invalid(/Unsupported ParallelizationFactor parameter/));
    await assert.rejects(
      create({ DestinationConfig: { OnFailure: { Destination: arnOf("x") } } }),
      invalid(/^Unsupported DestinationConfig parameter for given event source mapping type\.$/),
    );
    await assert.rejects(
      create({ FilterCriteria: { Filters: [{ Pattern: "[" }] } }),
      invalid(/^Invalid filter pattern definition\.$/),
    );
    const narrow = await makeRole("narrow", ["AWSLambdaBasicExecutionRole"]);
    const other = await echo({ Role: narrow });
    await assert.rejects(
      create({ FunctionName: other.FunctionName }),
      invalid(/execution role does not have permissions to call ReceiveMessage on SQS/),
    );
    const slow = await echo({ Timeout: 60 });
    await assert.rejects(
      create({ FunctionName: slow.FunctionName }),
      invalid(/less than Function timeout: 60 seconds/),
    );
    const { UUID } = await create({});
    await assert.rejects(create({}), refused("ResourceConflictException", new RegExp(UUID!)));
    const { EventSourceMappings } = await lambda.listEventSourceMappings({ FunctionName });
    assert.deepEqual(
      EventSourceMappings?.map((m) => m.UUID),
      [UUID],
    );
  });

  test("an asynchronous event that is given up goes to the dead-letter queue and to its destination", async () => {
    const [dead, destination] = [await queue(), await queue()];
    const { FunctionName } = await echo({ DeadLetterConfig: { TargetArn: arnOf(dead.name) } });
    const { DeadLetterConfig } = await lambda.getFunctionConfiguration({ FunctionName });
    assert.deepEqual(DeadLetterConfig, { TargetArn: arnOf(dead.name) });
    await lambda.putFunctionEventInvokeConfig({
      FunctionName,
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: arnOf(destination.name) } },
    });
    await lambda.invoke({ FunctionName, InvocationType: "Event", Payload: JSON.stringify({ fail: true }) });
    const [letter] = await until(async () => {
      const found = await receive(dead.QueueUrl);
      return found.length > 0 && found;
    }, 30_000);
    assert.deepEqual(JSON.parse(letter!.Body!), { fail: true });
    const { RequestID, ErrorCode, ErrorMessage } = letter!.MessageAttributes ?? {};
    assert.deepEqual([ErrorCode?.StringValue, ErrorMessage?.StringValue], ["200", "as asked"]);
    const [told] = await receive(destination.QueueUrl);
    const { requestContext, requestPayload } = JSON.parse(told!.Body!);
    assert.equal(requestContext.requestId, RequestID?.StringValue);
    assert.deepEqual([requestContext.condition, requestPayload], ["RetriesExhausted", { fail: true }]);
  });

  test("asynchronous events of one function that takes its time do not keep those of another", async () => {
    const slow = `slow${n++}`;
    await lambda.createFunction({
      FunctionName: slow,
      Role: role,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code: {
        ZipFile: await zip({ "index.mjs": "export const handler = () => new Promise((r) => setTimeout(r, 200_000));" }),
      },
      Timeout: 300,
    });
    const { FunctionName, out } = await echo();
    await Promise.all(Array.from({ length: 80 }, () => lambda.invoke({ FunctionName: slow, InvocationType: "Event" })));
    await lambda.invoke({ FunctionName, InvocationType: "Event", Payload: '{"quick":1}' });
    assert.deepEqual(await events(out, 1), [{ quick: 1 }]);
    await lambda.deleteFunction({ FunctionName: slow });
  });

  test("a SAM template: a function with a queue and a bucket of the same template", async () => {
    const out = await queue();
    const template = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 30}}
  Files: {Type: AWS::S3::Bucket}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs24.x
      Handler: index.handler
      Timeout: 10
      InlineCode: |
        const { SQS } = require("@aws-sdk/client-sqs");
        const sqs = new SQS({ useQueueUrlAsEndpoint: false });
        exports.handler = (event) => sqs.sendMessage({ QueueUrl: "${out.QueueUrl}", MessageBody: JSON.stringify(event) });
      Policies: [{Statement: [{Effect: Allow, Action: "sqs:SendMessage", Resource: "*"}]}]
      Events:
        Order:
          Type: SQS
          Properties:
            Queue: !GetAtt Orders.Arn
            BatchSize: 5
            FunctionResponseTypes: [ReportBatchItemFailures]
        File:
          Type: S3
          Properties:
            Bucket: !Ref Files
            Events: s3:ObjectCreated:*
            Filter: {S3Key: {Rules: [{Name: prefix, Value: in/}]}}
Outputs:
  Orders: {Value: !Ref Orders}
  Files: {Value: !Ref Files}
`;
    const stacks = openStacks(platform.client);
    const Capabilities = ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const];
    const { StackStatus, StackStatusReason, Outputs } = await stacks.create("sources", template, { Capabilities });
    assert.equal(StackStatus, "CREATE_COMPLETE", StackStatusReason);
    const output = (name: string) => Outputs?.find((o) => o.OutputKey === name)?.OutputValue ?? "";
    await sqs.sendMessage({ QueueUrl: output("Orders"), MessageBody: "an order" });
    const s3 = new S3({ ...platform.client, forcePathStyle: true });
    for (const Key of ["out/b.txt", "in/a.txt"]) await s3.putObject({ Bucket: output("Files"), Key, Body: "x" });
    s3.destroy();
    const told = (await events(out.QueueUrl, 2)).map(({ Records: [r] }) => r.body ?? r.s3.object.key);
    assert.deepEqual(told.sort(), ["an order", "in/a.txt"]);
    await isEmpty(output("Orders"));
  });
});
