import assert from "node:assert/strict";
import { test } from "node:test";
import { AwsError } from "../../src/kernel/aws-error.ts";
import { createModelRegistry } from "../../src/aws/model.ts";
import { encodeError } from "../../src/aws/protocol/index.ts";

test("an error without words has no member for them", () => {
  const model = createModelRegistry().load("monitoring");
  const none = new AwsError("ResourceNotFound", "", 404);
  assert.equal(
    encodeError(model, "awsJson1_0", none, "id").body,
    `{"__type":"com.amazonaws.cloudwatch#ResourceNotFound"}`,
  );
  assert.match(String(encodeError(model, "awsQuery", none, "id").body), /<Code>ResourceNotFound<\/Code><\/Error>/);
  assert.doesNotMatch(String(encodeError(model, "rpcv2Cbor", none, "id").body), /message/);
});
