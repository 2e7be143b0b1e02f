import assert from "node:assert/strict";
import { test } from "node:test";
import { policyText } from "./policy-text.ts";

test("statements that a template names by numbers are named by text; all else stays as it is", () => {
  const document = {
    Version: "2012-10-17",
    Statement: [{ Sid: 1, Condition: { NumericLessThan: { "s3:max-keys": 2 } } }],
  };
  const text = '{"Version":"2012-10-17","Statement":[{"Sid":"1","Condition":{"NumericLessThan":{"s3:max-keys":2}}}]}';
  assert.equal(policyText(document), text);
  assert.equal(policyText(" {} "), " {} ");
});
