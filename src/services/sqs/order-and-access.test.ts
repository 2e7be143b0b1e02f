import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { SQS } from "@aws-sdk/client-sqs";
import { soon } from "../../../test/support/pipeline-kit.ts";
import { ACCOUNT, arnOf, openSqsKit, refused, type SqsKit } from "../../../test/support/sqs-kit.ts";

describe("SQS: order, dead letters, who may", () => {
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

  describe("FIFO queues", () => {
    const fifo = { FifoQueue: "true", ContentBasedDeduplication: "true" };

    test("a receive that is tried again under its name gets the same messages, until one of them is changed", async () => {
      const { QueueUrl } = await queue(fifo);
      for (const MessageBody of ["a1", "a2", "a3"])
        await sqs.sendMessage({ QueueUrl, MessageGroupId: "a", MessageBody });
      const attempt = { ReceiveRequestAttemptId: "one", MaxNumberOfMessages: 2 };
      const first = await receive(QueueUrl, attempt);
      assert.deepEqual(
        first.map(({ Body }) => Body),
        ["a1", "a2"],
      );
      assert.deepEqual(await bodies(QueueUrl), []);
      const again = await receive(QueueUrl, attempt);
      assert.deepEqual(
        again.map(({ ReceiptHandle }) => ReceiptHandle),
        first.map(({ ReceiptHandle }) => ReceiptHandle),
      );
      assert.deepEqual(await bodies(QueueUrl, { ReceiveRequestAttemptId: "two" }), []);
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: first[0]!.ReceiptHandle });
      assert.deepEqual(await bodies(QueueUrl, attempt), []);
      await assert.rejects(
        receive(QueueUrl, { ReceiveRequestAttemptId: "a b" }),
        refused("InvalidParameterValue", /ReceiveRequestAttemptId/),
      );
    });

    test("attributes that are lists are refused", async () => {
      const { QueueUrl } = await queue();
      const MessageAttributes = { a: { DataType: "String", StringValue: "a", StringListValues: ["a", "b"] } };
      await assert.rejects(
        sqs.sendMessage({ QueueUrl, MessageBody: "x", MessageAttributes }),
        /Message attribute list values in SendMessage operation are not supported/,
      );
    });

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

    test("a receive takes what there is of one group first, then of the next", async () => {
      const { QueueUrl } = await queue({ FifoQueue: "True", ContentBasedDeduplication: "true" });
      for (const MessageBody of ["a1", "b1", "a2", "c1", "b2", "a3"])
        await sqs.sendMessage({ QueueUrl, MessageGroupId: MessageBody[0]!, MessageBody });
      const some = await receive(QueueUrl, { MaxNumberOfMessages: 2 });
      assert.deepEqual(
        some.map(({ Body }) => Body),
        ["a1", "a2"],
      );
      for (const { ReceiptHandle } of some) await sqs.deleteMessage({ QueueUrl, ReceiptHandle: ReceiptHandle! });
      assert.deepEqual(await bodies(QueueUrl), ["b1", "b2", "c1", "a3"]);
    });

    test("a group that was received and is visible again comes after those that were not", async () => {
      const { QueueUrl } = await queue(fifo);
      for (const MessageBody of ["a1", "b1", "b2", "c1", "a2"])
        await sqs.sendMessage({ QueueUrl, MessageGroupId: MessageBody[0]!, MessageBody });
      assert.deepEqual(await bodies(QueueUrl, { MaxNumberOfMessages: 3, VisibilityTimeout: 0 }), ["a1", "a2", "b1"]);
      assert.deepEqual(await bodies(QueueUrl, { MaxNumberOfMessages: 10 }), ["c1", "a1", "a2", "b1", "b2"]);
    });

    test("a purge forgets what was seen", async () => {
      const { QueueUrl } = await queue(fifo);
      const send = () => sqs.sendMessage({ QueueUrl, MessageGroupId: "g", MessageBody: "x" });
      await send();
      await sqs.purgeQueue({ QueueUrl });
      await send();
      assert.deepEqual(await bodies(QueueUrl), ["x"]);
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
      const batch = (more: object) =>
        sqs.sendMessageBatch({ QueueUrl, Entries: [{ Id: "1", MessageBody: "x", ...more }] });
      await assert.rejects(batch({}), refused("InvalidParameterValue", /must contain the parameter MessageGroupId/));
      await assert.rejects(
        batch({ MessageGroupId: "g" }),
        refused("InvalidParameterValue", /ContentBasedDeduplication/),
      );
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
      }, "the move task");
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
      }, "the move task");
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
      const iam = new IAM(kit.app.client);
      const { User } = await iam.createUser({ UserName: "reader" });
      const { AccessKey } = await iam.createAccessKey({ UserName: "reader" });
      const other = new SQS(
        kit.app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }),
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
      const give = (Actions: string[]) =>
        sqs.addPermission({ QueueUrl, Label: "other", AWSAccountIds: [ACCOUNT], Actions });
      await assert.rejects(give([]), refused("MissingParameter", /parameter Actions/));
      await assert.rejects(
        give(["RemovePermission"]),
        refused(
          "InvalidParameterValue",
          /^Value SQS:RemovePermission for parameter ActionName is invalid\. Reason: Only/,
        ),
      );
      await assert.rejects(sqs.tagQueue({ QueueUrl, Tags: {} }), refused("MissingParameter", /parameter Tags/));
      await assert.rejects(
        sqs.untagQueue({ QueueUrl, TagKeys: [] }),
        refused("InvalidParameterValue", /Tag keys must/),
      );
      assert.equal((await policy()).find(({ Sid }) => Sid === "all")?.Action, "SQS:ReceiveMessage");
      await sqs.removePermission({ QueueUrl, Label: "all" });
      assert.equal((await policy()).length, 1);
      await assert.rejects(
        sqs.removePermission({ QueueUrl, Label: "all" }),
        refused("InvalidParameterValue", /can't find label/),
      );
    });

    test("a bucket's notifications reach a queue that lets S3 in, with a test event first", async () => {
      const s3 = new S3({ ...kit.app.client, forcePathStyle: true });
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
