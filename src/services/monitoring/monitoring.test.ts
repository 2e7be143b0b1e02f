import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let client: CloudWatch;
before(async () => {
  app = await startTestApp();
  client = new CloudWatch(app.client);
});
after(() => app.stop());

const minute = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
const Dimensions = [{ Name: "Site", Value: "a" }];
const range = { StartTime: new Date(minute), EndTime: new Date(minute + 60_000) };

test("values and statistic sets of one minute are one data point", async () => {
  const at = (Value: number, second: number) => ({
    MetricName: "Load",
    Dimensions,
    Value,
    Unit: "Count" as const,
    Timestamp: new Date(minute + second * 1000),
  });
  const set = {
    MetricName: "Load",
    Dimensions,
    Unit: "Count" as const,
    Timestamp: new Date(minute),
    StatisticValues: { Sum: 10, Minimum: 1, Maximum: 9, SampleCount: 2 },
  };
  await client.putMetricData({ Namespace: "Own", MetricData: [at(2, 0), at(4, 30), set] });
  const query = { Namespace: "Own", MetricName: "Load", Dimensions, Period: 60, ...range };
  const { Datapoints } = await client.getMetricStatistics({
    ...query,
    Statistics: ["Sum", "Average", "Minimum", "Maximum", "SampleCount"],
  });
  assert.equal(Datapoints!.length, 1);
  const { Sum, Average, Minimum, Maximum, SampleCount, Unit } = Datapoints![0]!;
  assert.deepEqual([Sum, Average, Minimum, Maximum, SampleCount, Unit], [16, 4, 1, 9, 4, "Count"]);
});

test("statistics that are no numbers are refused", async () => {
  const StatisticValues = { Sum: Number.NaN, Minimum: 1, Maximum: 2, SampleCount: 1 };
  await assert.rejects(
    client.putMetricData({ Namespace: "Own", MetricData: [{ MetricName: "Odd", StatisticValues }] }),
    { name: "InvalidParameterValueException", message: /NaN.*StatisticValues\.Sum/ },
  );
});

test("GetMetricData answers what was asked for, by id", async () => {
  await client.putMetricData({
    Namespace: "Own",
    MetricData: [{ MetricName: "Hits", Value: 3, Timestamp: new Date(minute) }],
  });
  const MetricStat = { Metric: { Namespace: "Own", MetricName: "Hits" }, Period: 60, Stat: "Sum" };
  const { MetricDataResults } = await client.getMetricData({ ...range, MetricDataQueries: [{ Id: "h", MetricStat }] });
  assert.deepEqual(
    MetricDataResults!.map((r) => [r.Id, r.Values]),
    [["h", [3]]],
  );
});

test("a query without a unit sees what was measured in any", async () => {
  const data = (Value: number, more: object) => ({ MetricName: "Mixed", Value, Timestamp: new Date(minute), ...more });
  const MetricData = [data(50, { Unit: "Seconds" }), data(-50, {})];
  await client.putMetricData({ Namespace: "Own", MetricData });
  const query = (Id: string, more: object) => ({
    Id,
    MetricStat: { Metric: { Namespace: "Own", MetricName: "Mixed" }, Period: 60, Stat: "SampleCount", ...more },
  });
  const MetricDataQueries = [query("any", {}), query("one", { Unit: "Seconds" })];
  const { MetricDataResults } = await client.getMetricData({ MetricDataQueries, ...range });
  assert.deepEqual(
    MetricDataResults!.map((r) => r.Values),
    [[2], [1]],
  );
});

test("ListMetrics filters by namespace, name and dimension", async () => {
  await client.putMetricData({
    Namespace: "Listed",
    MetricData: [
      { MetricName: "A", Value: 1, Dimensions },
      { MetricName: "B", Value: 1 },
    ],
  });
  const { Metrics } = await client.listMetrics({ Namespace: "Listed", Dimensions: [{ Name: "Site" }] });
  assert.deepEqual(Metrics, [{ Namespace: "Listed", MetricName: "A", Dimensions }]);
});

test("metrics of entities are metrics; those of other accounts are none, or refused", async () => {
  const MetricData = [{ MetricName: "Of", Value: 1 }];
  const Entity = { KeyAttributes: { Type: "Service", Name: "shop" } };
  await client.putMetricData({ Namespace: "Entities", EntityMetricData: [{ Entity, MetricData }] });
  const listed = await client.listMetrics({ Namespace: "Entities", IncludeLinkedAccounts: true });
  assert.deepEqual([listed.Metrics?.map((m) => m.MetricName), listed.OwningAccounts], [["Of"], ["000000000000"]]);
  const others = await client.listMetrics({ Namespace: "Entities", OwningAccount: "111111111111" });
  assert.deepEqual(others.Metrics ?? [], []);
  const MetricStat = { Metric: { Namespace: "Entities", MetricName: "Of" }, Period: 60, Stat: "Sum" };
  const asked = { StartTime: new Date(0), EndTime: new Date(60_000) };
  const query = { Id: "a", AccountId: "111111111111", MetricStat };
  await assert.rejects(client.getMetricData({ ...asked, MetricDataQueries: [query] }), { name: "NotImplemented" });
});

test("a namespace of AWS's, a bad period and too many points are refused", async () => {
  await assert.rejects(client.putMetricData({ Namespace: "AWS/Lambda", MetricData: [{ MetricName: "A", Value: 1 }] }), {
    name: /InvalidParameterValue/,
  });
  const query = { Namespace: "Own", MetricName: "Load", Statistics: ["Sum" as const] };
  await assert.rejects(client.getMetricStatistics({ ...query, ...range, Period: 61 }), /Period must be/);
  const StartTime = new Date(minute - 3 * 86_400_000);
  await assert.rejects(
    client.getMetricStatistics({ ...query, StartTime, EndTime: range.EndTime, Period: 60 }),
    /exceeds the limit of 1440/,
  );
});

test("what was measured before a reset adds to nothing after it", async () => {
  const own = await startTestApp({ env: { STARLING_RESET: "on" } });
  try {
    const cloudWatch = new CloudWatch(own.client);
    const put = (Value: number) =>
      cloudWatch.putMetricData({
        Namespace: "Reset",
        MetricData: [{ MetricName: "M", Value, Timestamp: new Date(minute) }],
      });
    await put(5);
    assert.equal((await fetch(`${own.endpoint}/_starling/reset`, { method: "POST" })).status, 200);
    await put(2);
    const { Datapoints } = await cloudWatch.getMetricStatistics({
      ...range,
      Namespace: "Reset",
      MetricName: "M",
      Period: 60,
      Statistics: ["Sum"],
    });
    assert.deepEqual(
      Datapoints!.map((d) => d.Sum),
      [2],
    );
  } finally {
    await own.stop();
  }
});
