import assert from "node:assert/strict";
import { test } from "node:test";
import { readProxyResponse } from "./proxy-response.ts";

test("headers of a function's answer travel as UTF-8; what no header can hold is left out", () => {
  const headers = {
    "content-disposition": "attachment; filename=견적서.pdf",
    "x-broken": "a\r\nx-more: b",
    "x-tab": "a\tb",
  };
  const payload = Buffer.from(JSON.stringify({ statusCode: 200, headers, cookies: ["ü=1"] }));
  const read = readProxyResponse(payload, { inferred: true, decodes: true });
  const texts = read?.headers.map(([name, value]) => [name, Buffer.from(value, "latin1").toString()]);
  assert.deepEqual(texts, [
    ["content-disposition", "attachment; filename=견적서.pdf"],
    ["x-tab", "a\tb"],
    ["set-cookie", "ü=1"],
  ]);
});
