import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../../../test/support/sha256.ts";
import { run } from "../../../test/support/starling.ts";
import { openSqsKit, type SqsKit } from "../../../test/support/sqs-kit.ts";

const CLI = "/usr/bin/aws";

describe("SQS by the query protocol", { skip: existsSync(CLI) ? undefined : `needs ${CLI}` }, () => {
  let kit: SqsKit;
  before(async () => {
    kit = await openSqsKit();
  });
  after(() => kit.stop());

  /** Debian's CLI, which is older than SQS's JSON. */
  async function aws(...args: string[]) {
    const { accessKeyId, secretAccessKey } = kit.app.client.credentials;
    const env = {
      PATH: "/usr/bin:/bin",
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
    };
    const done = await run(CLI, ["--endpoint-url", kit.app.endpoint, "--output", "json", "sqs", ...args], { env });
    return { ...done, value: done.stdout ? JSON.parse(done.stdout) : undefined };
  }

  test("the CLI makes a FIFO queue, sends with attributes, receives, hides, deletes", async () => {
    const { value: made } = await aws(
      "create-queue",
      "--queue-name",
      "cli.fifo",
      "--attributes",
      "FifoQueue=true,ContentBasedDeduplication=true",
    );
    const url = ["--queue-url", made.QueueUrl as string];
    const attributes = JSON.stringify({ color: { DataType: "String", StringValue: "blue" } });
    const sent = await aws(
      "send-message",
      ...url,
      "--message-body",
      "a & <b>",
      "--message-group-id",
      "g",
      "--message-attributes",
      attributes,
    );
    assert.equal(sent.code, 0, sent.stderr);
    const got = await aws(
      "receive-message",
      ...url,
      "--attribute-names",
      "All",
      "--message-attribute-names",
      "All",
      "--wait-time-seconds",
      "5",
    );
    const [message] = got.value.Messages;
    assert.deepEqual([message.Body, message.MessageId], ["a & <b>", sent.value.MessageId]);
    assert.equal(message.MD5OfMessageAttributes, sent.value.MD5OfMessageAttributes);
    assert.equal(message.MessageAttributes.color.StringValue, "blue");
    assert.equal(message.Attributes.MessageGroupId, "g");
    const handle = ["--receipt-handle", message.ReceiptHandle as string];
    assert.equal((await aws("change-message-visibility", ...url, ...handle, "--visibility-timeout", "60")).code, 0);
    const counted = await aws(
      "get-queue-attributes",
      ...url,
      "--attribute-names",
      "ApproximateNumberOfMessagesNotVisible",
    );
    assert.deepEqual(counted.value.Attributes, { ApproximateNumberOfMessagesNotVisible: "1" });
    assert.equal((await aws("delete-message", ...url, ...handle)).code, 0);
  });

  test("errors have the codes that old clients look for", async () => {
    const missing = await aws("get-queue-url", "--queue-name", "none");
    assert.match(missing.stderr, /\(AWS\.SimpleQueueService\.NonExistentQueue\)/);
    const invalid = await aws("create-queue", "--queue-name", "no spaces");
    assert.match(invalid.stderr, /\(InvalidParameterValue\)/);
    const { QueueUrl } = await kit.queue();
    const empty = await aws("send-message-batch", "--queue-url", QueueUrl, "--entries", "[]");
    assert.match(empty.stderr, /EmptyBatchRequest.*at least one SendMessageBatchRequestEntry/);
  });

  test("SQS's own host names are in the URLs of who calls it by them", async () => {
    const { accessKeyId, secretAccessKey } = kit.app.client.credentials;
    const script = `
import boto3
session = boto3.session.Session(aws_access_key_id="${accessKeyId}", aws_secret_access_key="${secretAccessKey}", region_name="us-east-1")
sqs = session.client("sqs", endpoint_url="${kit.app.endpoint}")
sqs.meta.events.register("before-sign.sqs", lambda request, **_: request.headers.__setitem__("Host", "sqs.us-east-1.amazonaws.com"))
print(sqs.create_queue(QueueName="by-host")["QueueUrl"])
`;
    const { code, stdout, stderr } = await run("/usr/bin/python3", ["-c", script]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^https?:\/\/sqs\.us-east-1\.amazonaws\.com\/000000000000\/by-host\n$/);
  });
});

describe("requests to a queue's own URL", () => {
  let kit: SqsKit;
  before(async () => {
    kit = await openSqsKit();
  });
  after(() => kit.stop());

  async function ask(method: "GET" | "POST", path: string, parameters: Record<string, string>) {
    const { endpoint, credentials, region } = kit.app.client;
    const signer = new SignatureV4({
      service: "sqs",
      region,
      credentials,
      sha256: Sha256 as never,
      uriEscapePath: false,
    });
    const body = new URLSearchParams(parameters).toString();
    const { host, hostname, port } = new URL(endpoint);
    const form = method === "POST" ? { "content-type": "application/x-www-form-urlencoded" } : undefined;
    const request = {
      method,
      protocol: "http:",
      hostname,
      port: Number(port),
      path,
      headers: { host, ...form },
      ...(form ? { body } : { query: parameters }),
    };
    const signed = await signer.sign(request);
    const url = form ? endpoint + path : `${endpoint}${path}?${body}`;
    const response = await fetch(url, { method, headers: signed.headers, ...(form ? { body } : {}) });
    return { status: response.status, text: await response.text() };
  }

  test("they need not say it again, and a GET not the version", async () => {
    const { QueueUrl } = await kit.queue();
    const path = new URL(QueueUrl).pathname;
    const sent = await ask("POST", path, { Action: "SendMessage", MessageBody: "hello", Version: "2012-11-05" });
    assert.match(sent.text, /<MD5OfMessageBody>5d41402abc4b2a76b9719d911017c592</);
    const got = await ask("GET", `${path}/`, { Action: "ReceiveMessage" });
    assert.match(got.text, /<Body>hello</);
    const other = await kit.queue();
    const named = await ask("GET", path, {
      Action: "GetQueueAttributes",
      "AttributeName.1": "QueueArn",
      QueueUrl: other.QueueUrl,
    });
    assert.match(named.text, new RegExp(`${other.QueueUrl.split("/").pop()}<`));
    const none = await ask("GET", "/000000000000/none", { Action: "PurgeQueue" });
    assert.match(none.text, /NonExistentQueue<.*The specified queue does not exist for this wsdl version\./s);
    for (const Action of ["FooBar", "ListQueues"]) {
      const refused = await ask("GET", path, { Action, Version: "2012-11-05" });
      assert.equal(refused.status, 400);
      assert.match(
        refused.text,
        new RegExp(`InvalidAction<.*The action ${Action} is not valid for this endpoint\\.`, "s"),
      );
    }
  });

  test("switches are taken in any case, and told in one", async () => {
    const Attributes = { FifoQueue: "True", ContentBasedDeduplication: "True" };
    const { QueueUrl } = await kit.sqs.createQueue({ QueueName: "switches.fifo", Attributes });
    const asked = { QueueUrl, AttributeNames: ["FifoQueue", "ContentBasedDeduplication"] } as const;
    const { Attributes: told } = await kit.sqs.getQueueAttributes({
      ...asked,
      AttributeNames: [...asked.AttributeNames],
    });
    assert.deepEqual(told, { FifoQueue: "true", ContentBasedDeduplication: "true" });
    assert.equal((await kit.sqs.createQueue({ QueueName: "switches.fifo", Attributes })).QueueUrl, QueueUrl);
  });
});
