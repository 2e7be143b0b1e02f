import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import type { SQS } from "@aws-sdk/client-sqs";
import { soon } from "../../../test/support/pipeline-kit.ts";
import { ACCOUNT, arnOf, openSqsKit, refused, type SqsKit } from "../../../test/support/sqs-kit.ts";

describe("SQS", () => {
  let kit: SqsKit;
  let sqs: SQS;
  before(async () => {
    kit = await openSqsKit();
    sqs = kit.sqs;
  });
  after(() => kit.stop());
  const queue = (attributes?: Record<string, string>) => kit.queue(attributes);
  const receive = (url: string, more?: object) => kit.receive(url, more);
  const bodies = (url: string, more?: object) => kit.bodies(url, more);

  describe("queues", () => {
    test("create, find, list, describe, change, delete", async () => {
      const { QueueUrl } = await sqs.createQueue({
        QueueName: "orders",
        Attributes: { VisibilityTimeout: "45" },
        tags: { team: "a" },
      });
      assert.equal(QueueUrl, `${kit.app.endpoint}/${ACCOUNT}/orders`);
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

    test("no queue is at an address that is none; the count of a redrive policy is a number", async () => {
      await assert.rejects(sqs.getQueueAttributes({ QueueUrl: "http://nowhere" }), (error: Error) => {
        assert.match(error.name, /QueueDoesNotExist|NonExistentQueue/);
        return true;
      });
      const { name } = await queue();
      const deadLetterTargetArn = `arn:aws:sqs:us-east-1:000000000000:${name}`;
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: "3" });
      const { QueueUrl } = await queue({ RedrivePolicy });
      const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["RedrivePolicy"] });
      assert.deepEqual(JSON.parse(Attributes!.RedrivePolicy!), { deadLetterTargetArn, maxReceiveCount: 3 });
      const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, "v"]));
      await assert.rejects(sqs.tagQueue({ QueueUrl, Tags: many }), /Too many tags added for queue [\w-]+\./);
    });

    test("a standard queue takes the handle of an earlier receive", async () => {
      const { QueueUrl } = await queue();
      await sqs.sendMessage({ QueueUrl, MessageBody: "x" });
      const [first] = await receive(QueueUrl, { VisibilityTimeout: 0 });
      assert.equal((await receive(QueueUrl, { VisibilityTimeout: 60 })).length, 1);
      await sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle: first!.ReceiptHandle!, VisibilityTimeout: 0 });
      assert.deepEqual(await bodies(QueueUrl), ["x"]);
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
      await assert.rejects(send({ MessageBody: "\u0001" }), refused("InvalidMessageContents", /Invalid characters/));
      const named = (name: string, StringValue: string) =>
        send({ MessageAttributes: { [name]: { DataType: "String", StringValue } } });
      await named("attr.1øßä", "x");
      await assert.rejects(named("Invalid-§-attr", "x"), refused("InvalidParameterValue"));
      await assert.rejects(named("a", "\u0008"), refused("InvalidParameterValue", /Invalid characters/));
      await sqs.setQueueAttributes({ QueueUrl, Attributes: { MaximumMessageSize: "1024" } });
      const batch = await sqs.sendMessageBatch({ QueueUrl, Entries: [{ Id: "1", MessageBody: "x".repeat(1025) }] });
      const reason = "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.";
      assert.equal(batch.Failed?.[0]?.Message, reason);
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

    test("CloudWatch hears of what was sent, received and deleted", async () => {
      const { QueueUrl, name } = await queue();
      await sqs.sendMessage({ QueueUrl, MessageBody: "four" });
      const [message] = await receive(QueueUrl);
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message!.ReceiptHandle! });
      const cloudwatch = new CloudWatch(kit.app.client);
      const sum = async (MetricName: string): Promise<number | undefined> => {
        const { Datapoints } = await cloudwatch.getMetricStatistics({
          Namespace: "AWS/SQS",
          MetricName,
          Dimensions: [{ Name: "QueueName", Value: name }],
          StartTime: new Date(Date.now() - 600_000),
          EndTime: new Date(Date.now() + 60_000),
          Period: 3600,
          Statistics: ["Sum"],
        });
        return Datapoints?.[0]?.Sum;
      };
      for (const [metric, expected] of Object.entries({
        NumberOfMessagesSent: 1,
        SentMessageSize: 4,
        NumberOfMessagesReceived: 1,
        NumberOfMessagesDeleted: 1,
      }))
        assert.equal(await soon(() => sum(metric), metric), expected, metric);
      cloudwatch.destroy();
    });

    test("purge empties a queue, once a minute", async () => {
      const { QueueUrl } = await queue();
      await sqs.sendMessage({ QueueUrl, MessageBody: "x" });
      await sqs.purgeQueue({ QueueUrl });
      assert.deepEqual(await bodies(QueueUrl), []);
      await assert.rejects(sqs.purgeQueue({ QueueUrl }), refused("PurgeQueueInProgress", /every 60 seconds/));
    });
  });
});
