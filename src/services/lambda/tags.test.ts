import assert from "node:assert/strict";
import { test } from "node:test";
import { Lambda } from "@aws-sdk/client-lambda";
import { startTestApp } from "../../../test/support/test-app.ts";

test("tags that are to be removed must be named", async (t) => {
  const app = await startTestApp();
  t.after(() => app.stop());
  const Resource = "arn:aws:lambda:us-east-1:000000000000:function:f";
  await assert.rejects(new Lambda(app.client).untagResource({ Resource, TagKeys: [] }), {
    name: "ValidationException",
    message:
      "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
  });
});
