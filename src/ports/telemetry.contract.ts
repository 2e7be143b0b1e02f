import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FakeClock } from "../kernel/clock.ts";
import type { StoredLogEvent, Telemetry } from "./telemetry.ts";

/** What a backend gives to prove that its Telemetry keeps the port's promises; `reopen` closes and opens the same data. */
export interface TelemetryContract {
  open(clock: FakeClock): Promise<{ telemetry: Telemetry; reopen(): Promise<Telemetry>; dispose(): Promise<void> }>;
}

const MINUTE = 60_000;

const usageSample = (resource: string) => ({
  region: "eu-west-1",
  service: "AWS Lambda",
  usageType: "Request",
  operation: "Invoke",
  resource,
  version: "1",
  project: "",
  amount: 1,
});

/** Runs the suite that every Telemetry has to pass. */
export function runContract(contract: TelemetryContract): void {
  describe("telemetry", () => {
    const clock = new FakeClock();
    const t0 = clock.now();
    let telemetry: Telemetry;
    let reopen: () => Promise<Telemetry>;
    let dispose: () => Promise<void>;
    let groups = 0;
    before(async () => {
      ({ telemetry, reopen, dispose } = await contract.open(clock));
    });
    after(() => dispose());
    const group = (): string => `1/eu-west-1/group-${groups++}`;
    const log = (g: string, stream: string, ...at: number[]): void =>
      telemetry.appendLogs(
        g,
        stream,
        at.map((ms) => ({ timestamp: t0 + ms, message: `${stream} ${ms}` })),
      );
    const texts = ({ events }: { events: StoredLogEvent[] }): string[] => events.map((e) => e.message);
    type Range = Parameters<Telemetry["readLogs"]>[1];
    /** Reads to the end in small pages. */
    const pages = async (g: string, range: Range): Promise<string[]> => {
      const all: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await telemetry.readLogs(g, { ...range, ...(cursor ? { cursor } : {}) });
        assert.ok(page.events.length <= range.limit);
        all.push(...texts(page));
        cursor = page.cursor;
      } while (cursor);
      return all;
    };

    test("logs: what was appended is read by time, across streams, in pages, both ways", async () => {
      const g = group();
      const expected: [number, string][] = [];
      for (let round = 0; round < 30; round++) {
        for (const stream of ["a", "b", "c"]) {
          const at = round * 7 * MINUTE + (stream.charCodeAt(0) % 3) * 1000 - (round % 4) * 20 * MINUTE;
          log(g, stream, at, at + 1);
          expected.push([at, `${stream} ${at}`], [at + 1, `${stream} ${at + 1}`]);
        }
        await telemetry.flush();
      }
      const byTime = expected.map((e, i) => [...e, i] as const).toSorted((x, y) => x[0] - y[0] || x[2] - y[2]);
      const all = byTime.map((e) => e[1]);
      assert.deepEqual(await pages(g, { limit: 1000 }), all);
      assert.deepEqual(await pages(g, { limit: 7 }), all);
      assert.deepEqual(await pages(g, { limit: 7, newestFirst: true }), all.toReversed());
      const onlyB = all.filter((text) => text.startsWith("b"));
      assert.deepEqual(await pages(g, { limit: 4, streams: ["b", "none"] }), onlyB);
      const range = { start: t0 + 20 * MINUTE, end: t0 + 90 * MINUTE };
      const inside = byTime.filter(([at]) => t0 + at >= range.start && t0 + at <= range.end).map((e) => e[1]);
      assert.deepEqual(await pages(g, { limit: 5, ...range }), inside);
      assert.deepEqual(await pages(g, { limit: 5, newestFirst: true, ...range }), inside.toReversed());
    });

    test("logs: events of one time keep the order of arrival, and sequences rise across a restart", async () => {
      const g = group();
      log(g, "s", 0, 0, 0);
      telemetry = await reopen();
      telemetry.appendLogs(g, "s", [{ timestamp: t0, message: "after" }]);
      const { events } = await telemetry.readLogs(g, { limit: 10 });
      assert.deepEqual(texts({ events }), ["s 0", "s 0", "s 0", "after"]);
      assert.ok(events.every((e, i) => i === 0 || e.sequence > (events[i - 1]?.sequence ?? Infinity)));
    });

    test("logs: a page has no more text than is asked for, but one event at least", async () => {
      const g = group();
      log(g, "long stream's", 3, 1);
      log(g, "s", 2, 4, 5);
      const all = ["long stream's 1", "s 2", "long stream's 3", "s 4", "s 5"];
      for (const newestFirst of [false, true])
        for (const maxBytes of [1, 6, 20, 1_000]) {
          const found = await pages(g, { limit: 10, maxBytes, newestFirst });
          assert.deepEqual(found, newestFirst ? all.toReversed() : all);
        }
      const { events } = await telemetry.readLogs(g, { limit: 10, maxBytes: 6, newestFirst: true });
      assert.deepEqual(texts({ events }), ["s 5", "s 4"]);
    });

    test("logs: a reader goes on behind the last event it saw when more arrive", async () => {
      const g = group();
      log(g, "s", 1, 2);
      const first = await telemetry.readLogs(g, { limit: 10 });
      assert.equal(first.cursor, undefined);
      const last = first.events.at(-1);
      log(g, "s", 2, 3);
      const next = await telemetry.readLogs(g, { limit: 10, cursor: `${last?.timestamp}.${last?.sequence}` });
      assert.deepEqual(texts(next), ["s 2", "s 3"]);
    });

    test("logs: a tail sees what is appended from now on, until it leaves", () => {
      const g = group();
      log(g, "s", 1);
      const seen: string[] = [];
      const leave = telemetry.tailLogs(g, (stream, events) =>
        seen.push(...events.map((e) => `${stream}: ${e.message}`)),
      );
      log(g, "s", 2);
      log(group(), "s", 3);
      leave();
      log(g, "s", 4);
      assert.deepEqual(seen, ["s: s 2"]);
    });

    test("logs: facts, deletion of a stream and of a group, expiry", async () => {
      const g = group();
      log(g, "s", 5, 1);
      log(g, "t", 2 * 60 * MINUTE);
      assert.deepEqual(await telemetry.streamFacts(g, "s"), {
        bytes: 2 * (3 + 26),
        firstEvent: t0 + 1,
        lastEvent: t0 + 5,
        lastIngestion: clock.now(),
      });
      await telemetry.expireLogs(g, t0 + 5);
      assert.deepEqual(texts(await telemetry.readLogs(g, { limit: 10 })), ["s 5", `t ${2 * 60 * MINUTE}`]);
      await telemetry.expireLogs(g, t0 + 60 * MINUTE);
      assert.equal((await telemetry.streamFacts(g, "s")).bytes, 0);
      await telemetry.deleteLogs(g, "t");
      assert.deepEqual(await telemetry.readLogs(g, { limit: 10 }), { events: [] });
      await telemetry.deleteLogs(g);
      log(g, "s", 9);
      assert.deepEqual(texts(await telemetry.readLogs(g, { limit: 10 })), ["s 9"]);
      assert.deepEqual(await telemetry.readLogs(group(), { limit: 10 }), { events: [] });
    });

    test("metrics: samples add up by period, restart or not, with values for percentiles", async () => {
      const sample = {
        namespace: "AWS/Lambda",
        name: "Duration",
        dimensions: { B: "2", A: "1" },
        unit: "Milliseconds",
      };
      const put = (at: number, value: number): void =>
        telemetry.putMetrics("1", "r", [{ ...sample, timestamp: t0 + at, value }]);
      put(1000, 10);
      put(59_000, 30);
      put(61_000, 5);
      telemetry = await reopen();
      put(2000, 20);
      telemetry.putMetrics("1", "r", [
        { ...sample, timestamp: t0 + 3000, statistics: { sum: 100, min: 1, max: 60, count: 4 } },
      ]);
      const read = (periodSeconds: number, dimensions: Record<string, string>) =>
        telemetry.readMetric("1", "r", { ...sample, dimensions, start: t0, end: t0 + 300_000, periodSeconds });
      const [minute, next] = await read(60, { A: "1", B: "2" });
      assert.ok(minute && next);
      assert.deepEqual(
        { ...minute, values: undefined },
        { timestamp: t0, unit: "Milliseconds", sum: 160, min: 1, max: 60, count: 7, values: undefined },
      );
      assert.deepEqual(
        [...(minute.values ?? [])].toSorted((a, b) => a[0] - b[0]),
        [
          [10, 1],
          [20, 1],
          [30, 1],
        ],
      );
      assert.equal(next.sum, 5);
      assert.equal((await read(300, { A: "1", B: "2" }))[0]?.count, 8);
      assert.deepEqual(await read(60, { A: "1" }), []);
      assert.deepEqual(await telemetry.listMetrics("1", "r", { namespace: "AWS/Lambda" }), [
        { namespace: "AWS/Lambda", name: "Duration", dimensions: { A: "1", B: "2" } },
      ]);
      assert.deepEqual(await telemetry.listMetrics("1", "other", {}), []);
    });

    test("usage: samples add up by hour and by what they are of, restart or not", async () => {
      const account = "usage";
      const sample = usageSample("arn:f");
      const start = Math.floor(clock.now() / 3_600_000) * 3_600_000;
      telemetry.putUsage(account, [sample, sample, { ...sample, version: "2", amount: 0.25 }]);
      telemetry.putUsage("another", [sample]);
      telemetry = await reopen();
      telemetry.putUsage(account, [sample]);
      clock.advance(3_600_000);
      telemetry.putUsage(account, [sample]);
      const amounts = async (end: number): Promise<unknown[]> =>
        (await telemetry.readUsage(account, { start, end }))
          .map(({ hour, version, amount }) => [(hour - start) / 3_600_000, version, amount])
          .toSorted();
      assert.deepEqual(await amounts(start + 3_600_000), [
        [0, "1", 3],
        [0, "2", 0.25],
      ]);
      assert.deepEqual((await amounts(start + 7_200_000)).at(-1), [1, "1", 1]);
    });

    test("metrics: what is no number is left out, and nothing beside it is lost", async () => {
      const from = clock.now();
      const of = { namespace: "Odd", name: "M", dimensions: {}, unit: "None", timestamp: from };
      const statistics = { sum: Number.NaN, min: 1, max: 2, count: 1 };
      telemetry.putMetrics("1", "r", [
        { ...of, value: Infinity },
        { ...of, value: -Infinity },
        { ...of, value: 5 },
        { ...of, statistics },
        { ...of, name: "N", statistics },
      ]);
      await telemetry.flush();
      const points = await telemetry.readMetric("1", "r", {
        ...of,
        start: from,
        end: from + MINUTE,
        periodSeconds: 60,
      });
      assert.deepEqual(
        points.map(({ sum, count }) => [sum, count]),
        [[5, 1]],
      );
    });

    test("meters: add to what puts add to, over minutes, hours and flushes", async () => {
      const metric = { namespace: "Meter", name: "M", dimensions: { A: "1" }, unit: "Count" };
      const meter = telemetry.metricMeter("1", "r", metric);
      const from = clock.now();
      meter.add(1, from);
      telemetry.putMetrics("1", "r", [{ ...metric, timestamp: from, value: 2 }]);
      await telemetry.flush();
      meter.add(4, from + 1);
      meter.add(8, from + MINUTE);
      meter.add(16, from); // late
      await clock.advance(10 * MINUTE);
      await telemetry.flush(); // the points are over
      meter.add(32, from);
      const points = await telemetry.readMetric("1", "r", {
        ...metric,
        start: from,
        end: from + 10 * MINUTE,
        periodSeconds: 60,
      });
      assert.deepEqual(
        points.map(({ sum, min, max, count }) => ({ sum, min, max, count })),
        [
          { sum: 55, min: 1, max: 32, count: 5 },
          { sum: 8, min: 8, max: 8, count: 1 },
        ],
      );
      assert.equal(points[0]?.values?.size, 5);
      const { amount: _, ...kind } = usageSample("meter");
      const used = telemetry.usageMeter("meters", kind);
      const hour = Math.floor(clock.now() / 3_600_000) * 3_600_000;
      used.add(1);
      telemetry.putUsage("meters", [usageSample("meter")]);
      await telemetry.flush();
      used.add(2);
      await clock.advance(3_600_000);
      used.add(0.5);
      const records = await telemetry.readUsage("meters", { start: hour, end: hour + 7_200_000 });
      assert.deepEqual(
        records.map((record) => [(record.hour - hour) / 3_600_000, record.amount]),
        [
          [0, 4],
          [1, 0.5],
        ],
      );
    });

    test("metrics: many different values stay within a percent and a bound, and a second is a point where asked for", async () => {
      const sample = { namespace: "N", name: "M", dimensions: {}, unit: "Count" };
      const samples = Array.from({ length: 5000 }, (_, i) => ({ ...sample, timestamp: t0, value: i + 1 }));
      telemetry.putMetrics("1", "r", samples);
      const [point] = await telemetry.readMetric("1", "r", {
        ...sample,
        start: t0,
        end: t0 + MINUTE,
        periodSeconds: 60,
      });
      assert.ok(point?.values && point.values.size < 1000);
      assert.equal(
        [...point.values.values()].reduce((a, b) => a + b),
        5000,
      );
      assert.ok([...point.values.keys()].some((v) => Math.abs(v - 2500) < 25));
      telemetry.putMetrics(
        "1",
        "r",
        [0, 1000].map((ms) => ({ ...sample, name: "S", timestamp: t0 + ms, value: 1, resolution: 1 as const })),
      );
      const seconds = await telemetry.readMetric("1", "r", {
        ...sample,
        name: "S",
        start: t0,
        end: t0 + MINUTE,
        periodSeconds: 1,
      });
      assert.deepEqual(
        seconds.map((p) => p.timestamp - t0),
        [0, 1000],
      );
    });
  });
}
