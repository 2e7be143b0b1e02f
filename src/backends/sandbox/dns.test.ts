import assert from "node:assert/strict";
import { test } from "node:test";
import { answerLocally } from "./dns.ts";

function question(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  const header = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

test("names of AWS's services are the platform's; the one that tells a public address is the internet's", () => {
  const address = (name: string) => answerLocally(question(name), true)?.subarray(-4).join(".");
  assert.equal(address("s3.us-east-1.amazonaws.com"), "127.0.0.43");
  assert.equal(address("shop.localhost"), "127.0.0.1");
  assert.equal(address("checkip.amazonaws.com"), undefined);
  assert.equal(address("example.com"), undefined);
  const refused = answerLocally(question("checkip.amazonaws.com"), false);
  assert.equal(refused && refused.readUInt16BE(2) & 15, 3, "without the internet there is no such name");
});
