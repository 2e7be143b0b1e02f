import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type { Context } from "../../aws/context.ts";

/** A metric filter of a group. */
export interface MetricFilter {
  readonly name: string;
  readonly pattern: string;
  readonly created: number;
  readonly transformation: Logs.MetricTransformation;
}

/** A subscription filter of a group. */
export interface SubscriptionFilter {
  readonly name: string;
  readonly pattern: string;
  readonly created: number;
  readonly destination: string;
  readonly distribution: Logs.Distribution;
}

/** All filters of one group: one record, by the group's name. */
export interface GroupFilters {
  readonly metric: readonly MetricFilter[];
  readonly subscription: readonly SubscriptionFilter[];
}

export const NO_FILTERS: GroupFilters = { metric: [], subscription: [] };

/** Tells a start which groups have filters, in which region. */
export interface FilteredGroup {
  readonly region: string;
  readonly group: string;
}

export const filteredId = (region: string, group: string): string => `${region}:${group}`;

export async function filtersOf(ctx: Context<any>, group: string): Promise<GroupFilters> {
  return (await ctx.records.getShared<GroupFilters>("filters", group))?.value ?? NO_FILTERS;
}
