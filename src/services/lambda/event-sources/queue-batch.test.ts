import assert from "node:assert/strict";
import { test } from "node:test";
import { compileEventPattern } from "../../../engines/event-pattern/index.ts";
import { MAX_SYNC_PAYLOAD } from "../limits.ts";
import { eventsOf, passesFilters, queueRecord, reportedFailures, type QueueRecord } from "./queue-batch.ts";

const SOURCE = "arn:aws:sqs:eu-west-1:000000000000:q";
const record = (messageId: string, body = "x"): QueueRecord =>
  queueRecord({ MessageId: messageId, ReceiptHandle: "h", Body: body, MD5OfBody: "m" }, SOURCE);

test("a message becomes the record that Lambda's documents show", () => {
  const made = queueRecord(
    {
      MessageId: "1",
      ReceiptHandle: "h",
      Body: "hello",
      MD5OfBody: "m",
      MD5OfMessageAttributes: "a",
      Attributes: { ApproximateReceiveCount: "1", SentTimestamp: "5" },
      MessageAttributes: {
        text: { DataType: "String", StringValue: "v" },
        raw: { DataType: "Binary", BinaryValue: Buffer.from("b") },
      },
    },
    SOURCE,
  );
  assert.deepEqual(made, {
    messageId: "1",
    receiptHandle: "h",
    body: "hello",
    attributes: { ApproximateReceiveCount: "1", SentTimestamp: "5" },
    messageAttributes: {
      text: { stringValue: "v", stringListValues: [], binaryListValues: [], dataType: "String" },
      raw: { binaryValue: "Yg==", stringListValues: [], binaryListValues: [], dataType: "Binary" },
    },
    md5OfMessageAttributes: "a",
    md5OfBody: "m",
    eventSource: "aws:sqs",
    eventSourceARN: SOURCE,
    awsRegion: "eu-west-1",
  });
});

test("a message without attributes has none, and no digest of them", () => {
  assert.deepEqual(record("1")["messageAttributes"], {});
  assert.equal(record("1")["md5OfMessageAttributes"], null);
});

test("filters look into a body of JSON; a body that is text meets patterns for text only", () => {
  const passes = (pattern: object, body: string): boolean =>
    passesFilters([compileEventPattern(JSON.stringify(pattern))], record("1", body));
  assert.ok(passes({ body: { kind: ["a"] } }, '{"kind":"a"}'));
  assert.ok(!passes({ body: { kind: ["a"] } }, '{"kind":"b"}'));
  assert.ok(!passes({ body: { kind: ["a"] } }, "kind a"));
  assert.ok(passes({ body: ["kind a"] }, "kind a"));
  assert.ok(passes({ body: { n: [{ numeric: [">", 100] }] } }, '{"n":101}'));
  assert.ok(passesFilters([], record("1")));
});

test("a batch that is too large for one call becomes several, in order", () => {
  const big = "x".repeat(Math.floor(MAX_SYNC_PAYLOAD / 3));
  const events = eventsOf(["1", "2", "3", "4"].map((id) => record(id, big)));
  assert.deepEqual(
    events.map(({ records }) => records.map(({ messageId }) => messageId)),
    [
      ["1", "2"],
      ["3", "4"],
    ],
  );
  for (const { payload } of events) {
    assert.ok(payload.length <= MAX_SYNC_PAYLOAD);
    assert.equal(JSON.parse(payload.toString()).Records.length, 2);
  }
});

test("which messages a function reports as failed, and which answers make all fail", () => {
  const failures = (answer: string): string[] | undefined => {
    const ids = reportedFailures(Buffer.from(answer), [record("1"), record("2")]);
    return ids && [...ids];
  };
  assert.deepEqual(failures('{"batchItemFailures":[{"itemIdentifier":"2"}]}'), ["2"]);
  for (const none of ["", "null", "{}", '{"batchItemFailures":[]}', '{"batchItemFailures":null}'])
    assert.deepEqual(failures(none), [], none);
  for (const wrong of [
    "no json",
    "[",
    '{"batchItemFailures":[{}]}',
    '{"batchItemFailures":[{"itemIdentifier":""}]}',
    '{"batchItemFailures":[{"itemIdentifier":null}]}',
    '{"batchItemFailures":[{"itemIdentifier":"3"}]}',
    '{"batchItemFailures":7}',
  ])
    assert.equal(failures(wrong), undefined, wrong);
});
