import assert from "node:assert/strict";
import { test } from "node:test";
import { nextOccurrence, parseSchedule } from "./index.ts";

function next(text: string, after: string, options = {}): string | undefined {
  const at = nextOccurrence(parseSchedule(text), Date.parse(after), options);
  return at === undefined ? undefined : new Date(at).toISOString().slice(0, 16);
}

test("rates count from their start", () => {
  assert.equal(
    next("rate(5 minutes)", "2026-01-01T00:07:00Z", { start: Date.parse("2026-01-01T00:00:00Z") }),
    "2026-01-01T00:10",
  );
  assert.equal(next("rate(1 day)", "2026-01-01T00:00:00Z"), "2026-01-02T00:00");
});

test("cron with lists, ranges, steps and names", () => {
  assert.equal(next("cron(0 10 * * ? *)", "2026-01-01T10:00:00Z"), "2026-01-02T10:00");
  assert.equal(next("cron(0/15 * * * ? *)", "2026-01-01T10:01:00Z"), "2026-01-01T10:15");
  assert.equal(next("cron(0 18 ? * MON-FRI *)", "2026-01-02T19:00:00Z"), "2026-01-05T18:00");
  assert.equal(next("cron(0 8 1 * ? *)", "2026-01-01T08:00:00Z"), "2026-02-01T08:00");
  assert.equal(next("cron(0 0 L * ? *)", "2026-02-01T00:00:00Z"), "2026-02-28T00:00");
  assert.equal(next("cron(0 0 ? * 6L *)", "2026-01-01T00:00:00Z"), "2026-01-30T00:00");
  assert.equal(next("cron(0 0 ? * TUE#1 *)", "2026-01-07T00:00:00Z"), "2026-02-03T00:00");
  assert.equal(next("cron(0 0 15W * ? *)", "2026-02-01T00:00:00Z"), "2026-02-16T00:00");
  assert.equal(next("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00Z"), "2028-02-29T00:00");
  assert.equal(next("cron(0 0 1 1 ? 2020)", "2026-01-01T00:00:00Z"), undefined);
});

test("follows the wall clock of a time zone over clock changes", () => {
  const timeZone = "Europe/Berlin";
  assert.equal(next("cron(0 9 * * ? *)", "2026-03-28T09:00:00Z", { timeZone }), "2026-03-29T07:00");
  assert.equal(next("at(2026-07-01T12:00:00)", "2026-01-01T00:00:00Z", { timeZone }), "2026-07-01T10:00");
});

test("refuses what is not a schedule", () => {
  for (const text of [
    "rate(1 minutes)",
    "rate(5 minute)",
    "rate(0 days)",
    "cron(* * * * * *)",
    "cron(0 10 * * ?)",
    "cron(60 0 * * ? *)",
    "every day",
  ]) {
    assert.throws(() => parseSchedule(text), /Parameter ScheduleExpression is not valid/, text);
  }
});
