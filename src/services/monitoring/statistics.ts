import type { MetricPoint } from "../../ports/telemetry.ts";
import { AwsError } from "../../kernel/aws-error.ts";

/** `p99`, `p99.9`. */
const PERCENTILE = /^p(\d{1,2}(?:\.\d{1,10})?|100)$/;

export function isStatistic(name: string): boolean {
  return ["SampleCount", "Sum", "Average", "Minimum", "Maximum"].includes(name) || PERCENTILE.test(name);
}

/** One statistic of one period. */
export function statistic(point: MetricPoint, name: string): number | undefined {
  switch (name) {
    case "SampleCount":
      return point.count;
    case "Sum":
      return point.sum;
    case "Average":
      return point.count === 0 ? 0 : point.sum / point.count;
    case "Minimum":
      return point.min;
    case "Maximum":
      return point.max;
    default: {
      const percent = PERCENTILE.exec(name)?.[1];
      if (percent === undefined)
        throw new AwsError("InvalidParameterValue", `The value ${name} for parameter Stat is not supported.`, 400);
      return percentile(point, Number(percent));
    }
  }
}

/** The smallest kept value that so many percent of all values do not exceed; undefined where values were not kept. */
function percentile(point: MetricPoint, percent: number): number | undefined {
  const values = [...(point.values ?? [])].sort(([a], [b]) => a - b);
  const total = values.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [value, count] of values) {
    seen += count;
    if (seen >= (percent / 100) * total) return value;
  }
  return values.at(-1)?.[0];
}

/** Points of one period in different units as one, as a query sees them that asks for none. */
export function acrossUnits(points: readonly MetricPoint[]): MetricPoint[] {
  const byTime = new Map<number, MetricPoint>();
  for (const point of points) {
    const known = byTime.get(point.timestamp);
    byTime.set(point.timestamp, known ? together(known, point) : point);
  }
  return [...byTime.values()];
}

function together(a: MetricPoint, b: MetricPoint): MetricPoint {
  const { values: _values, ...facts } = a;
  const sums = {
    sum: a.sum + b.sum,
    count: a.count + b.count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  };
  if (!a.values || !b.values) return { ...facts, ...sums };
  const values = new Map(a.values);
  for (const [value, count] of b.values) values.set(value, (values.get(value) ?? 0) + count);
  return { ...facts, ...sums, values };
}
