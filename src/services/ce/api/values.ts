import type * as CostExplorer from "@aws-sdk/client-cost-explorer";
import { operations } from "../../../aws/service.ts";
import { filterOf } from "../filter.ts";
import { invalid, onAll } from "../model.ts";
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

/** A page of values, and what is said of it. */
function paged(found: readonly string[], { MaxResults, NextPageToken = "0" }: Paging) {
  const start = Number(NextPageToken);
  if (!Number.isSafeInteger(start) || start < 0) throw invalid("The NextPageToken is not one of this request.");
  const end = MaxResults ? start + MaxResults : found.length;
  const values = found.slice(start, end);
  return {
    values,
    sizes: {
      ReturnSize: values.length,
      TotalSize: found.length,
      ...(end < found.length ? { NextPageToken: String(end) } : {}),
    },
  };
}

interface Paging {
  readonly MaxResults?: number | undefined;
  readonly NextPageToken?: string | undefined;
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
      const page = paged(found, input);
      return { DimensionValues: page.values.map((Value) => ({ Value, Attributes: {} })), ...page.sizes };
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
      const page = paged(found, input);
      return { Tags: page.values, ...page.sizes };
    },
  },
});
