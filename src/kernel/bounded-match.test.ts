import assert from "node:assert/strict";
import { test } from "node:test";
import { boundedMatcher, fitsSource } from "./bounded-match.ts";

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

test("options in a row are no quick pattern, and neither is a source made of them", () => {
  const source = `${"a?".repeat(40)}${"a".repeat(40)}b`;
  const started = performance.now();
  assert.equal(boundedMatcher(50)(new RegExp(source), "a".repeat(60)), undefined);
  assert.equal(fitsSource(boundedMatcher(50), "a".repeat(60), source, "whole"), false);
  assert.ok(performance.now() - started < 2_000);
  assert.equal(fitsSource(boundedMatcher(50), "abc", "b", "anywhere"), true);
  assert.equal(fitsSource(boundedMatcher(50), "abc", "b", "whole"), false);
  assert.equal(fitsSource(boundedMatcher(50), "abc", "(", "anywhere"), false);
});
