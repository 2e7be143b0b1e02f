import type * as CostExplorer from "@aws-sdk/client-cost-explorer";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { filterOf } from "../filter.ts";
import { lineItem, type LineItem } from "../line-items.ts";
import { invalid, onAll } from "../model.ts";
import { periodsOf, type Granularity } from "../periods.ts";
import type { CostState } from "../prices.ts";

/** Nothing is discounted or split up here, so all kinds of cost are the same. */
const COSTS = ["AmortizedCost", "BlendedCost", "NetAmortizedCost", "NetUnblendedCost", "UnblendedCost"];
const AMOUNTS = ["NormalizedUsageAmount", "UsageQuantity"];
const MAX_GROUPS_BY = 2;

type Input = CostExplorer.GetCostAndUsageCommandInput;
type Group = NonNullable<Input["GroupBy"]>[number];

/** The line items of a time, by the account's usage and the prices of now. */
export async function lineItems(ctx: Context<CostState>, time: { start: number; end: number }): Promise<LineItem[]> {
  const records = await ctx.platform.telemetry.readUsage(ctx.account, time);
  return records.map((record) => lineItem(ctx.account, record, ctx.state.prices));
}

async function report(
  ctx: Context<CostState>,
  input: Input,
  options: { resources: boolean },
): Promise<CostExplorer.GetCostAndUsageResponse> {
  const metrics = checkedMetrics(input.Metrics ?? []);
  const groups = checkedGroups(input.GroupBy ?? [], options);
  const periods = periodsOf(input.TimePeriod, input.Granularity as Granularity);
  const passes = filterOf(input.Filter);
  const all = await lineItems(ctx, { start: periods[0]!.start, end: periods.at(-1)!.end });
  const items = all.filter(passes);
  return {
    ...(groups.length ? { GroupDefinitions: groups } : {}),
    ResultsByTime: periods.map(({ Start, End, start, end }) => {
      const within = items.filter(({ hour }) => hour >= start && hour < end);
      const byKeys = Map.groupBy(within, (item) => JSON.stringify(groups.map((group) => keyOf(item, group))));
      return {
        TimePeriod: { Start, End },
        Total: groups.length ? {} : sums(within, metrics),
        Groups: groups.length
          ? [...byKeys]
              .toSorted(([a], [b]) => (a < b ? -1 : 1))
              .map(([keys, some]) => ({ Keys: JSON.parse(keys) as string[], Metrics: sums(some, metrics) }))
          : [],
        Estimated: end > ctx.now(),
      };
    }),
    DimensionValueAttributes: [],
  };
}

function checkedMetrics(metrics: readonly string[]): readonly string[] {
  if (metrics.length === 0) throw invalid("Metrics cannot be empty");
  for (const metric of metrics)
    if (!COSTS.includes(metric) && !AMOUNTS.includes(metric))
      throw invalid(`Invalid Metrics value: ${metric}. Valid values are ${[...COSTS, ...AMOUNTS].join(", ")}`);
  return metrics;
}

function checkedGroups(groups: readonly Group[], { resources }: { resources: boolean }): Group[] {
  if (groups.length > MAX_GROUPS_BY) throw invalid(`GroupBy can have at most ${MAX_GROUPS_BY} groups`);
  for (const { Type, Key } of groups) {
    if (!Type || !Key) throw invalid("A group must have a Type and a Key");
    if (Type === "DIMENSION" && Key === "RESOURCE_ID" && !resources)
      throw invalid("RESOURCE_ID is only supported by GetCostAndUsageWithResources");
  }
  return groups.map(({ Type, Key }) => ({ Type, Key }));
}

/** The value of a group, as AWS writes it: a tag with its key before it, a missing dimension by its name. */
function keyOf(item: LineItem, { Type, Key = "" }: Group): string {
  if (Type === "TAG") return `${Key}$${item.tags[Key] ?? ""}`;
  if (Type === "COST_CATEGORY") return `${Key}$`;
  const noName = (): string => Key.replace(/(^|_)(\w)(\w*)/g, (_, __, first, rest) => first + rest.toLowerCase());
  return item.dimensions[Key] ?? `No${noName()}`;
}

function sums(items: readonly LineItem[], metrics: readonly string[]): Record<string, CostExplorer.MetricValue> {
  const units = new Set(items.map(({ unit }) => unit));
  const amountUnit = units.size === 1 ? [...units][0] : "N/A";
  const sum = (read: (item: LineItem) => number): string =>
    items
      .reduce((total, item) => total + read(item), 0)
      .toFixed(10)
      .replace(/\.?0+$/, "");
  return Object.fromEntries(
    metrics.map((metric) => [
      metric,
      COSTS.includes(metric)
        ? { Amount: sum(({ cost }) => cost), Unit: "USD" }
        : { Amount: sum(({ amount }) => amount), Unit: amountUnit },
    ]),
  );
}

export const costAndUsage = operations<typeof CostExplorer, CostState>()({
  GetCostAndUsage: {
    permissions: onAll("GetCostAndUsage"),
    run: (ctx, input) => report(ctx, input, { resources: false }),
  },
  GetCostAndUsageWithResources: {
    permissions: onAll("GetCostAndUsageWithResources"),
    run: (ctx, input) => report(ctx, input as Input, { resources: true }),
  },
});
