import assert from "node:assert/strict";
import { test } from "node:test";
import type { EdgeRequest } from "./edge-request.ts";
import { httpEvent } from "./http-event.ts";
import { readProxyResponse } from "./proxy-response.ts";

const facts = {
  account: "000000000000",
  apiId: "a",
  stage: "$default",
  requestId: "r",
  routeKey: "$default",
  stagedPath: "/",
  pathParameters: {},
  stageVariables: {},
};

test("forms, and what is named something else than text or JSON, travel as base64", () => {
  const bodyOf = (type: string | undefined, body: Buffer | string): unknown[] => {
    const request: EdgeRequest = {
      method: "POST",
      rawPath: "/",
      rawQuery: "",
      headers: type === undefined ? [] : [["Content-Type", type]],
      body: Buffer.from(body),
      sourceIp: "127.0.0.1",
      domainName: "localhost",
      protocol: "HTTP/1.1",
      time: 0,
      traceId: "t",
    };
    const event = JSON.parse(httpEvent(request, facts)) as Record<string, unknown>;
    return [event["body"], event["isBase64Encoded"]];
  };
  for (const type of ["text/plain; charset=utf-8", "application/json", "application/vnd.api+json", "application/xml"])
    assert.deepEqual(bodyOf(type, "a=1"), ["a=1", false], type);
  assert.deepEqual(bodyOf(undefined, "a=1"), ["a=1", false]);
  for (const type of ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "image/png"])
    assert.deepEqual(bodyOf(type, "a=1"), ["YT0x", true], type);
  assert.deepEqual(bodyOf("text/plain", Buffer.from([255])), ["/w==", true], "bytes that are no text");
});

test("an answer that is any JSON is sent without the space between its parts", () => {
  const body = (payload: string): unknown =>
    readProxyResponse(Buffer.from(payload), { inferred: true, decodes: true })?.body;
  assert.equal(body('["hello", 3, true]'), '["hello",3,true]');
  assert.equal(body('{"a b": "c  \\" d", "n": 12345678901234567890}'), '{"a b":"c  \\" d","n":12345678901234567890}');
  assert.equal(body('"plain  text"'), "plain  text");
});

test("JSON of any length is passed on without the space between its parts", () => {
  const long = "x".repeat(11_000_000);
  const answer = readProxyResponse(Buffer.from(`{ "a": "\\" ${long}" }`), { inferred: true, decodes: true });
  assert.equal(answer?.body, `{"a":"\\" ${long}"}`);
});
