import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CostExplorer } from "@aws-sdk/client-cost-explorer";
import { functionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

describe("metering", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform?.stop());

  test("every call is metered as its REPORT line bills it, and stays so after kill -9", async () => {
    const { create, call } = await functionKit(platform.client);
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
