import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluateMath, type MathScope, type Series } from "./metric-math.ts";

const times = Array.from({ length: 100_000 }, (_, i) => i * 1000);
const sparse: Series = new Map(times.filter((_, i) => i % 1000 === 0).map((at, i) => [at, i]));
const full: Series = new Map(times.map((at, i) => [at, i % 2]));
const scope = (): MathScope => ({
  value: (id) => ({ sparse, full, none: [new Map(), new Map()] })[id],
  metrics: () => [full, sparse],
  periodSeconds: 1,
  times,
  work: { left: 1_000_000 },
});

test("functions of long series take a time that grows with their length", () => {
  const started = performance.now();
  assert.equal(evaluateMath("STDDEV(full)", scope()), 0.5);
  assert.equal(evaluateMath("MAX(full) + MIN(full)", scope()), 1);
  const filled = evaluateMath("FILL(sparse, LINEAR)", scope()) as Series;
  assert.equal(filled.get(500_000), 0.5);
  assert.equal(filled.get(99_999_000), 99); // after the last that is known nothing is drawn
  assert.ok(performance.now() - started < 3_000);
});

test("expressions that grow without bound are refused", () => {
  const list = Array.from({ length: 300 }, () => "none").join(",");
  assert.throws(() => evaluateMath(`[${list}]`, scope()), /at most 500 metrics/);
  const sum = Array.from({ length: 120 }, () => "TIME_SERIES(1)").join("+");
  assert.throws(() => evaluateMath(sum, scope()), /too much work/);
});
