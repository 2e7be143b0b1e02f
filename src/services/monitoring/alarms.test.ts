import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { FakeClock } from "../../kernel/clock.ts";

let app: TestApp;
const clock = new FakeClock(Math.floor(Date.now() / 60_000) * 60_000 + 30_000);
before(async () => {
  app = await startTestApp({ clock });
});
after(() => app.stop());

/** A client that signs by the platform's time. */
const client = (): CloudWatch => new CloudWatch({ ...app.client, systemClockOffset: clock.now() - Date.now() });

const alarm = (AlarmName: string, more: object = {}) => ({
  AlarmName,
  Namespace: "Own",
  MetricName: AlarmName,
  Statistic: "Sum" as const,
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 5,
  ComparisonOperator: "GreaterThanThreshold" as const,
  ...more,
});

async function described(name: string) {
  const types = { AlarmTypes: ["MetricAlarm" as const, "CompositeAlarm" as const] };
  const { MetricAlarms = [], CompositeAlarms = [] } = await client().describeAlarms({ AlarmNames: [name], ...types });
  return [...MetricAlarms, ...CompositeAlarms][0];
}

/** The alarm once it is in the state, looked at again and again as workers need a moment. */
async function becomes(name: string, state: string) {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const found = await described(name);
    if (found?.StateValue === state || Date.now() > deadline) {
      assert.equal(found?.StateValue, state);
      return found!;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("an alarm follows its metric by itself, and its history tells of it", async () => {
  await client().putMetricAlarm(alarm("load", { TreatMissingData: "notBreaching" }));
  const fresh = await described("load");
  assert.equal(fresh?.StateValue, "INSUFFICIENT_DATA");
  assert.equal(fresh?.StateReason, "Unchecked: Initial alarm creation");
  const Timestamp = new Date(clock.now());
  await client().putMetricData({ Namespace: "Own", MetricData: [{ MetricName: "load", Value: 7, Timestamp }] });
  await clock.advance(60_000);
  const found = await becomes("load", "ALARM");
  assert.match(
    found.StateReason!,
    /^Threshold Crossed: 1 datapoint \[7\.0 \(.*\)\] was greater than the threshold \(5\.0\)/,
  );
  assert.deepEqual(JSON.parse(found.StateReasonData!).recentDatapoints, [7]);
  await clock.advance(240_000);
  assert.match((await becomes("load", "OK")).StateReason!, /no datapoints were received for 1 period/);
  const { AlarmHistoryItems = [] } = await client().describeAlarmHistory({ AlarmName: "load" });
  const summaries = AlarmHistoryItems.filter((i) => i.HistoryItemType === "StateUpdate").map((i) => i.HistorySummary);
  assert.deepEqual(summaries, ["Alarm updated from ALARM to OK", "Alarm updated from INSUFFICIENT_DATA to ALARM"]);
});

test("a composite alarm follows the alarms of its rule", async () => {
  await client().putMetricAlarm(alarm("one"));
  await client().putMetricAlarm(alarm("two"));
  await client().putCompositeAlarm({ AlarmName: "both", AlarmRule: 'ALARM("one") AND NOT (OK(two) OR FALSE)' });
  const parents = async (ParentsOfAlarmName: string) =>
    (await client().describeAlarms({ ParentsOfAlarmName })).CompositeAlarms?.map((a) => a.AlarmName);
  assert.deepEqual([await parents("one"), await parents("both")], [["both"], []]);
  await becomes("both", "OK");
  await client().setAlarmState({ AlarmName: "one", StateValue: "ALARM", StateReason: "by hand" });
  await becomes("both", "ALARM");
  await clock.advance(1000);
  await client().setAlarmState({ AlarmName: "two", StateValue: "OK", StateReason: "by hand" });
  assert.match((await becomes("both", "OK")).StateReason!, /alarm:two transitioned to OK at/);
  for (const rule of ["ALARM(", 'ALARM("one") ALARM("two")', "one"])
    await assert.rejects(client().putCompositeAlarm({ AlarmName: "bad", AlarmRule: rule }), /invalid syntax/);
});

test("what an alarm cannot be is refused", async () => {
  const cases: [object, RegExp][] = [
    [{ Statistic: undefined }, /Exactly one of Statistic/],
    [{ DatapointsToAlarm: 2 }, /DatapointsToAlarm must be/],
    [{ TreatMissingData: "x" }, /is not supported for TreatMissingData/],
    [{ AlarmActions: ["arn:aws:ec2:us-east-1::x"] }, /does not implement/],
  ];
  for (const [more, message] of cases) await assert.rejects(client().putMetricAlarm(alarm("bad", more)), { message });
  await assert.rejects(client().setAlarmState({ AlarmName: "none", StateValue: "OK", StateReason: "x" }), {
    name: "ResourceNotFound",
  });
});

test("metric math: operators, functions, missing points, and expressions of expressions", async () => {
  const minute = Math.floor(clock.now() / 60_000) * 60_000 - 600_000;
  const at = (MetricName: string, Value: number, index: number) => ({
    MetricName,
    Value,
    Timestamp: new Date(minute + index * 60_000),
  });
  const MetricData = [at("a", 4, 0), at("a", 6, 1), at("b", 2, 0), at("b", 0, 1), at("b", 1, 2)];
  await client().putMetricData({ Namespace: "Math", MetricData });
  const metric = (Id: string) => ({
    Id,
    ReturnData: false,
    MetricStat: { Metric: { Namespace: "Math", MetricName: Id }, Period: 60, Stat: "Sum" },
  });
  const values = async (Expression: string): Promise<number[]> => {
    const { MetricDataResults } = await client().getMetricData({
      StartTime: new Date(minute),
      EndTime: new Date(minute + 180_000),
      ScanBy: "TimestampAscending",
      MetricDataQueries: [
        metric("a"),
        metric("b"),
        { Id: "s", Expression: "a+b", ReturnData: false },
        { Id: "e", Expression },
      ],
    });
    return MetricDataResults![0]!.Values!;
  };
  assert.deepEqual(
    await values("100 * a / s"),
    [100 * (4 / 6), 100].map((v) => (v === 100 ? 100 : (100 * 4) / 6)),
  );
  assert.deepEqual(await values("a / b"), [2], "a division by zero is no point");
  assert.deepEqual(await values("SUM(METRICS())"), [6, 6, 1]);
  assert.deepEqual(await values("FILL(a, 0) + b"), [6, 6, 1]);
  assert.deepEqual(await values("FILL(a, REPEAT)"), [4, 6, 6]);
  assert.deepEqual(await values("IF(b > 0, a, -1)"), [4, -1]);
  assert.deepEqual(await values("RUNNING_SUM(b)"), [2, 2, 3]);
  assert.deepEqual(await values("a - MIN(a) ^ 2 + 1"), [-11, -9]);
  for (const wrong of ["a +", "a b", "nothing", "e", "SUM(a,b)", "1"])
    await assert.rejects(values(wrong), { name: "ValidationException" }, wrong);
});

test("dashboards are kept, listed and deleted", async () => {
  const DashboardBody = JSON.stringify({ widgets: [] });
  await client().putDashboard({ DashboardName: "main", DashboardBody });
  const { DashboardEntries } = await client().listDashboards({ DashboardNamePrefix: "ma" });
  assert.deepEqual(
    DashboardEntries!.map((d) => [d.DashboardName, d.Size]),
    [["main", 14]],
  );
  const { DashboardArn, ...got } = await client().getDashboard({ DashboardName: "main" });
  assert.equal(got.DashboardBody, DashboardBody);
  assert.equal(DashboardArn, "arn:aws:cloudwatch::000000000000:dashboard/main");
  await assert.rejects(client().putDashboard({ DashboardName: "main", DashboardBody: "[" }), /valid JSON object/);
  await assert.rejects(client().deleteDashboards({ DashboardNames: ["main", "none"] }), /does not exist/);
  await client().deleteDashboards({ DashboardNames: ["main"] });
  await assert.rejects(client().getDashboard({ DashboardName: "main" }), /Dashboard main does not exist/);
});

test("alarms have tags", async () => {
  await client().putMetricAlarm(alarm("tagged", { Tags: [{ Key: "a", Value: "1" }] }));
  const ResourceARN = (await described("tagged"))!.AlarmArn!;
  await client().tagResource({ ResourceARN, Tags: [{ Key: "b", Value: "2" }] });
  await client().untagResource({ ResourceARN, TagKeys: ["a"] });
  assert.deepEqual((await client().listTagsForResource({ ResourceARN })).Tags, [{ Key: "b", Value: "2" }]);
});
