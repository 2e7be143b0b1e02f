import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CostExplorer } from "@aws-sdk/client-cost-explorer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UsageSample } from "../../ports/telemetry.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { readPrices } from "./prices.ts";

const DAY = 24 * 3_600_000;
const date = (time: number): string => new Date(time).toISOString().slice(0, 10);

describe("Cost Explorer", () => {
  let app: TestApp;
  let ce: CostExplorer;
  const project = "arn:aws:codestar:us-east-1:000000000000:project/shop";
  const resource = "arn:aws:lambda:us-east-1:000000000000:function:f";
  before(async () => {
    app = await startTestApp();
    ce = new CostExplorer(app.client);
    const use = (usageType: string, amount: number, more: Partial<UsageSample> = {}): UsageSample => ({
      region: "us-east-1",
      service: "AWS Lambda",
      operation: "Invoke",
      version: "1",
      project: "",
      resource,
      usageType,
      amount,
      ...more,
    });
    app.running.platform.telemetry.putUsage("000000000000", [
      use("Request", 3),
      use("Lambda-GB-Second", 60),
      use("Request", 1, { version: "2", project }),
      use("Request", 5, { region: "eu-west-1", resource: "arn:aws:lambda:eu-west-1:000000000000:function:g" }),
    ]);
  });
  after(() => app.stop());

  const today = (): { Start: string; End: string } => ({ Start: date(Date.now()), End: date(Date.now() + DAY) });
  const group = (Type: "DIMENSION" | "TAG", Key: string) => ({ Type, Key });

  test("usage and cost by usage type, at AWS's prices, with the region's prefix", async () => {
    const { ResultsByTime } = await ce.getCostAndUsage({
      TimePeriod: today(),
      Granularity: "DAILY",
      Metrics: ["UnblendedCost", "UsageQuantity"],
      GroupBy: [group("DIMENSION", "USAGE_TYPE")],
    });
    const rows = ResultsByTime![0]!.Groups!.map(({ Keys, Metrics }) => [
      Keys![0],
      Metrics!["UsageQuantity"]!.Amount,
      Metrics!["UsageQuantity"]!.Unit,
      Metrics!["UnblendedCost"]!.Amount,
      Metrics!["UnblendedCost"]!.Unit,
    ]);
    assert.deepEqual(rows, [
      ["EU-Request", "5", "Requests", "0.000001", "USD"],
      ["Lambda-GB-Second", "60", "Lambda-GB-Second", "0.001000002", "USD"],
      ["Request", "4", "Requests", "0.0000008", "USD"],
    ]);
  });

  test("by function and version, of one project, and in the hours of a day", async () => {
    const { ResultsByTime } = await ce.getCostAndUsageWithResources({
      TimePeriod: today(),
      Granularity: "DAILY",
      Metrics: ["UsageQuantity"],
      Filter: { Tags: { Key: "awscodestar:projectArn", Values: [project] } },
      GroupBy: [group("DIMENSION", "RESOURCE_ID"), group("TAG", "starling:version")],
    });
    assert.deepEqual(
      ResultsByTime![0]!.Groups!.map(({ Keys, Metrics }) => [Keys, Metrics!["UsageQuantity"]!.Amount]),
      [[[resource, "starling:version$2"], "1"]],
    );
    const start = Math.floor(Date.now() / DAY) * DAY;
    const hours = await ce.getCostAndUsage({
      TimePeriod: {
        Start: `${new Date(start).toISOString().slice(0, 19)}Z`,
        End: `${new Date(start + DAY).toISOString().slice(0, 19)}Z`,
      },
      Granularity: "HOURLY",
      Metrics: ["UsageQuantity"],
      Filter: {
        And: [
          { Dimensions: { Key: "OPERATION", Values: ["Invoke"] } },
          { Not: { Dimensions: { Key: "REGION", Values: ["eu-west-1"] } } },
        ],
      },
    });
    const amounts = hours.ResultsByTime!.map(({ Total }) => Number(Total!["UsageQuantity"]!.Amount));
    assert.deepEqual([amounts.length, amounts.reduce((a, b) => a + b)], [24, 64]);
  });

  test("the values of dimensions and tags", async () => {
    const { DimensionValues } = await ce.getDimensionValues({ TimePeriod: today(), Dimension: "REGION" });
    assert.deepEqual(
      DimensionValues?.map(({ Value }) => Value),
      ["eu-west-1", "us-east-1"],
    );
    const regions = { TimePeriod: today(), Dimension: "REGION" as const, MaxResults: 1 };
    const first = await ce.getDimensionValues(regions);
    const second = await ce.getDimensionValues({ ...regions, NextPageToken: first.NextPageToken });
    assert.deepEqual(
      [first, second].map((page) => [page.DimensionValues![0]!.Value, page.ReturnSize, page.TotalSize]),
      [
        ["eu-west-1", 1, 2],
        ["us-east-1", 1, 2],
      ],
    );
    assert.equal(second.NextPageToken, undefined);
    const { Tags } = await ce.getTags({ TimePeriod: today(), TagKey: "awscodestar:projectArn" });
    assert.deepEqual(Tags, [project]);
  });

  test("refuses what is malformed", async () => {
    const base = { TimePeriod: today(), Granularity: "DAILY" as const, Metrics: ["UnblendedCost"] };
    const refused = (more: object, message: RegExp) =>
      assert.rejects(ce.getCostAndUsage({ ...base, ...more }), { name: "ValidationException", message });
    await refused({ Metrics: ["Money"] }, /Invalid Metrics value/);
    await refused({ TimePeriod: { Start: "2026-01-02", End: "2026-01-02" } }, /should be before/);
    await refused({ TimePeriod: { Start: "1999-01-02", End: "2026-01-02" } }, /14 months/);
    await refused({ GroupBy: [group("DIMENSION", "RESOURCE_ID")] }, /WithResources/);
    await refused({ Filter: {} }, /exactly one/);
  });

  test("a price table in the data directory replaces prices, and a wrong one is named", () => {
    const folder = mkdtempSync(join(tmpdir(), "starling-prices-"));
    const file = join(folder, "prices.json");
    try {
      assert.equal(readPrices(folder).get("Request")?.price, 0.0000002);
      writeFileSync(file, '{"Request": {"price": 1, "unit": "Requests"}}');
      const prices = readPrices(folder);
      assert.deepEqual([prices.get("Request")?.price, prices.get("Lambda-GB-Second")?.price], [1, 0.0000166667]);
      writeFileSync(file, '{"Request": {"price": "1"}}');
      assert.throws(() => readPrices(folder), { message: new RegExp(`${file}: "Request" must be like`) });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
