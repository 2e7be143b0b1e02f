import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { Context } from "../../aws/context.ts";
import { AwsError, messageOf } from "../../kernel/aws-error.ts";
import type { Alarm, AlarmState, MetricAlarmConfig } from "./alarm-model.ts";
import { isSeries, type Series } from "./metric-math.ts";
import { evaluateQueries, type MetricQuery } from "./metric-queries.ts";

/** A verdict about an alarm; undefined: it stays as it is. */
export type Verdict = Pick<AlarmState, "value" | "reason" | "data"> | undefined;

/** More periods than asked for are looked at, so that data that comes late still counts. */
const EXTRA_PERIODS = 2;
const COMPARE: Readonly<Record<string, readonly [words: string, test: (a: number, b: number) => boolean]>> = {
  GreaterThanThreshold: ["greater than", (a, b) => a > b],
  GreaterThanOrEqualToThreshold: ["greater than or equal to", (a, b) => a >= b],
  LessThanThreshold: ["less than", (a, b) => a < b],
  LessThanOrEqualToThreshold: ["less than or equal to", (a, b) => a <= b],
};

/** The query that an alarm watches, for an alarm of one metric too. */
export function queriesOf(config: MetricAlarmConfig): readonly MetricQuery[] {
  if (config.metrics) return config.metrics;
  const MetricStat = {
    Metric: { Namespace: config.namespace, MetricName: config.metricName, Dimensions: config.dimensions },
    Period: config.period,
    Stat: config.extendedStatistic ?? config.statistic,
    ...(config.unit ? { Unit: config.unit } : {}),
  };
  return [{ Id: "m1", MetricStat, ReturnData: true }];
}

/** Seconds of one period of the alarm. */
export function periodOf(config: MetricAlarmConfig): number {
  return config.period ?? Math.max(...(config.metrics ?? []).map((q) => q.MetricStat?.Period ?? q.Period ?? 0), 10);
}

/** What the alarm's metric says now. */
export async function judge(ctx: Context<any>, alarm: Alarm, config: MetricAlarmConfig): Promise<Verdict> {
  const period = periodOf(config) * 1000;
  const end = Math.floor(ctx.now() / period) * period;
  const count = config.evaluationPeriods + EXTRA_PERIODS;
  let series: Series;
  try {
    series = await watched(ctx, config, { start: end - count * period, end });
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return { value: "INSUFFICIENT_DATA", reason: `Failed to evaluate: ${messageOf(error)}` };
  }
  // Newest first.
  const times = Array.from({ length: count }, (_, i) => end - (i + 1) * period);
  const known = times.filter((at) => series.has(at)).slice(0, config.evaluationPeriods);
  return verdict(ctx, config, { known, series, times });
}

async function watched(
  ctx: Context<any>,
  config: MetricAlarmConfig,
  range: { start: number; end: number },
): Promise<Series> {
  const queries = queriesOf(config);
  const watchedId = String((queries.find((q) => q.ReturnData !== false) ?? queries.at(-1))?.Id);
  const value = (await evaluateQueries(ctx, queries, range)).get(watchedId);
  if (value === undefined || typeof value === "number") return new Map();
  return isSeries(value) ? value : (value[0] ?? new Map());
}

interface Seen {
  readonly known: readonly number[];
  readonly series: Series;
  readonly times: readonly number[];
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html */
function verdict(ctx: Context<any>, config: MetricAlarmConfig, { known, series, times }: Seen): Verdict {
  const { evaluationPeriods: all, datapointsToAlarm: needed = all, treatMissingData: treatment = "missing" } = config;
  const [words, test] = COMPARE[config.comparison]!;
  const threshold = config.threshold ?? 0;
  const breaching = known.filter((at) => test(series.get(at)!, threshold));
  const missing = all - known.length;
  const data = dataOf(ctx, config, { known, series, times });
  if (known.length === 0) {
    const none = `no datapoints were received for ${all} ${plural(all, "period")}`;
    if (treatment === "ignore") return undefined;
    if (treatment === "missing")
      return {
        value: "INSUFFICIENT_DATA",
        reason: `Insufficient Data: ${missing} ${plural(missing, "datapoint")} ${missing === 1 ? "was" : "were"} unknown.`,
        data,
      };
    const treated = treatment === "breaching" ? "Breaching" : "NonBreaching";
    const reason = `Threshold Crossed: ${none} and ${missing} missing ${plural(missing, "datapoint")} ${missing === 1 ? "was" : "were"} treated as [${treated}].`;
    return { value: treatment === "breaching" ? "ALARM" : "OK", reason, data };
  }
  const count = breaching.length + (treatment === "breaching" ? missing : 0);
  const enough = treatment === "missing" ? Math.min(needed, known.length) : needed;
  const isAlarm = count >= enough;
  // Points that are missing could still decide it either way.
  if (treatment === "ignore" && !isAlarm && breaching.length + missing >= needed) return undefined;
  const shown = isAlarm ? breaching : known;
  const values = shown.map((at) => `${number(series.get(at)!)} (${stamp(at)})`).join(", ");
  const each = plural(shown.length, "datapoint");
  const reason = `Threshold Crossed: ${shown.length} ${shown.length === known.length ? "" : `out of the last ${known.length} `}${each} [${values}] ${shown.length === 1 ? "was" : "were"} ${isAlarm ? "" : "not "}${words} the threshold (${number(threshold)})${isAlarm ? ` (minimum ${enough} ${plural(enough, "datapoint")} for OK -> ALARM transition).` : "."}`;
  return { value: isAlarm ? "ALARM" : "OK", reason, data };
}

const plural = (count: number, word: string): string => (count === 1 ? word : `${word}s`);
const number = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));
const stamp = (at: number): string => {
  const [date = "", time = ""] = new Date(at).toISOString().split("T");
  const [year, month, day] = date.split("-");
  return `${day}/${month}/${year?.slice(2)} ${time.slice(0, 8)}`;
};
const iso = (at: number): string => new Date(at).toISOString().replace("Z", "+0000");

function dataOf(ctx: Context<any>, config: MetricAlarmConfig, { known, series, times }: Seen): string {
  return JSON.stringify({
    version: "1.0",
    queryDate: iso(ctx.now()),
    ...(known.length ? { startDate: iso(known.at(-1)!) } : {}),
    ...(config.unit ? { unit: config.unit } : {}),
    ...(config.statistic || config.extendedStatistic
      ? { statistic: config.statistic ?? config.extendedStatistic }
      : {}),
    period: periodOf(config),
    recentDatapoints: [...known].reverse().map((at) => series.get(at)),
    threshold: config.threshold,
    evaluatedDatapoints: times.slice(0, config.evaluationPeriods).map((at) => ({
      timestamp: iso(at),
      ...(series.has(at) ? { value: series.get(at) } : {}),
    })),
  });
}

/** CloudWatch's comparisons that need a model of the metric's past, which Starling does not make. */
export function isAnomalyComparison(comparison: CloudWatch.ComparisonOperator | undefined): boolean {
  return comparison !== undefined && !Object.hasOwn(COMPARE, comparison);
}
