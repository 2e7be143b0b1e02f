import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { MetricSample } from "../../ports/telemetry.ts";

const MAX_DIMENSIONS = 30;
const MAX_VALUES = 150;

export const invalid = (message: string, code = "InvalidParameterValue"): AwsError => new AwsError(code, message, 400);

type Dimensions = readonly { Name?: string | undefined; Value?: string | undefined }[] | undefined;

export const dimensionMap = (dimensions: Dimensions): Record<string, string> =>
  Object.fromEntries((dimensions ?? []).map((d) => [String(d.Name), String(d.Value)]));

export function checkPeriod(period: number | undefined): number {
  const seconds = period ?? 0;
  if (![1, 5, 10, 20, 30].includes(seconds) && (seconds < 60 || seconds % 60 !== 0))
    throw invalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  return seconds;
}

/** The samples of one datum: a value, a statistic set, or values with counts. */
export function samplesOf(
  ctx: Context<any>,
  namespace: string,
  datum: CloudWatch.MetricDatum,
  index: number,
): MetricSample[] {
  const at = `MetricData.member.${index + 1}`;
  const dimensions = dimensionMap(datum.Dimensions);
  if (Object.keys(dimensions).length > MAX_DIMENSIONS)
    throw invalid(`The collection ${at}.Dimensions must not have a size greater than ${MAX_DIMENSIONS}.`);
  checkDatum(datum, at);
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
  if (datum.Value !== undefined) return [{ ...base, value: datum.Value }];
  return (datum.Values ?? []).map((value, i) => {
    const count = datum.Counts?.[i] ?? 1;
    return { ...base, statistics: { sum: value * count, min: value, max: value, count } };
  });
}

function checkDatum(datum: CloudWatch.MetricDatum, at: string): void {
  const { Value, Values, Counts, StatisticValues } = datum;
  const both = (a: string, b: string): AwsError =>
    invalid(
      `The parameters ${at}.${a} and ${at}.${b} are mutually exclusive and you have specified both.`,
      "InvalidParameterCombination",
    );
  if (Value !== undefined && Number.isNaN(Value)) throw invalid(`The value NaN for parameter ${at}.Value is invalid.`);
  if (Value !== undefined && !Number.isFinite(Value))
    throw invalid(`The value ${Value > 0 ? "Infinity" : "-Infinity"} for parameter ${at}.Value is invalid.`);
  if (Value !== undefined && Values?.length) throw both("Value", "Values");
  if (Value !== undefined && StatisticValues) throw both("Value", "StatisticValues");
  if (Counts?.length && Counts.length !== (Values?.length ?? 0))
    throw invalid(`The parameters ${at}.Values and ${at}.Counts must be of the same size.`);
  if ((Values?.length ?? 0) > MAX_VALUES)
    throw invalid(`The collection ${at}.Values must not have a size greater than ${MAX_VALUES}.`);
  for (const value of Values ?? [])
    if (!Number.isFinite(value)) throw invalid(`The value ${value} for parameter ${at}.Values is invalid.`);
  for (const [name, value] of Object.entries(StatisticValues ?? {}))
    if (!Number.isFinite(value))
      throw invalid(`The value ${value} for parameter ${at}.StatisticValues.${name} is invalid.`);
  if (Value === undefined && !Values?.length && !StatisticValues)
    throw invalid(
      `At least one of the parameters must be specified: ${at}.Value, ${at}.StatisticValues`,
      "MissingParameter",
    );
}
