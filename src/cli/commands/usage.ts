import type * as CostExplorer from "@aws-sdk/client-cost-explorer";
import { PROJECT_TAG } from "../../kernel/project-tag.ts";
import { parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { connect } from "../platform.ts";
import { plain, table } from "../terminal.ts";

const USAGE = "starling usage [project] [--days <number>] [--json]";
const DAY_MS = 24 * 3_600_000;
const MAX_DAYS = 365;

/** What one function used, and what it would cost on AWS. */
interface FunctionUsage {
  readonly function: string;
  requests: number;
  gbSeconds: number;
  costUSD: number;
}

/** starling usage. */
export const usage: Command = {
  name: "usage",
  summary: "What functions used, and what it would cost on AWS",
  usage: USAGE,
  async run(args) {
    const parsed = parseArguments(args, { switches: ["--json"], values: ["--days"] });
    const [project, ...more] = parsed.words;
    const days = Number(parsed.value("--days") ?? 30);
    if (more.length > 0) throw new Error(`too many words: ${more.join(" ")}. Usage: ${USAGE}`);
    if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
      throw new Error(`--days must be a whole number from 1 to ${MAX_DAYS}`);
    const { call } = connect(args);
    const arn = project === undefined ? undefined : (await call("codestar", "DescribeProject", { id: project })).arn;
    const report = await call("ce", "GetCostAndUsageWithResources", {
      TimePeriod: { Start: date(Date.now() - (days - 1) * DAY_MS), End: date(Date.now() + DAY_MS) },
      Granularity: "DAILY",
      Metrics: ["UnblendedCost", "UsageQuantity"],
      GroupBy: [
        { Type: "DIMENSION", Key: "RESOURCE_ID" },
        { Type: "DIMENSION", Key: "USAGE_TYPE" },
      ],
      Filter: arn
        ? { Tags: { Key: PROJECT_TAG, Values: [arn] } }
        : { Dimensions: { Key: "SERVICE", Values: ["AWS Lambda"] } },
    });
    const rows = byFunction(report);
    if (parsed.has("--json")) console.log(JSON.stringify(rows, undefined, 2));
    else if (rows.length === 0) console.log(`Nothing was used in the last ${days} days.`);
    else console.log(plain(table([["FUNCTION", "REQUESTS", "GB-SECONDS", "COST ON AWS"], ...rows.map(shown)])));
    return 0;
  },
};

const date = (time: number): string => new Date(time).toISOString().slice(0, 10);

function byFunction(report: CostExplorer.GetCostAndUsageWithResourcesCommandOutput): FunctionUsage[] {
  const all = new Map<string, FunctionUsage>();
  for (const { Groups = [] } of report.ResultsByTime ?? [])
    for (const { Keys: [resource = "", usageType = ""] = [], Metrics = {} } of Groups) {
      const name = resource.split(":").at(-1) ?? resource;
      const one = all.get(name) ?? { function: name, requests: 0, gbSeconds: 0, costUSD: 0 };
      const amount = Number(Metrics["UsageQuantity"]?.Amount);
      if (usageType.includes("Request")) one.requests += amount;
      if (usageType.includes("Lambda-GB-Second") || usageType.includes("Provisioned-GB-Second"))
        one.gbSeconds += amount;
      one.costUSD += Number(Metrics["UnblendedCost"]?.Amount);
      all.set(name, one);
    }
  return [...all.values()].toSorted((a, b) => b.costUSD - a.costUSD);
}

const shown = (row: FunctionUsage): string[] => [
  row.function,
  String(row.requests),
  row.gbSeconds.toFixed(3),
  `$${row.costUSD.toFixed(row.costUSD < 0.01 ? 8 : 2)}`,
];
