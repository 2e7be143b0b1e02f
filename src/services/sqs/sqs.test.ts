import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { SQS, type Message } from "@aws-sdk/client-sqs";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const ACCOUNT = "000000000000";
const arnOf = (name: string): string => `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`;

/** Looks until `look` answers something; a deadline ends a wait that has no end. */
async function soon<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, "waited too long");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const refused = (code: string, message?: RegExp) => (error: any) => {
  assert.equal(error.name, code, `${error.name}: ${error.message}`);
  if (message) assert.match(error.message, message);
  return true;
};

describe("SQS", () => {
  let app: TestApp;
  let sqs: SQS;
  let made = 0;
  before(async () => {
    app = await startTestApp();
    sqs = new SQS(app.client);
  });
  after(async () => {
    sqs.destroy();
    await app.stop();
  });
  const queue = async (Attributes: Record<string, string> = {}): Promise<{ QueueUrl: string; name: string }> => {
    const name = `q${made++}${Attributes["FifoQueue"] ? ".fifo" : ""}`;
    const { QueueUrl } = await sqs.createQueue({ QueueName: name, Attributes });
    return { QueueUrl: QueueUrl!, name };
  };
  const receive = async (QueueUrl: string, more: object = {}): Promise<Message[]> =>
    (await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, ...more })).Messages ?? [];
  const bodies = async (QueueUrl: string, more: object = {}): Promise<(string | undefined)[]> =>
    (await receive(QueueUrl, more)).map(({ Body }) => Body);

  describe("queues", () => {
    test("create, find, list, describe, change, delete", async () => {
      const { QueueUrl } = await sqs.createQueue({
        QueueName: "orders",
        Attributes: { VisibilityTimeout: "45" },
        tags: { team: "a" },
      });
      assert.equal(QueueUrl, `${app.endpoint}/${ACCOUNT}/orders`);
      assert.equal(
        (await sqs.createQueue({ QueueName: "orders", Attributes: { VisibilityTimeout: "45" } })).QueueUrl,
        QueueUrl,
      );
      await assert.rejects(
        sqs.createQueue({ QueueName: "orders", Attributes: { VisibilityTimeout: "46" } }),
        refused("QueueNameExists", /different value for attribute VisibilityTimeout/),
      );
      assert.equal((await sqs.getQueueUrl({ QueueName: "orders" })).QueueUrl, QueueUrl);
      assert.deepEqual((await sqs.listQueues({ QueueNamePrefix: "ord" })).QueueUrls, [QueueUrl]);
      const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["All"] });
      const { CreatedTimestamp, LastModifiedTimestamp, ...rest } = Attributes!;
      assert.match(`${CreatedTimestamp} ${LastModifiedTimestamp}`, /^\d{10} \d{10}$/);
      assert.deepEqual(rest, {
        ApproximateNumberOfMessages: "0",
        ApproximateNumberOfMessagesDelayed: "0",
        ApproximateNumberOfMessagesNotVisible: "0",
        DelaySeconds: "0",
        MaximumMessageSize: "1048576",
        MessageRetentionPeriod: "345600",
        QueueArn: arnOf("orders"),
        ReceiveMessageWaitTimeSeconds: "0",
        SqsManagedSseEnabled: "true",
        VisibilityTimeout: "45",
      });
      await sqs.setQueueAttributes({ QueueUrl, Attributes: { DelaySeconds: "3" } });
      const changed = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["DelaySeconds", "VisibilityTimeout"] });
      assert.deepEqual(changed.Attributes, { DelaySeconds: "3", VisibilityTimeout: "45" });
      await sqs.tagQueue({ QueueUrl, Tags: { stage: "x" } });
      await sqs.untagQueue({ QueueUrl, TagKeys: ["team"] });
      assert.deepEqual((await sqs.listQueueTags({ QueueUrl })).Tags, { stage: "x" });
      await sqs.deleteQueue({ QueueUrl });
      await assert.rejects(sqs.sendMessage({ QueueUrl, MessageBody: "x" }), refused("QueueDoesNotExist"));
    });

    test("what is no name and no attribute is refused in SQS's words", async () => {
      const create = (QueueName: string, Attributes: Record<string, string> = {}) =>
        sqs.createQueue({ QueueName, Attributes });
      await assert.rejects(create("no spaces"), refused("InvalidParameterValue", /1 to 80 in length/));
      await assert.rejects(
        create("not-fifo", { FifoQueue: "true" }),
        refused("InvalidParameterValue", /\.fifo suffix/),
      );
      await assert.rejects(
        create("n", { Nonsense: "1" }),
        refused("InvalidAttributeName", /Unknown Attribute Nonsense/),
      );
      await assert.rejects(
        create("n", { DelaySeconds: "901" }),
        refused("InvalidAttributeValue", /Invalid value for the parameter DelaySeconds/),
      );
      await assert.rejects(
        create("n", { DeduplicationScope: "queue" }),
        refused("InvalidAttributeName", /only when FifoQueue is set to true/),
      );
      await assert.rejects(
        create("n", { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf("none"), maxReceiveCount: 1 }) }),
        refused("InvalidParameterValue", /Dead letter target does not exist/),
      );
      await assert.rejects(create("n", { Policy: "nonsense" }), refused("InvalidAttributeValue"));
      await assert.rejects(create("n", { KmsMasterKeyId: "alias/mine" }), refused("NotImplemented", /KMS/));
    });

    test("pages of a list", async () => {
      for (const name of ["page-a", "page-b", "page-c"]) await sqs.createQueue({ QueueName: name });
      const first = await sqs.listQueues({ QueueNamePrefix: "page-", MaxResults: 2 });
      assert.equal(first.QueueUrls?.length, 2);
      const second = await sqs.listQueues({ QueueNamePrefix: "page-", MaxResults: 2, NextToken: first.NextToken! });
      assert.deepEqual([second.QueueUrls?.map((url) => url.slice(-6)), second.NextToken], [["page-c"], undefined]);
    });
  });

  describe("messages", () => {
    test("sent, received once, deleted; attributes and digests come back", async () => {
      const { QueueUrl } = await queue();
      const MessageAttributes = {
        color: { DataType: "String", StringValue: "blue" },
        size: { DataType: "Number.int", StringValue: "7" },
        raw: { DataType: "Binary", BinaryValue: Buffer.from([1, 2, 3]) },
      };
      const sent = await sqs.sendMessage({ QueueUrl, MessageBody: "hello", MessageAttributes });
      assert.equal(sent.MD5OfMessageBody, "5d41402abc4b2a76b9719d911017c592");
      const [message, ...others] = await receive(QueueUrl, {
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      });
      assert.equal(others.length, 0);
      assert.deepEqual([message?.Body, message?.MessageId], ["hello", sent.MessageId]);
      assert.equal(message?.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
      assert.deepEqual(Buffer.from(message?.MessageAttributes?.["raw"]?.BinaryValue ?? []), Buffer.from([1, 2, 3]));
      assert.equal(message?.Attributes?.ApproximateReceiveCount, "1");
      assert.match(message?.Attributes?.SentTimestamp ?? "", /^\d{13}$/);
      assert.deepEqual(await receive(QueueUrl), [], "it is in flight");
      const { Attributes } = await sqs.getQueueAttributes({
        QueueUrl,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      });
      assert.deepEqual(Attributes, { ApproximateNumberOfMessages: "0", ApproximateNumberOfMessagesNotVisible: "1" });
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message!.ReceiptHandle! });
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message!.ReceiptHandle! });
    });

    test("the digest of attributes is AWS's", async () => {
      const { QueueUrl } = await queue();
      const MessageAttributes = { timestamp: { DataType: "Number", StringValue: "1493147359900" } };
      const { MD5OfMessageAttributes } = await sqs.sendMessage({ QueueUrl, MessageBody: "test", MessageAttributes });
      // Recorded from AWS by several open test suites.
      assert.equal(MD5OfMessageAttributes, "235c5c510d26fb653d073faed50ae77c");
    });

    test("a message that is not deleted comes again after its visibility timeout, which can be changed", async () => {
      const { QueueUrl } = await queue({ VisibilityTimeout: "1" });
      await sqs.sendMessage({ QueueUrl, MessageBody: "again" });
      const [first] = await receive(QueueUrl);
      const [second] = await receive(QueueUrl, { WaitTimeSeconds: 5, MessageSystemAttributeNames: ["All"] });
      assert.equal(second?.Attributes?.ApproximateReceiveCount, "2");
      assert.notEqual(second?.ReceiptHandle, first?.ReceiptHandle);
      await sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle: second!.ReceiptHandle!, VisibilityTimeout: 0 });
      const [third] = await receive(QueueUrl);
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: third!.ReceiptHandle! });
      await assert.rejects(
        sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle: third!.ReceiptHandle!, VisibilityTimeout: 5 }),
        refused("InvalidParameterValue", /does not exist or is not available/),
      );
      await assert.rejects(
        sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle: third!.ReceiptHandle!, VisibilityTimeout: 43_201 }),
        refused("InvalidParameterValue", /43200/),
      );
      await assert.rejects(
        sqs.deleteMessage({ QueueUrl, ReceiptHandle: "nonsense" }),
        refused("ReceiptHandleIsInvalid"),
      );
    });

    test("a receiver that waits is woken by a send, at once; many wait side by side", async () => {
      const { QueueUrl } = await queue();
      const waiting = Array.from({ length: 5 }, () =>
        receive(QueueUrl, { WaitTimeSeconds: 20, MaxNumberOfMessages: 1 }),
      );
      const begun = Date.now();
      for (let i = 0; i < 5; i++) await sqs.sendMessage({ QueueUrl, MessageBody: `m${i}` });
      const got = (await Promise.all(waiting)).flat().map(({ Body }) => Body);
      assert.deepEqual(got.sort(), ["m0", "m1", "m2", "m3", "m4"]);
      assert.ok(Date.now() - begun < 3_000);
    });

    test("a delay holds a message back, and a receiver that waits gets it when it is over", async () => {
      const { QueueUrl } = await queue();
      await sqs.sendMessage({ QueueUrl, MessageBody: "later", DelaySeconds: 1 });
      assert.deepEqual(await bodies(QueueUrl), []);
      assert.deepEqual(await bodies(QueueUrl, { WaitTimeSeconds: 5 }), ["later"]);
    });

    test("batches: each entry has an answer of its own", async () => {
      const { QueueUrl } = await queue({ MaximumMessageSize: "1024" });
      const sent = await sqs.sendMessageBatch({
        QueueUrl,
        Entries: [
          { Id: "a", MessageBody: "1" },
          { Id: "b", MessageBody: "x".repeat(1025) },
        ],
      });
      assert.deepEqual(
        sent.Successful?.map(({ Id }) => Id),
        ["a"],
      );
      assert.deepEqual([sent.Failed?.[0]?.Id, sent.Failed?.[0]?.Code], ["b", "InvalidParameterValue"]);
      const [message] = await receive(QueueUrl);
      const changed = await sqs.changeMessageVisibilityBatch({
        QueueUrl,
        Entries: [
          { Id: "1", ReceiptHandle: message!.ReceiptHandle!, VisibilityTimeout: 60 },
          { Id: "2", ReceiptHandle: "x", VisibilityTimeout: 60 },
        ],
      });
      assert.deepEqual([changed.Successful?.[0]?.Id, changed.Failed?.[0]?.Code], ["1", "ReceiptHandleIsInvalid"]);
      const gone = await sqs.deleteMessageBatch({
        QueueUrl,
        Entries: [{ Id: "1", ReceiptHandle: message!.ReceiptHandle! }],
      });
      assert.equal(gone.Successful?.length, 1);
      const entries = (n: number, Id?: string) =>
        Array.from({ length: n }, (_, i) => ({ Id: Id ?? `e${i}`, MessageBody: "x" }));
      const batch = (Entries: { Id: string; MessageBody: string }[]) => sqs.sendMessageBatch({ QueueUrl, Entries });
      await assert.rejects(batch(entries(11)), refused("TooManyEntriesInBatchRequest", /You have sent 11/));
      await assert.rejects(batch([]), refused("EmptyBatchRequest"));
      await assert.rejects(batch(entries(2, "same")), refused("BatchEntryIdsNotDistinct"));
      await assert.rejects(batch(entries(1, "no spaces")), refused("InvalidBatchEntryId"));
      const big = Array.from({ length: 2 }, (_, i) => ({ Id: `${i}`, MessageBody: "x".repeat(600_000) }));
      await assert.rejects(batch(big), refused("BatchRequestTooLong", /longer than 1048576 bytes/));
    });

    test("limits: size, text, attributes, numbers", async () => {
      const { QueueUrl } = await queue();
      const send = (more: object) => sqs.sendMessage({ QueueUrl, MessageBody: "x", ...more });
      await send({ MessageBody: "x".repeat(1_048_576) });
      await assert.rejects(
        send({ MessageBody: "x".repeat(1_048_577) }),
        refused("InvalidParameterValue", /shorter than 1048576 bytes/),
      );
      await assert.rejects(send({ MessageBody: "" }), refused("MissingParameter", /MessageBody/));
      await assert.rejects(send({ MessageBody: "\u0001" }), refused("InvalidParameterValue", /Invalid characters/));
      await assert.rejects(
        send({ MessageAttributes: { a: { DataType: "String", StringValue: "" } } }),
        refused("InvalidParameterValue", /must contain a non-empty value of type 'String'/),
      );
      await assert.rejects(
        sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 11 }),
        refused("InvalidParameterValue", /Must be between 1 and 10/),
      );
      await assert.rejects(
        sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 21 }),
        refused("InvalidParameterValue", /<= 20/),
      );
    });

    test("purge empties a queue, once a minute", async () => {
      const { QueueUrl } = await queue();
      await sqs.sendMessage({ QueueUrl, MessageBody: "x" });
      await sqs.purgeQueue({ QueueUrl });
      assert.deepEqual(await bodies(QueueUrl), []);
      await assert.rejects(sqs.purgeQueue({ QueueUrl }), refused("PurgeQueueInProgress", /every 60 seconds/));
    });
  });

  describe("FIFO queues", () => {
    const fifo = { FifoQueue: "true", ContentBasedDeduplication: "true" };

    test("a group is handed out in order, and waits for what is in flight; other groups do not", async () => {
      const { QueueUrl } = await queue(fifo);
      const numbers: string[] = [];
      for (const [MessageGroupId, MessageBody] of [
        ["a", "a1"],
        ["a", "a2"],
        ["b", "b1"],
        ["a", "a3"],
      ] as const)
        numbers.push(String((await sqs.sendMessage({ QueueUrl, MessageGroupId, MessageBody })).SequenceNumber));
      assert.deepEqual(numbers, numbers.toSorted());
      assert.equal(numbers[0]?.length, 20);
      const [first] = await receive(QueueUrl, { MaxNumberOfMessages: 1, MessageSystemAttributeNames: ["All"] });
      assert.deepEqual([first?.Body, first?.Attributes?.MessageGroupId], ["a1", "a"]);
      assert.deepEqual(await bodies(QueueUrl), ["b1"]);
      assert.deepEqual(await bodies(QueueUrl), []);
      const waits = bodies(QueueUrl, { WaitTimeSeconds: 10 });
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: first!.ReceiptHandle! });
      assert.deepEqual(await waits, ["a2", "a3"]);
    });

    test("what was seen in the last five minutes is accepted and dropped, also after it was deleted", async () => {
      const { QueueUrl } = await queue({ FifoQueue: "true" });
      const send = (MessageBody: string, MessageDeduplicationId: string) =>
        sqs.sendMessage({ QueueUrl, MessageBody, MessageGroupId: "g", MessageDeduplicationId });
      const first = await send("one", "1");
      const same = await send("two", "1");
      assert.deepEqual([same.MessageId, same.SequenceNumber], [first.MessageId, first.SequenceNumber]);
      const [message, ...others] = await receive(QueueUrl);
      assert.deepEqual([message?.Body, others.length], ["one", 0]);
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message!.ReceiptHandle! });
      await send("three", "1");
      await send("four", "2");
      assert.deepEqual(await bodies(QueueUrl), ["four"]);
    });

    test("high throughput: ids are told apart within their group", async () => {
      const { QueueUrl } = await queue({
        ...fifo,
        DeduplicationScope: "messageGroup",
        FifoThroughputLimit: "perMessageGroupId",
      });
      for (const MessageGroupId of ["a", "b", "a"])
        await sqs.sendMessage({ QueueUrl, MessageGroupId, MessageBody: "x" });
      assert.equal((await receive(QueueUrl)).length, 2);
    });

    test("what a FIFO queue refuses", async () => {
      const { QueueUrl } = await queue({ FifoQueue: "true", VisibilityTimeout: "1" });
      const send = (more: object) => sqs.sendMessage({ QueueUrl, MessageBody: "x", ...more });
      await assert.rejects(send({}), refused("MissingParameter", /MessageGroupId/));
      await assert.rejects(
        send({ MessageGroupId: "g" }),
        refused("InvalidParameterValue", /ContentBasedDeduplication/),
      );
      await assert.rejects(
        send({ MessageGroupId: "g", MessageDeduplicationId: "a b" }),
        refused("InvalidParameterValue", /alphanumeric and punctuation/),
      );
      await assert.rejects(
        send({ MessageGroupId: "g", MessageDeduplicationId: "1", DelaySeconds: 2 }),
        refused("InvalidParameterValue", /not valid for this queue type/),
      );
      await send({ MessageGroupId: "g", MessageDeduplicationId: "1" });
      const [message] = await receive(QueueUrl);
      const [again] = await receive(QueueUrl, { WaitTimeSeconds: 5, VisibilityTimeout: 0 });
      assert.equal(again?.Body, "x");
      await assert.rejects(
        sqs.deleteMessage({ QueueUrl, ReceiptHandle: again!.ReceiptHandle! }),
        refused("InvalidParameterValue", /receipt handle has expired/),
      );
      assert.ok(message);
    });
  });

  describe("dead letters", () => {
    const pair = async (more: Record<string, string> = {}) => {
      const dead = await queue(more);
      const source = await queue({
        ...more,
        VisibilityTimeout: "0",
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(dead.name), maxReceiveCount: 2 }),
      });
      return { dead, source };
    };

    test("a message that was received too often goes to the dead-letter queue, and says where it came from", async () => {
      const { dead, source } = await pair();
      const { MessageId } = await sqs.sendMessage({ QueueUrl: source.QueueUrl, MessageBody: "poison" });
      assert.deepEqual(await bodies(source.QueueUrl), ["poison"]);
      assert.deepEqual(await bodies(source.QueueUrl), ["poison"]);
      assert.deepEqual(await bodies(source.QueueUrl), []);
      const [message] = await receive(dead.QueueUrl, { MessageSystemAttributeNames: ["All"] });
      assert.deepEqual([message?.Body, message?.MessageId], ["poison", MessageId]);
      assert.equal(message?.Attributes?.DeadLetterQueueSourceArn, arnOf(source.name));
      assert.equal(message?.Attributes?.ApproximateReceiveCount, "3");
      const { queueUrls } = await sqs.listDeadLetterSourceQueues({ QueueUrl: dead.QueueUrl });
      assert.deepEqual(queueUrls, [source.QueueUrl]);
    });

    test("a move task brings them back", async () => {
      const { dead, source } = await pair();
      for (const MessageBody of ["1", "2"]) await sqs.sendMessage({ QueueUrl: source.QueueUrl, MessageBody });
      for (let i = 0; i < 3; i++) await receive(source.QueueUrl);
      await sqs.startMessageMoveTask({ SourceArn: arnOf(dead.name) });
      const task = await soon(async () => {
        const { Results } = await sqs.listMessageMoveTasks({ SourceArn: arnOf(dead.name) });
        return Results?.[0]?.Status === "COMPLETED" ? Results[0] : undefined;
      });
      assert.deepEqual([task.ApproximateNumberOfMessagesMoved, task.ApproximateNumberOfMessagesToMove], [2, 2]);
      assert.deepEqual((await bodies(source.QueueUrl)).sort(), ["1", "2"]);
    });

    test("a move task with a rate can be cancelled; what SQS refuses of tasks", async () => {
      const { dead, source } = await pair();
      for (let i = 0; i < 5; i++) await sqs.sendMessage({ QueueUrl: dead.QueueUrl, MessageBody: `${i}` });
      const SourceArn = arnOf(dead.name);
      const { TaskHandle } = await sqs.startMessageMoveTask({
        SourceArn,
        DestinationArn: arnOf(source.name),
        MaxNumberOfMessagesPerSecond: 1,
      });
      await assert.rejects(
        sqs.startMessageMoveTask({ SourceArn }),
        refused("InvalidParameterValue", /already a task running/),
      );
      await sqs.cancelMessageMoveTask({ TaskHandle: TaskHandle! });
      const status = await soon(async () => {
        const { Results } = await sqs.listMessageMoveTasks({ SourceArn });
        return Results?.[0]?.Status === "CANCELLED" ? Results[0].Status : undefined;
      });
      assert.equal(status, "CANCELLED");
      await assert.rejects(
        sqs.startMessageMoveTask({ SourceArn: arnOf(source.name) }),
        refused("InvalidParameterValue", /must be configured as a Dead Letter Queue/),
      );
      await assert.rejects(
        sqs.startMessageMoveTask({ SourceArn: arnOf("none") }),
        refused("ResourceNotFoundException"),
      );
      await assert.rejects(sqs.cancelMessageMoveTask({ TaskHandle: "x" }), refused("InvalidParameterValue"));
    });

    test("a queue may refuse to be the dead-letter queue of others", async () => {
      const dead = await queue({ RedriveAllowPolicy: JSON.stringify({ redrivePermission: "denyAll" }) });
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(dead.name), maxReceiveCount: 1 });
      await assert.rejects(queue({ RedrivePolicy }), refused("InvalidParameterValue", /not allowed/));
    });
  });

  describe("who may", () => {
    test("a queue's policy lets a user in, and AddPermission writes one", async () => {
      const iam = new IAM(app.client);
      const { User } = await iam.createUser({ UserName: "reader" });
      const { AccessKey } = await iam.createAccessKey({ UserName: "reader" });
      const other = new SQS(
        app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }),
      );
      const { QueueUrl, name } = await queue();
      await assert.rejects(other.sendMessage({ QueueUrl, MessageBody: "x" }), refused("AccessDeniedException"));
      const Statement = [
        { Effect: "Allow", Principal: { AWS: User!.Arn }, Action: "sqs:SendMessage", Resource: arnOf(name) },
      ];
      await sqs.setQueueAttributes({
        QueueUrl,
        Attributes: { Policy: JSON.stringify({ Version: "2012-10-17", Statement }) },
      });
      await other.sendMessage({ QueueUrl, MessageBody: "x" });
      await assert.rejects(other.receiveMessage({ QueueUrl }), refused("AccessDeniedException"));
      other.destroy();
      await sqs.addPermission({ QueueUrl, Label: "all", AWSAccountIds: [ACCOUNT], Actions: ["ReceiveMessage"] });
      await assert.rejects(
        sqs.addPermission({ QueueUrl, Label: "all", AWSAccountIds: [ACCOUNT], Actions: ["*"] }),
        refused("InvalidParameterValue", /Already exists/),
      );
      const policy = async () => {
        const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["Policy"] });
        return JSON.parse(Attributes?.Policy ?? "{}").Statement as { Sid?: string; Action: string }[];
      };
      assert.equal((await policy()).find(({ Sid }) => Sid === "all")?.Action, "SQS:ReceiveMessage");
      await sqs.removePermission({ QueueUrl, Label: "all" });
      assert.equal((await policy()).length, 1);
      await assert.rejects(
        sqs.removePermission({ QueueUrl, Label: "all" }),
        refused("InvalidParameterValue", /can't find label/),
      );
    });

    test("a bucket's notifications reach a queue that lets S3 in, with a test event first", async () => {
      const s3 = new S3({ ...app.client, forcePathStyle: true });
      const Bucket = "to-a-queue";
      await s3.createBucket({ Bucket });
      const { QueueUrl, name } = await queue();
      const configure = (QueueArn: string) =>
        s3.putBucketNotificationConfiguration({
          Bucket,
          NotificationConfiguration: { QueueConfigurations: [{ QueueArn, Events: ["s3:ObjectCreated:*"] }] },
        });
      await assert.rejects(configure(arnOf("none")), (error: any) => {
        assert.match(error.message, /^Unable to validate the following destination configurations/);
        assert.equal(error.ArgumentValue1, "The destination queue does not exist");
        return true;
      });
      await assert.rejects(configure(arnOf(name)), (error: any) =>
        /do not allow S3 to publish/.test(error.ArgumentValue1),
      );
      const Statement = [
        {
          Effect: "Allow",
          Principal: { Service: "s3.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: arnOf(name),
          Condition: {
            ArnLike: { "aws:SourceArn": `arn:aws:s3:*:*:${Bucket}` },
            StringEquals: { "aws:SourceAccount": ACCOUNT },
          },
        },
      ];
      await sqs.setQueueAttributes({
        QueueUrl,
        Attributes: { Policy: JSON.stringify({ Version: "2012-10-17", Statement }) },
      });
      await configure(arnOf(name));
      const [hello] = await bodies(QueueUrl);
      assert.equal(JSON.parse(hello!).Event, "s3:TestEvent");
      await s3.putObject({ Bucket, Key: "k", Body: "x" });
      const [told] = await bodies(QueueUrl, { WaitTimeSeconds: 10 });
      assert.equal(JSON.parse(told!).Records[0].s3.object.key, "k");
      s3.destroy();
    });
  });
});
