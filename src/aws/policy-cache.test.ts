import assert from "node:assert/strict";
import { test } from "node:test";
import { PolicyCache } from "./policy-cache.ts";

const document = (more: object): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*", ...more }] });

test("a decision is kept only where its documents ask for nothing but the caller", () => {
  const cache = new PolicyCache();
  const isOfCaller = (more: object): boolean => cache.compiled(document(more), "identity").asks.length === 0;
  assert.equal(isOfCaller({}), true);
  assert.equal(isOfCaller({ Condition: { ArnLike: { "AWS:SourceArn": "arn:*" } } }), true);
  assert.equal(isOfCaller({ Resource: "arn:aws:s3:::${aws:username}/*" }), true);
  assert.equal(isOfCaller({ Condition: { DateLessThan: { "aws:CurrentTime": "2030-01-01T00:00:00Z" } } }), false);
  assert.equal(isOfCaller({ Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } }), false);
  assert.equal(isOfCaller({ Resource: "arn:aws:s3:::${aws:PrincipalTag/team}/*" }), false);
  assert.equal(isOfCaller({ Condition: { StringEquals: { "aws:username": "${s3:prefix}" } } }), false);
  const url = { Condition: { StringEquals: { "lambda:FunctionUrlAuthType": "NONE", "aws:PrincipalType": "User" } } };
  assert.deepEqual(cache.compiled(document(url), "identity").asks, ["lambda:functionurlauthtype"]);
});

test("each document has an id of its own, and the same text the same", () => {
  const cache = new PolicyCache();
  const ids = [cache.compiled(document({}), "identity"), cache.compiled(document({ Sid: "b" }), "identity")];
  assert.notEqual(ids[0]!.id, ids[1]!.id);
  assert.equal(cache.compiled(document({}), "identity"), ids[0]);
  assert.notEqual(cache.compiled(document({ Principal: "*" }), "resource").id, ids[0]!.id);
});
