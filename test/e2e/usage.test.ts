import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CostExplorer } from "@aws-sdk/client-cost-explorer";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";
import { zip } from "../support/zip.ts";

describe("metering", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform?.stop());

  test("every call is metered as its REPORT line bills it, and stays so after kill -9", async () => {
    const iam = new IAM(platform.client);
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    const { Role } = await iam.createRole({ RoleName: "fn", AssumeRolePolicyDocument: JSON.stringify(trust) });
    const lambda = new Lambda(platform.client);
    await lambda.createFunction({
      FunctionName: "metered",
      Role: Role!.Arn!,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      MemorySize: 512,
      EphemeralStorage: { Size: 1536 },
      Code: {
        ZipFile: await zip({ "index.js": "exports.handler = async (e) => { if (e.fail) throw new Error('x') }" }),
      },
    });
    let billedMs = 0;
    for (const event of [{}, {}, { fail: true }]) {
      const { LogResult } = await lambda.invoke({
        FunctionName: "metered",
        Payload: JSON.stringify(event),
        LogType: "Tail",
      });
      const report = Buffer.from(LogResult!, "base64").toString();
      billedMs += Number(/Billed Duration: (\d+) ms/.exec(report)![1]);
    }
    const ce = new CostExplorer(platform.client);
    const day = (offset: number): string => new Date(Date.now() + offset * 24 * 3_600_000).toISOString().slice(0, 10);
    const used = async (): Promise<Record<string, number>> => {
      const { ResultsByTime } = await ce.getCostAndUsageWithResources({
        TimePeriod: { Start: day(-1), End: day(1) },
        Granularity: "MONTHLY",
        Metrics: ["UsageQuantity"],
        Filter: {
          Dimensions: { Key: "RESOURCE_ID", Values: ["arn:aws:lambda:us-east-1:000000000000:function:metered"] },
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
