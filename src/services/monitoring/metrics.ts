import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { Context } from "../../aws/context.ts";
import { operations, type Permission } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { MetricSample } from "../../ports/telemetry.ts";
import { isStatistic, statistic } from "./statistics.ts";

const MAX_POINTS = 1440;
const MAX_DIMENSIONS = 30;
const LIST_PAGE = 500;

const on = (action: string) => (): Permission[] => [{ action: `cloudwatch:${action}`, resource: "*" }];
const invalid = (message: string, code = "InvalidParameterValue"): AwsError => new AwsError(code, message, 400);

type Dimensions = readonly { Name?: string | undefined; Value?: string | undefined }[] | undefined;
const dimensionMap = (dimensions: Dimensions): Record<string, string> =>
  Object.fromEntries((dimensions ?? []).map((d) => [String(d.Name), String(d.Value)]));
const dimensionList = (dimensions: Readonly<Record<string, string>>) =>
  Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));

function checkPeriod(period: number | undefined): number {
  const seconds = period ?? 0;
  if (![1, 5, 10, 20, 30].includes(seconds) && (seconds < 60 || seconds % 60 !== 0))
    throw invalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  return seconds;
}

/** The samples of one datum: a value, a statistic set, or values with counts. */
function samplesOf(ctx: Context<any>, namespace: string, datum: CloudWatch.MetricDatum): MetricSample[] {
  const dimensions = dimensionMap(datum.Dimensions);
  if (Object.keys(dimensions).length > MAX_DIMENSIONS)
    throw invalid(`The collection MetricData.member.1.Dimensions must not have a size greater than ${MAX_DIMENSIONS}.`);
  const base = {
    namespace,
    name: String(datum.MetricName),
    dimensions,
    timestamp: datum.Timestamp ? new Date(datum.Timestamp).getTime() : ctx.now(),
    unit: datum.Unit ?? "None",
    ...(datum.StorageResolution === 1 ? { resolution: 1 as const } : {}),
  };
  if (datum.StatisticValues) {
    const { Sum = 0, Minimum = 0, Maximum = 0, SampleCount = 0 } = datum.StatisticValues;
    return [{ ...base, statistics: { sum: Sum, min: Minimum, max: Maximum, count: SampleCount } }];
  }
  if (datum.Values) {
    return datum.Values.map((value, i) => {
      const count = datum.Counts?.[i] ?? 1;
      return { ...base, statistics: { sum: value * count, min: value, max: value, count } };
    });
  }
  if (datum.Value === undefined || !Number.isFinite(datum.Value)) {
    throw invalid(
      "At least one of the parameters must be specified: MetricData.member.1.Value, MetricData.member.1.StatisticValues",
      "MissingParameter",
    );
  }
  return [{ ...base, value: datum.Value }];
}

export const metrics = operations<typeof CloudWatch, undefined>()({
  PutMetricData: {
    permissions: (input) => [
      { action: "cloudwatch:PutMetricData", resource: "*", conditions: { "cloudwatch:namespace": input.Namespace } },
    ],
    async run(ctx, input) {
      const namespace = String(input.Namespace);
      if (namespace.startsWith("AWS/")) throw invalid("The value AWS/ for parameter Namespace is invalid.");
      const samples = (input.MetricData ?? []).flatMap((datum) =>
        samplesOf(ctx, namespace, datum as CloudWatch.MetricDatum),
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
      const wanted = input.Dimensions ?? [];
      const all = (await ctx.platform.telemetry.listMetrics(ctx.account, ctx.region, filter)).filter((m) =>
        wanted.every(
          (d) =>
            d.Name !== undefined &&
            d.Name in m.dimensions &&
            (d.Value === undefined || m.dimensions[d.Name] === d.Value),
        ),
      );
      const start = Number(input.NextToken ?? 0);
      const page = all.slice(start, start + LIST_PAGE);
      return {
        Metrics: page.map((m) => ({
          Namespace: m.namespace,
          MetricName: m.name,
          Dimensions: dimensionList(m.dimensions),
        })),
        ...(start + LIST_PAGE < all.length ? { NextToken: String(start + LIST_PAGE) } : {}),
      };
    },
  },
  GetMetricStatistics: {
    permissions: on("GetMetricStatistics"),
    async run(ctx, input) {
      const periodSeconds = checkPeriod(input.Period);
      const [start, end] = [new Date(input.StartTime!).getTime(), new Date(input.EndTime!).getTime()];
      if (start >= end)
        throw invalid(
          "The parameter StartTime must be less than the parameter EndTime.",
          "InvalidParameterCombination",
        );
      const names = [...(input.Statistics ?? []), ...(input.ExtendedStatistics ?? [])];
      if (names.length === 0) throw invalid("Must specify either Statistics or ExtendedStatistics", "MissingParameter");
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
      const [start, end] = [new Date(input.StartTime!).getTime(), new Date(input.EndTime!).getTime()];
      if (start >= end) throw invalid("The parameter EndTime must be greater than StartTime.", "ValidationError");
      const results: CloudWatch.MetricDataResult[] = [];
      for (const query of input.MetricDataQueries ?? []) {
        if (query.ReturnData === false) continue;
        if (!query.MetricStat)
          throw new AwsError("NotImplemented", "Starling does not implement metric math expressions yet.", 501);
        const { Metric, Period, Stat } = query.MetricStat;
        if (!isStatistic(String(Stat)))
          throw invalid(`The value ${Stat} for parameter Stat is not supported.`, "ValidationError");
        const dimensions = dimensionMap(Metric?.Dimensions);
        const wanted = {
          namespace: String(Metric?.Namespace),
          name: String(Metric?.MetricName),
          dimensions,
          start,
          end,
          periodSeconds: checkPeriod(Period),
        };
        const points = await ctx.platform.telemetry.readMetric(ctx.account, ctx.region, wanted);
        if (input.ScanBy !== "TimestampAscending") points.reverse();
        const known = points.flatMap((p) => {
          const value = statistic(p, String(Stat));
          return value === undefined ? [] : [{ time: new Date(p.timestamp), value }];
        });
        results.push({
          Id: query.Id,
          Label: query.Label ?? Metric?.MetricName,
          Timestamps: known.map((k) => k.time),
          Values: known.map((k) => k.value),
          StatusCode: "Complete",
        });
      }
      return { MetricDataResults: results, Messages: [] };
    },
  },
});
