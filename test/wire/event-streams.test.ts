import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { Server } from "node:http";
import { after, before, test } from "node:test";
import { AwsError } from "../../src/kernel/aws-error.ts";
import { createModelRegistry } from "../../src/aws/model.ts";
import { decodeEventMessage, encodeEventMessage } from "../../src/aws/protocol/event-stream.ts";
import { ACCESS_KEY, SECRET, startWireServer } from "./wire-server.ts";

const requirePackage = createRequire(import.meta.url);
const { NodeHttpHandler } = requirePackage("@smithy/node-http-handler") as { NodeHttpHandler: new () => unknown };

let server: Server;
let endpoint = "";
const replies: Record<string, () => unknown> = {};

before(async () => {
  const handler = ({ route }: { route: { operation: { name: string } } }): unknown => replies[route.operation.name]!();
  ({ server, endpoint } = await startWireServer({ models: createModelRegistry(), handler }));
});
after(() => {
  server.close();
  server.closeAllConnections();
});

type Values = Record<string, any>;

async function call(packageName: string, operation: string, input: Values): Promise<Values> {
  const sdk = requirePackage(`@aws-sdk/${packageName}`) as Record<string, new (input: Values) => Values>;
  const name = Object.keys(sdk).find((key) => key.endsWith("Client") && !key.startsWith("_") && key !== "Client")!;
  const client = new sdk[name]!({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET },
    maxAttempts: 1,
    disableHostPrefix: true,
    requestHandler: new NodeHttpHandler(),
  });
  return client.send(new sdk[`${operation}Command`]!(input)) as Promise<Values>;
}

async function collect(stream: AsyncIterable<Values>): Promise<Values[]> {
  const events: Values[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

test("Lambda's response stream (REST, payloads of bytes)", async () => {
  replies.InvokeWithResponseStream = () => ({
    StatusCode: 200,
    ExecutedVersion: "7",
    EventStream: (async function* () {
      yield { PayloadChunk: { Payload: Buffer.from("hel") } };
      yield { PayloadChunk: { Payload: Buffer.from("lo") } };
      yield { InvokeComplete: { ErrorCode: "E", LogResult: "bG9n" } };
    })(),
  });
  const output = await call("client-lambda", "InvokeWithResponseStream", {
    FunctionName: "f",
    Payload: Buffer.from("{}"),
  });
  assert.equal(output.ExecutedVersion, "7");
  const events = await collect(output.EventStream as AsyncIterable<Values>);
  const text = events
    .map((event) => Buffer.from((event.PayloadChunk?.Payload as Uint8Array) ?? []).toString())
    .join("");
  assert.equal(text, "hello");
  assert.deepEqual(events.at(-1)?.InvokeComplete, { ErrorCode: "E", LogResult: "bG9n" });
});

test("the live tail of logs (RPC, with an initial response)", async () => {
  const events = [
    { sessionStart: { requestId: "r", sessionId: "s", logGroupIdentifiers: ["g"] } },
    { sessionUpdate: { sessionMetadata: { sampled: false }, sessionResults: [{ message: "é", timestamp: 5 }] } },
  ];
  replies.StartLiveTail = () => ({
    responseStream: (async function* () {
      yield* events;
    })(),
  });
  const output = await call("client-cloudwatch-logs", "StartLiveTail", { logGroupIdentifiers: ["arn:aws:logs:x"] });
  assert.deepEqual(await collect(output.responseStream as AsyncIterable<Values>), events);
});

test("a modelled exception within a stream", async () => {
  replies.StartLiveTail = () => ({
    responseStream: (async function* () {
      yield { sessionStart: { requestId: "r" } };
      throw new AwsError("SessionStreamingException", "it broke", 400);
    })(),
  });
  const output = await call("client-cloudwatch-logs", "StartLiveTail", { logGroupIdentifiers: ["arn:aws:logs:x"] });
  await assert.rejects(collect(output.responseStream as AsyncIterable<Values>), /it broke/);
});

test("records of a Kinesis shard", async () => {
  replies.SubscribeToShard = () => ({
    EventStream: (async function* () {
      const record = { SequenceNumber: "1", Data: Buffer.from("hi"), PartitionKey: "p" };
      yield { SubscribeToShardEvent: { Records: [record], ContinuationSequenceNumber: "1", MillisBehindLatest: 0 } };
    })(),
  });
  const output = await call("client-kinesis", "SubscribeToShard", {
    ConsumerARN: "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1",
    ShardId: "s",
    StartingPosition: { Type: "LATEST" },
  });
  const [event] = await collect(output.EventStream as AsyncIterable<Values>);
  assert.equal(Buffer.from(event!.SubscribeToShardEvent.Records[0].Data as Uint8Array).toString(), "hi");
});

test("frames that were changed or cut", () => {
  const frame = encodeEventMessage({ headers: { ":event-type": "é" }, payload: Buffer.from("payload") });
  assert.deepEqual({ ...decodeEventMessage(frame)!.message.headers }, { ":event-type": "é" });
  assert.equal(decodeEventMessage(frame.subarray(0, frame.length - 1)), undefined);
  for (let at = 0; at < frame.length; at++) {
    const changed = Buffer.from(frame);
    changed[at]! ^= 1;
    assert.throws(() => decodeEventMessage(changed), AwsError, `byte ${at}`);
  }
});
