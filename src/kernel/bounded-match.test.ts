import assert from "node:assert/strict";
import { test } from "node:test";
import { boundedMatcher } from "./bounded-match.ts";

test("a pattern gets its time and no more, and those after it what is left", () => {
  const matches = boundedMatcher(50);
  assert.equal(matches(/^(a+)+b*$/, "aaa"), true);
  assert.equal(matches(/^(a+)+b*$/, "aac"), false);
  const started = performance.now();
  assert.equal(matches(/^(a+)+$/, `${"a".repeat(60)}!`), undefined);
  assert.equal(matches(/^(a|a)*$/, `${"a".repeat(60)}!`), undefined);
  assert.ok(performance.now() - started < 2_000);
  assert.equal(matches(/^[a-z]+$/, "quick"), true);
});
