import assert from "node:assert/strict";
import { test } from "node:test";
import { hopsOf, invocationRecord, type Ended } from "./destinations.ts";
import { MAX_DESTINATION_HOPS } from "./limits.ts";

const ctx = { account: "000000000000", region: "us-east-1", now: () => 0 };

const record = (payload: unknown): Record<string, unknown> =>
  invocationRecord(ctx, {
    event: {
      name: "f",
      payload: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)).toString("base64"),
      requestId: "r",
      acceptedAt: 0,
    },
    record: { version: "$LATEST" },
    condition: "Success",
    invokes: 1,
    outcome: { payload: Buffer.from("{}") },
  } as unknown as Ended);

test("a chain of destinations is counted by the records in it, through an event bus too", () => {
  assert.equal(hopsOf(record({ a: 1 })), 1);
  assert.equal(hopsOf(record(record({ a: 1 }))), 2);
  assert.equal(hopsOf(record({ source: "lambda", detail: record("1") })), 2);
  let endless: unknown = {};
  for (let i = 0; i < 100; i++) endless = record(endless);
  assert.equal(hopsOf(endless), MAX_DESTINATION_HOPS + 1);
  assert.equal(hopsOf(record("null")), 1);
});

test("a payload that is not JSON is text in the record, and none is an empty object", () => {
  assert.equal(record("no json")["requestPayload"], "no json");
  assert.deepEqual(record("")["requestPayload"], {});
});
