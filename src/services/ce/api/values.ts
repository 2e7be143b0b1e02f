import type * as CostExplorer from "@aws-sdk/client-cost-explorer";
import { operations } from "../../../aws/service.ts";
import { filterOf } from "../filter.ts";
import { onAll } from "../model.ts";
import { timeOf } from "../periods.ts";
import type { CostState } from "../prices.ts";
import { lineItems } from "./cost-and-usage.ts";

const timesOf = (period: CostExplorer.DateInterval | undefined): { start: number; end: number } => ({
  start: timeOf(period?.Start, false),
  end: timeOf(period?.End, false),
});

/** Each once, in order, those that contain what is searched. */
function distinct(values: Iterable<string | undefined>, search = ""): string[] {
  const present = [...values].filter((value) => value !== undefined && value.includes(search)) as string[];
  return [...new Set(present)].toSorted();
}

export const values = operations<typeof CostExplorer, CostState>()({
  GetDimensionValues: {
    permissions: onAll("GetDimensionValues"),
    async run(ctx, input) {
      const items = (await lineItems(ctx, timesOf(input.TimePeriod))).filter(filterOf(input.Filter));
      const found = distinct(
        items.map(({ dimensions }) => dimensions[String(input.Dimension)]),
        input.SearchString,
      );
      return {
        DimensionValues: found.map((Value) => ({ Value, Attributes: {} })),
        ReturnSize: found.length,
        TotalSize: found.length,
      };
    },
  },
  GetTags: {
    permissions: onAll("GetTags"),
    async run(ctx, input) {
      const items = (await lineItems(ctx, timesOf(input.TimePeriod))).filter(filterOf(input.Filter));
      const { TagKey } = input;
      const found = distinct(
        TagKey === undefined ? items.flatMap(({ tags }) => Object.keys(tags)) : items.map(({ tags }) => tags[TagKey]),
        input.SearchString,
      );
      return { Tags: found, ReturnSize: found.length, TotalSize: found.length };
    },
  },
});
