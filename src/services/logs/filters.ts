import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type { Context } from "../../aws/context.ts";
import { operations } from "../../aws/service.ts";
import { AwsError, notImplemented } from "../../kernel/aws-error.ts";
import { GuardFailed } from "../../ports/database.ts";
import { existingGroup, onGroup } from "./access.ts";
import { compileLogFilter } from "./filter-pattern.ts";
import {
  filteredId,
  filtersOf,
  NO_FILTERS,
  type GroupFilters,
  type MetricFilter,
  type SubscriptionFilter,
} from "./filter-model.ts";
import { groupArn, groupName, invalid } from "./model.ts";
import { pageOf } from "./page.ts";
import { invoke } from "./subscriptions.ts";
import type { LogWatch } from "./watch.ts";

const MAX_METRIC_FILTERS = 100;
const MAX_SUBSCRIPTIONS = 2;
const DEFAULT_PAGE = 50;
const MAX_TESTED = 50;
const MAX_TRIES = 20;

const limitExceeded = (): AwsError => new AwsError("LimitExceededException", "Resource limit exceeded.", 400);
const missing = (kind: "metric" | "subscription"): AwsError =>
  new AwsError("ResourceNotFoundException", `The specified ${kind} filter does not exist.`, 400);

export const filters = operations<typeof Logs, LogWatch>()({
  PutMetricFilter: {
    permissions: onGroup("PutMetricFilter"),
    async run(ctx, input) {
      const [group, name] = [String(input.logGroupName), String(input.filterName)];
      const pattern = String(input.filterPattern);
      const [transformation] = (input.metricTransformations ?? []) as Logs.MetricTransformation[];
      compileLogFilter(pattern);
      if (!transformation) throw invalid("A metric filter has exactly one metric transformation.");
      checkNames(transformation);
      if (transformation.dimensions && transformation.defaultValue !== undefined)
        throw invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.");
      if (Object.keys(transformation.dimensions ?? {}).length > 3)
        throw invalid("Invalid metric transformation: at most 3 dimensions are supported.");
      await change(ctx, group, (before) => {
        const known = before.metric.find((f) => f.name === name);
        if (!known && before.metric.length >= MAX_METRIC_FILTERS) throw limitExceeded();
        const filter: MetricFilter = { name, pattern, transformation, created: known?.created ?? ctx.now() };
        return { ...before, metric: [...before.metric.filter((f) => f !== known), filter] };
      });
      return {};
    },
  },
  DeleteMetricFilter: {
    permissions: onGroup("DeleteMetricFilter"),
    async run(ctx, input) {
      await change(ctx, String(input.logGroupName), (before) => {
        const metric = before.metric.filter((f) => f.name !== input.filterName);
        if (metric.length === before.metric.length) throw missing("metric");
        return { ...before, metric };
      });
      return {};
    },
  },
  DescribeMetricFilters: {
    permissions: (input, ctx) => onGroup("DescribeMetricFilters")({ logGroupName: input.logGroupName ?? "*" }, ctx),
    async run(ctx, input) {
      if (input.logGroupName) await existingGroup(ctx, input.logGroupName);
      const stored = input.logGroupName
        ? [{ id: input.logGroupName, value: await filtersOf(ctx, input.logGroupName) }]
        : await ctx.records.list<GroupFilters>("filters");
      const all = stored.flatMap(({ id, value }) =>
        sortedByName(value.metric)
          .filter(
            ({ name, transformation: t }) =>
              name.startsWith(input.filterNamePrefix ?? "") &&
              (!input.metricName || t.metricName === input.metricName) &&
              (!input.metricNamespace || t.metricNamespace === input.metricNamespace),
          )
          .map((filter) => ({
            filterName: filter.name,
            filterPattern: filter.pattern,
            metricTransformations: [filter.transformation],
            creationTime: filter.created,
            logGroupName: id,
            applyOnTransformedLogs: false,
          })),
      );
      const { items, next } = pageOf(all, input.nextToken, input.limit ?? DEFAULT_PAGE);
      return { metricFilters: items, ...next };
    },
  },
  TestMetricFilter: {
    permissions: () => [{ action: "logs:TestMetricFilter", resource: "*" }],
    async run(_ctx, input) {
      const filter = compileLogFilter(String(input.filterPattern));
      const messages = input.logEventMessages ?? [];
      if (messages.length > MAX_TESTED) throw invalid(`At most ${MAX_TESTED} messages can be tested at once.`);
      return {
        matches: messages.flatMap((eventMessage, i) =>
          filter.matches(eventMessage)
            ? [{ eventNumber: i + 1, eventMessage, extractedValues: filter.extracted(eventMessage) }]
            : [],
        ),
      };
    },
  },
  PutSubscriptionFilter: {
    permissions: onGroup("PutSubscriptionFilter"),
    async run(ctx, input) {
      const [group, name] = [String(input.logGroupName), String(input.filterName)];
      const [pattern, destination] = [String(input.filterPattern), String(input.destinationArn)];
      compileLogFilter(pattern);
      await checkDestination(ctx, group, destination, input.roleArn);
      await change(ctx, group, (before) => {
        const known = before.subscription.find((f) => f.name === name);
        if (!known && before.subscription.length >= MAX_SUBSCRIPTIONS) throw limitExceeded();
        const filter: SubscriptionFilter = {
          name,
          pattern,
          destination,
          distribution: input.distribution ?? "ByLogStream",
          created: known?.created ?? ctx.now(),
        };
        return { ...before, subscription: [...before.subscription.filter((f) => f !== known), filter] };
      });
      return {};
    },
  },
  DeleteSubscriptionFilter: {
    permissions: onGroup("DeleteSubscriptionFilter"),
    async run(ctx, input) {
      await change(ctx, String(input.logGroupName), (before) => {
        const subscription = before.subscription.filter((f) => f.name !== input.filterName);
        if (subscription.length === before.subscription.length) throw missing("subscription");
        return { ...before, subscription };
      });
      return {};
    },
  },
  DescribeSubscriptionFilters: {
    permissions: onGroup("DescribeSubscriptionFilters"),
    async run(ctx, input) {
      const group = groupName(input);
      await existingGroup(ctx, group);
      const all = sortedByName((await filtersOf(ctx, group)).subscription)
        .filter((f) => f.name.startsWith(input.filterNamePrefix ?? ""))
        .map((filter) => ({
          filterName: filter.name,
          logGroupName: group,
          filterPattern: filter.pattern,
          destinationArn: filter.destination,
          distribution: filter.distribution,
          creationTime: filter.created,
          applyOnTransformedLogs: false,
        }));
      const { items, next } = pageOf(all, input.nextToken, input.limit ?? DEFAULT_PAGE);
      return { subscriptionFilters: items, ...next };
    },
  },
});

/** Names of metrics have no colon; namespaces may, though AWS's model says otherwise. */
function checkNames({ metricName, metricNamespace }: Logs.MetricTransformation): void {
  const refuse = (member: string, value: string | undefined): never => {
    throw invalid(
      `1 validation error detected: Value '${value}' at 'metricTransformations.1.member.${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*$]*`,
    );
  };
  if (/[:*$]/.test(metricName ?? "")) refuse("metricName", metricName);
  if (/[*$]/.test(metricNamespace ?? "")) refuse("metricNamespace", metricNamespace);
}

const sortedByName = <T extends { readonly name: string }>(all: readonly T[]): T[] =>
  [...all].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Writes what `make` makes of a group's filters, and lets the watch know. */
async function change(
  ctx: Context<LogWatch>,
  group: string,
  make: (before: GroupFilters) => GroupFilters,
): Promise<void> {
  await existingGroup(ctx, group);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const stored = await ctx.records.get<GroupFilters>("filters", group);
    const after = make(stored?.value ?? NO_FILTERS);
    const isEmpty = after.metric.length + after.subscription.length === 0;
    const id = filteredId(ctx.region, group);
    try {
      await ctx.records.write(
        ctx.records.put("filters", group, after, stored?.rev ?? 0),
        isEmpty
          ? ctx.globalRecords.remove("filtered", id)
          : ctx.globalRecords.put("filtered", id, { region: ctx.region, group }),
      );
    } catch (error) {
      if (error instanceof GuardFailed) continue;
      throw error;
    }
    if (isEmpty) ctx.state.unwatch(ctx.region, group);
    else ctx.state.watch(ctx.region, group);
    return;
  }
  throw new AwsError(
    "OperationAbortedException",
    "Multiple concurrent requests to update the same resource were in conflict.",
    400,
  );
}

async function checkDestination(
  ctx: Context<any>,
  group: string,
  destination: string,
  roleArn: string | undefined,
): Promise<void> {
  const [, , service, , account, kind, name] = destination.split(":");
  if ((service === "kinesis" || service === "firehose") && !roleArn)
    throw invalid(`destinationArn for vendor ${service} cannot be used without roleArn`);
  if (service !== "lambda" || kind !== "function") {
    await existingGroup(ctx, group);
    throw notImplemented(`the destination ${destination} of a subscription`);
  }
  if (account !== ctx.account)
    throw new AwsError(
      "AccessDeniedException",
      "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers.",
      400,
    );
  await existingGroup(ctx, group);
  if (roleArn) throw invalid("destinationArn for vendor lambda cannot be used with roleArn");
  if (group === `/aws/lambda/${name}`)
    throw invalid("The log group provided is reserved for the function log of the destination function.");
  try {
    await invoke(ctx, group, destination, "DryRun", "{}");
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw invalid(
      `Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function. (${groupArn(ctx.region, ctx.account, group)}: ${error.code})`,
    );
  }
}
