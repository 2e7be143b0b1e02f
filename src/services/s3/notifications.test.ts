import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { S3, type NotificationConfiguration } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f";

/** What is in the outbox, as the calls that it will make. */
interface Sent {
  readonly service: string;
  readonly operation: string;
  readonly input: any;
  readonly principal: any;
}

describe("S3 event notifications", () => {
  let app: TestApp;
  let s3: S3;
  const sent: Sent[] = [];
  let buckets = 0;
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true });
    // Watches what goes into the outbox; the queue works on as it is.
    const { queue } = app.running.platform;
    const enqueue = queue.enqueue.bind(queue);
    queue.enqueue = (topic, body, options) => {
      if (topic === "outbox") sent.push(JSON.parse(body).body);
      return enqueue(topic, body, options);
    };
  });
  after(async () => {
    s3.destroy();
    await app.stop();
  });
  const bucket = async (config?: NotificationConfiguration, versioned = false): Promise<string> => {
    const Bucket = `notified-${buckets++}`;
    await s3.createBucket({ Bucket });
    if (versioned) await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    if (config) await put(Bucket, config);
    return Bucket;
  };
  const put = (Bucket: string, NotificationConfiguration: NotificationConfiguration, validate = false) =>
    s3.putBucketNotificationConfiguration({
      Bucket,
      NotificationConfiguration,
      ...(validate ? {} : { SkipDestinationValidation: true }),
    });
  const toFunction = (Events: string[], rules: readonly [string, string][] = [], more: object = {}) => ({
    LambdaFunctionArn: FUNCTION,
    Events: Events as any,
    ...(rules.length
      ? { Filter: { Key: { FilterRules: rules.map(([Name, Value]) => ({ Name: Name as any, Value })) } } }
      : {}),
    ...more,
  });
  const refused = (code: string, message: RegExp) => (error: any) => {
    assert.equal(error.name, code, error.message);
    assert.match(error.message, message);
    return true;
  };
  const records = (): any[] => sent.splice(0).flatMap(({ input }) => JSON.parse(input.Payload).Records);

  test("EventBridge: a bucket that sends events enqueues them with the change, another does not", async () => {
    const [silent, loud] = [await bucket(), await bucket({ EventBridgeConfiguration: {} })];
    const before = sent.length;
    await s3.putObject({ Bucket: silent, Key: "k", Body: "x" });
    await s3.putObject({ Bucket: loud, Key: "k", Body: "x" });
    await s3.deleteObject({ Bucket: loud, Key: "k" });
    const types = sent.slice(before).map(({ input }) => input.Entries[0].DetailType);
    assert.deepEqual(types, ["Object Created", "Object Deleted"]);
  });

  test("a function gets S3's record of each change, keys encoded, as s3.amazonaws.com for the bucket", async () => {
    const Bucket = await bucket({
      LambdaFunctionConfigurations: [toFunction(["s3:ObjectCreated:*", "s3:ObjectRemoved:*"], [], { Id: "mine" })],
    });
    sent.length = 0;
    await s3.putObject({ Bucket, Key: "a folder/ü@+.txt", Body: "hello" });
    const [call] = sent;
    assert.deepEqual([call?.service, call?.operation, call?.input.InvocationType], ["lambda", "Invoke", "Event"]);
    assert.deepEqual(
      [call?.principal.service, call?.principal.sourceArn],
      ["s3.amazonaws.com", `arn:aws:s3:::${Bucket}`],
    );
    const [record] = records();
    const { eventTime, userIdentity, requestParameters, responseElements, s3: detail, ...rest } = record;
    assert.deepEqual(rest, {
      eventVersion: "2.1",
      eventSource: "aws:s3",
      awsRegion: "us-east-1",
      eventName: "ObjectCreated:Put",
    });
    assert.match(eventTime, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.match(userIdentity.principalId, /^AWS:/);
    assert.ok(requestParameters.sourceIPAddress && responseElements["x-amz-request-id"]);
    const { sequencer, ...object } = detail.object;
    assert.deepEqual(object, {
      key: "a+folder/%C3%BC%40%2B.txt",
      size: 5,
      eTag: "5d41402abc4b2a76b9719d911017c592",
    });
    assert.equal(detail.configurationId, "mine");
    assert.equal(detail.bucket.arn, `arn:aws:s3:::${Bucket}`);
    await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/${encodeURIComponent("a folder/ü@+.txt")}` });
    await s3.deleteObject({ Bucket, Key: "a folder/ü@+.txt" });
    const [copied, gone] = records();
    assert.equal(copied.eventName, "ObjectCreated:Copy");
    assert.equal(gone.eventName, "ObjectRemoved:Delete");
    assert.deepEqual(Object.keys(gone.s3.object), ["key", "sequencer"]);
    assert.ok(gone.s3.object.sequencer > sequencer, "the order of one key's events can be told");
    await s3.deleteObject({ Bucket, Key: "never was" });
    assert.deepEqual(records(), []);
    await s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "never was" }] } });
    const told = records().map(({ eventName, s3: { object: about } }) => [eventName, about.key]);
    assert.deepEqual(told, [["ObjectRemoved:Delete", "never+was"]]);
  });

  test("versions, delete markers, tags and ACLs are told as what they are", async () => {
    const Events = ["s3:ObjectCreated:Put", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:ObjectAcl:Put"];
    const Bucket = await bucket({ LambdaFunctionConfigurations: [toFunction(Events)] }, true);
    await s3.putBucketOwnershipControls({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
    });
    sent.length = 0;
    const { VersionId } = await s3.putObject({ Bucket, Key: "k", Body: "x" });
    await s3.putObjectTagging({ Bucket, Key: "k", Tagging: { TagSet: [{ Key: "a", Value: "b" }] } });
    await s3.deleteObjectTagging({ Bucket, Key: "k" });
    await s3.putObjectAcl({ Bucket, Key: "k", ACL: "private" });
    const marker = await s3.deleteObject({ Bucket, Key: "k" });
    await s3.deleteObject({ Bucket, Key: "k", VersionId: VersionId! });
    const all = records();
    assert.deepEqual(
      all.map((r) => [r.eventName, r.eventVersion, r.s3.object.versionId]),
      [
        ["ObjectCreated:Put", "2.1", VersionId],
        ["ObjectTagging:Put", "2.3", VersionId],
        ["ObjectTagging:Delete", "2.3", VersionId],
        ["ObjectAcl:Put", "2.3", VersionId],
        ["ObjectRemoved:DeleteMarkerCreated", "2.1", marker.VersionId],
        ["ObjectRemoved:Delete", "2.1", VersionId],
      ],
    );
    assert.equal(all[4].s3.object.eTag, "d41d8cd98f00b204e9800998ecf8427e");
  });

  test("filters by prefix and suffix decide, and come back with S3's capitals", async () => {
    const Bucket = await bucket({
      LambdaFunctionConfigurations: [
        toFunction(
          ["s3:ObjectCreated:*"],
          [
            ["prefix", "in/"],
            ["suffix", ".jpg"],
          ],
        ),
        toFunction(
          ["s3:ObjectCreated:*"],
          [
            ["prefix", "in/"],
            ["suffix", ".png"],
          ],
        ),
      ],
      EventBridgeConfiguration: {},
    });
    sent.length = 0;
    for (const Key of ["in/a.jpg", "in/b.png", "out/a.jpg", "in/c.gif"]) await s3.putObject({ Bucket, Key, Body: "x" });
    const calls = sent.splice(0);
    assert.equal(calls.filter(({ service }) => service === "events").length, 4);
    const keys = calls.flatMap(({ service, input }) =>
      service === "lambda" ? [JSON.parse(input.Payload).Records[0].s3.object.key] : [],
    );
    assert.deepEqual(keys, ["in/a.jpg", "in/b.png"]);
    const { LambdaFunctionConfigurations: got = [] } = await s3.getBucketNotificationConfiguration({ Bucket });
    assert.ok(got[0]?.Id);
    assert.deepEqual(got[0]?.Filter?.Key?.FilterRules?.[0], { Name: "Prefix", Value: "in/" });
    await put(Bucket, {});
    assert.equal((await s3.getBucketNotificationConfiguration({ Bucket })).LambdaFunctionConfigurations, undefined);
  });

  test("what S3 refuses", async () => {
    const Bucket = await bucket();
    const config = (...LambdaFunctionConfigurations: any[]) => put(Bucket, { LambdaFunctionConfigurations });
    const created = ["s3:ObjectCreated:*"];
    await assert.rejects(
      config(toFunction(created), toFunction(["s3:ObjectCreated:Put"])),
      refused("InvalidArgument", /^Configurations overlap/),
    );
    await assert.rejects(
      config(toFunction(created, [["suffix", ".jpg"]]), toFunction(created, [["prefix", "in/"]])),
      refused("InvalidArgument", /ambiguously defined/),
    );
    await assert.rejects(
      config(toFunction(["s3:ObjectEaten:*"])),
      refused("InvalidArgument", /event is not supported for notifications/),
    );
    await assert.rejects(
      config(toFunction(created, [["INVALID", "x"]])),
      refused("InvalidArgument", /must be either prefix or suffix/),
    );
    await assert.rejects(
      config(toFunction(created, [["prefix", "x".repeat(1025)]])),
      refused("InvalidArgument", /cannot exceed 1024 bytes/),
    );
    const arn = (LambdaFunctionArn: string) => config(toFunction(created, [], { LambdaFunctionArn }));
    await assert.rejects(arn("nonsense"), refused("InvalidArgument", /ARN could not be parsed/));
    await assert.rejects(
      arn(FUNCTION.replace("us-east-1", "eu-west-1")),
      refused("InvalidArgument", /destination service region is not valid/),
    );
    await assert.rejects(
      put(Bucket, { LambdaFunctionConfigurations: [toFunction(created)] }, true),
      refused("InvalidArgument", /^Unable to validate the following destination configurations/),
    );
    await assert.rejects(
      put(Bucket, {
        TopicConfigurations: [{ TopicArn: "arn:aws:sns:us-east-1:000000000000:t", Events: ["s3:ObjectCreated:*"] }],
      }),
      refused("NotImplemented", /SNS/),
    );
  });
});
