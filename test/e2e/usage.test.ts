import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CostExplorer } from "@aws-sdk/client-cost-explorer";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

describe("metering", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: FunctionKit;
  before(async () => {
    platform = await startPlatform();
    kit = await functionKit(platform.client);
  });
  after(() => platform?.stop());

  test("CloudWatch has a call's metrics by function, resource and executed version, and for all functions", async () => {
    const { create, call, lambda } = kit;
    const source = "exports.handler = async (e) => { if (e.fail) throw new Error('x') }";
    const FunctionName = await create({ "index.js": source }, { FunctionName: "metered", Publish: true });
    await lambda.createAlias({ FunctionName, Name: "live", FunctionVersion: "1" });
    await call(FunctionName, { fail: true }, { Qualifier: "live" });
    await call(FunctionName, {});
    const metrics = new CloudWatch(platform.client);
    const sum = async (MetricName: string, dimensions: Record<string, string>): Promise<number> => {
      const { Datapoints = [] } = await metrics.getMetricStatistics({
        Namespace: "AWS/Lambda",
        MetricName,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        StartTime: new Date(Date.now() - 3_600_000),
        EndTime: new Date(Date.now() + 3_600_000),
        Period: 3600,
        Statistics: ["Sum"],
      });
      return Datapoints.reduce((total, { Sum = 0 }) => total + Sum, 0);
    };
    const live = { FunctionName, Resource: `${FunctionName}:live` };
    for (const [name, dimensions, expected] of [
      ["Invocations", { FunctionName }, 2],
      ["Invocations", { FunctionName, Resource: FunctionName }, 1],
      ["Invocations", live, 1],
      ["Invocations", { ...live, ExecutedVersion: "1" }, 1],
      ["Invocations", {}, 2],
      ["Errors", { FunctionName }, 1],
      ["Errors", { FunctionName, Resource: FunctionName }, 0],
      ["Errors", { ...live, ExecutedVersion: "1" }, 1],
      ["ConcurrentExecutions", { FunctionName }, 2],
      ["UnreservedConcurrentExecutions", {}, 2],
      ["Throttles", { FunctionName }, 0],
    ] as [string, Record<string, string>, number][])
      assert.equal(await sum(name, dimensions), expected, `${name} ${JSON.stringify(dimensions)}`);
    assert.ok((await sum("Duration", live)) > 0);
  });

  test("every call is metered as its REPORT line bills it, and stays so after kill -9", async () => {
    const { create, call } = kit;
    const name = await create(
      { "index.js": "exports.handler = async (e) => { if (e.fail) throw new Error('x') }" },
      { MemorySize: 512, EphemeralStorage: { Size: 1536 } },
    );
    let billedMs = 0;
    for (const event of [{}, {}, { fail: true }]) {
      const { log } = await call(name, event, { LogType: "Tail" });
      billedMs += Number(/Billed Duration: (\d+) ms/.exec(log)![1]);
    }
    const ce = new CostExplorer(platform.client);
    const day = (offset: number): string => new Date(Date.now() + offset * 24 * 3_600_000).toISOString().slice(0, 10);
    const used = async (): Promise<Record<string, number>> => {
      const { ResultsByTime } = await ce.getCostAndUsageWithResources({
        TimePeriod: { Start: day(-1), End: day(1) },
        Granularity: "MONTHLY",
        Metrics: ["UsageQuantity"],
        Filter: {
          Dimensions: { Key: "RESOURCE_ID", Values: [`arn:aws:lambda:us-east-1:000000000000:function:${name}`] },
        },
        GroupBy: [
          { Type: "DIMENSION", Key: "USAGE_TYPE" },
          { Type: "TAG", Key: "starling:version" },
        ],
      });
      const groups = ResultsByTime!.flatMap(({ Groups }) => Groups ?? []);
      return Object.fromEntries(groups.map((g) => [g.Keys!.join(" "), Number(g.Metrics!["UsageQuantity"]!.Amount)]));
    };
    const version = "starling:version$$LATEST";
    const expected = {
      [`Request ${version}`]: 3,
      [`Lambda-GB-Second ${version}`]: billedMs / 2000,
      [`Lambda-Storage-GB-Second ${version}`]: billedMs / 1000,
    };
    const close = (actual: Record<string, number>): void => {
      assert.deepEqual(Object.keys(actual).toSorted(), Object.keys(expected).toSorted());
      for (const [key, amount] of Object.entries(expected)) assert.ok(Math.abs(actual[key]! - amount) < 1e-6, key);
    };
    close(await used());
    await platform.kill();
    await platform.restart();
    close(await used());
  });
});
