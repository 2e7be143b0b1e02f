import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import { operations, type Permission } from "../../aws/service.ts";
import { checkPeriod, dimensionMap, invalid, samplesOf } from "./metric-input.ts";
import { isSeries, type MathValue, type Series } from "./metric-math.ts";
import { evaluateQueries, labelOf, type MetricQuery } from "./metric-queries.ts";
import { statistic } from "./statistics.ts";

const MAX_POINTS = 1440;
const LIST_PAGE = 500;
const MAX_DATA_POINTS = 100_800;

const on = (action: string) => (): Permission[] => [{ action: `cloudwatch:${action}`, resource: "*" }];

const dimensionList = (dimensions: Readonly<Record<string, string>>) =>
  Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));

/** Times of requests count whole seconds. */
const seconds = (time: Date | undefined): number => Math.floor(new Date(time ?? Number.NaN).getTime() / 1000) * 1000;

/** The place of a list that a token names. */
function placeOf(token: string | undefined): number {
  if (token !== undefined && !/^\d{1,9}$/.test(token)) throw invalid("Request parameter NextToken is invalid");
  return Number(token ?? 0);
}

export const metrics = operations<typeof CloudWatch, undefined>()({
  PutMetricData: {
    permissions: (input) => [
      { action: "cloudwatch:PutMetricData", resource: "*", conditions: { "cloudwatch:namespace": input.Namespace } },
    ],
    async run(ctx, input) {
      const namespace = String(input.Namespace);
      if (namespace.startsWith("AWS/")) throw invalid("The value AWS/ for parameter Namespace is invalid.");
      // Entities are hints for Application Signals; their metrics are metrics like others.
      const ofEntities = (input.EntityMetricData ?? []).flatMap((one) => one.MetricData ?? []);
      const samples = [...(input.MetricData ?? []), ...ofEntities].flatMap((datum, i) =>
        samplesOf(ctx, namespace, datum as CloudWatch.MetricDatum, i),
      );
      ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, samples);
      return {};
    },
  },
  ListMetrics: {
    permissions: on("ListMetrics"),
    async run(ctx, input) {
      const filter = {
        ...(input.Namespace ? { namespace: input.Namespace } : {}),
        ...(input.MetricName ? { name: input.MetricName } : {}),
      };
      if (input.OwningAccount && input.OwningAccount !== ctx.account) return { Metrics: [] };
      const wanted = input.Dimensions ?? [];
      const all = (await ctx.platform.telemetry.listMetrics(ctx.account, ctx.region, filter)).filter((m) =>
        wanted.every(
          (d) =>
            d.Name !== undefined &&
            d.Name in m.dimensions &&
            (d.Value === undefined || m.dimensions[d.Name] === d.Value),
        ),
      );
      const start = placeOf(input.NextToken);
      const page = all.slice(start, start + LIST_PAGE);
      return {
        Metrics: page.map((m) => ({
          Namespace: m.namespace,
          MetricName: m.name,
          Dimensions: dimensionList(m.dimensions),
        })),
        ...(input.IncludeLinkedAccounts ? { OwningAccounts: page.map(() => ctx.account) } : {}),
        ...(start + LIST_PAGE < all.length ? { NextToken: String(start + LIST_PAGE) } : {}),
      };
    },
  },
  GetMetricStatistics: {
    permissions: on("GetMetricStatistics"),
    async run(ctx, input) {
      const periodSeconds = checkPeriod(input.Period);
      const [start, end] = [seconds(input.StartTime), seconds(input.EndTime)];
      if (!(start < end)) throw invalid("The parameter StartTime must be less than the parameter EndTime.");
      const names = [...(input.Statistics ?? []), ...(input.ExtendedStatistics ?? [])];
      if (names.length === 0)
        throw invalid("Must specify either Statistics or ExtendedStatistics", "InvalidParameterCombination");
      if ((end - start) / 1000 / periodSeconds > MAX_POINTS) {
        throw invalid(
          `You have requested up to ${Math.ceil((end - start) / 1000 / periodSeconds)} datapoints, which exceeds the limit of ${MAX_POINTS}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
          "InvalidParameterCombination",
        );
      }
      const query = {
        namespace: String(input.Namespace),
        name: String(input.MetricName),
        dimensions: dimensionMap(input.Dimensions),
        start,
        end,
        periodSeconds,
      };
      const points = (await ctx.platform.telemetry.readMetric(ctx.account, ctx.region, query)).filter(
        (p) => !input.Unit || p.unit === input.Unit,
      );
      return {
        Label: input.MetricName,
        Datapoints: points.map((point) => ({
          Timestamp: new Date(point.timestamp),
          Unit: point.unit as CloudWatch.StandardUnit,
          ...Object.fromEntries((input.Statistics ?? []).map((name) => [name, statistic(point, name)])),
          ...(input.ExtendedStatistics
            ? {
                ExtendedStatistics: Object.fromEntries(
                  input.ExtendedStatistics.map((name) => [name, statistic(point, name) ?? 0]),
                ),
              }
            : {}),
        })),
      };
    },
  },
  GetMetricData: {
    permissions: on("GetMetricData"),
    async run(ctx, input) {
      const [start, end] = [seconds(input.StartTime), seconds(input.EndTime)];
      if (start === end) throw invalid("The parameter StartTime must not equal parameter EndTime.", "ValidationError");
      if (!(start < end)) throw invalid("The parameter EndTime must be greater than StartTime.", "ValidationError");
      const queries = input.MetricDataQueries ?? [];
      const values = await evaluateQueries(ctx, queries, { start, end });
      const from = placeOf(input.NextToken);
      const most = Math.min(MAX_DATA_POINTS, input.MaxDatapoints ?? MAX_DATA_POINTS);
      let next = 0;
      const results = queries.flatMap((query): CloudWatch.MetricDataResult[] => {
        if (query.ReturnData === false) return [];
        return resultsOf(query, queries, values.get(String(query.Id))!).map(({ label, points }) => {
          const ordered = [...points].sort(([a], [b]) => (input.ScanBy === "TimestampAscending" ? a - b : b - a));
          const page = ordered.slice(from, from + most);
          if (from + most < ordered.length) next = from + most;
          return {
            Id: query.Id,
            Label: label,
            Timestamps: page.map(([at]) => new Date(at)),
            Values: page.map(([, value]) => value),
            StatusCode: from + most < ordered.length ? "PartialData" : "Complete",
          };
        });
      });
      return { MetricDataResults: results, Messages: [], ...(next ? { NextToken: String(next) } : {}) };
    },
  },
});

/** The series that a query answers: an expression may make several. */
function resultsOf(
  query: MetricQuery,
  all: readonly MetricQuery[],
  value: MathValue,
): { label: string; points: Series }[] {
  const label = labelOf(query, all);
  if (typeof value === "number")
    throw invalid("Metric math expressions must return a time series or an array of time series.", "ValidationError");
  if (isSeries(value)) return [{ label, points: value }];
  return value.map((points, i) => ({ label: value.length > 1 ? `${label} ${i + 1}` : label, points }));
}
