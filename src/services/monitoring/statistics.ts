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
