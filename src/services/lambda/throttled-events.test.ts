import assert from "node:assert/strict";
import { test } from "node:test";
import { ThrottledEvents } from "./throttled-events.ts";

/** Runs events that come at once through a function of some concurrency; answers when the last one ended. */
function drain(count: number, durationMs: number, concurrency: number): number {
  const throttled = new ThrottledEvents();
  const due = Array.from({ length: count }, (_none, i) => ({ id: String(i), at: 0, attempt: 1 }));
  const ends: number[] = [];
  for (;;) {
    due.sort((a, b) => a.at - b.at);
    const next = due[0];
    if (ends.length > 0 && (!next || ends[0]! <= next.at)) {
      throttled.ended("f", durationMs);
      const end = ends.shift()!;
      if (!next && ends.length === 0) return end;
      continue;
    }
    throttled.began("f", next!.id);
    if (ends.length === concurrency) next!.at += throttled.throttled("f", next!.id, next!.attempt++, concurrency);
    else {
      ends.push(next!.at + durationMs);
      due.shift();
    }
  }
}

test("throttled events come when it is about their turn, however long one takes", () => {
  for (const [count, durationMs, concurrency] of [
    [15, 5_000, 1],
    [30, 60_000, 1],
    [200, 1_000, 1],
    [100, 10_000, 5],
  ] as const) {
    const least = (count * durationMs) / concurrency;
    const took = drain(count, durationMs, concurrency);
    assert.ok(took < 2 * least + 10_000, `${count} events of ${durationMs} ms took ${took} ms`);
  }
});

test("an event that comes while others are work for more than a second pauses with them, and any other is tried", () => {
  const throttled = new ThrottledEvents();
  const wait = (id: string): number => {
    throttled.began("f", id);
    return throttled.throttled("f", id, 1, 1);
  };
  assert.equal(throttled.accepted("f", "first", 1), 0);
  throttled.began("f", "running");
  wait("a");
  assert.equal(throttled.accepted("f", "b", 1), 0, "nobody knows how long one takes");
  throttled.ended("f", 400);
  wait("c");
  assert.equal(throttled.accepted("f", "d", 1), 0);
  wait("e");
  assert.equal(throttled.accepted("f", "g", 1), 1_000);
  assert.equal(throttled.accepted("f", "h", 4), 0, "four at a time are sooner through");
  for (const id of ["a", "c", "e", "g"]) throttled.left("f", id);
  assert.equal(throttled.accepted("f", "i", 1), 0);
});

test("where nothing has ended yet, and at most, they pause as AWS has them pause", () => {
  const throttled = new ThrottledEvents();
  throttled.began("f", "slow");
  const pause = (attempt: number): number => {
    throttled.began("f", "a");
    return throttled.throttled("f", "a", attempt, undefined);
  };
  assert.deepEqual([1, 2, 3, 9, 10, 500].map(pause), [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
  throttled.ended("f", 10_000_000);
  assert.equal(pause(4), 8_000);
});
