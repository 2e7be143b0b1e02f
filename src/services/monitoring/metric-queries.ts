import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import type { Context } from "../../aws/context.ts";
import { AwsError, notImplemented } from "../../kernel/aws-error.ts";
import { checkPeriod, dimensionMap } from "./metric-input.ts";
import { evaluateMath, isSeries, namesOf, type MathValue, type Series } from "./metric-math.ts";
import { acrossUnits, isStatistic, statistic } from "./statistics.ts";

/** A query of GetMetricData or of an alarm. */
export interface MetricQuery {
  readonly Id?: string | undefined;
  readonly MetricStat?:
    | {
        readonly Metric?:
          | (Pick<Partial<CloudWatch.Metric>, "Namespace" | "MetricName"> & {
              readonly Dimensions?: readonly { Name?: string | undefined; Value?: string | undefined }[] | undefined;
            })
          | undefined;
        readonly Period?: number | undefined;
        readonly Stat?: string | undefined;
        readonly Unit?: string | undefined;
      }
    | undefined;
  readonly Expression?: string | undefined;
  readonly Label?: string | undefined;
  readonly ReturnData?: boolean | undefined;
  readonly Period?: number | undefined;
  readonly AccountId?: string | undefined;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

const MAX_QUERIES = 500;
/** Data points that all expressions of a request may make on their way. */
const MAX_WORK = 3_000_000;
const invalid = (message: string): AwsError => new AwsError("ValidationError", message, 400);

/** The values of every query by its id. Expressions may name each other; none may name itself. */
export async function evaluateQueries(
  ctx: Context<any>,
  queries: readonly MetricQuery[],
  range: Range,
): Promise<Map<string, MathValue>> {
  checkQueries(ctx, queries);
  const values = new Map<string, MathValue>();
  for (const query of queries)
    if (query.MetricStat) values.set(String(query.Id), await readSeries(ctx, query.MetricStat, range));
  const periods = queries.flatMap((q) => q.MetricStat?.Period ?? q.Period ?? []);
  const periodSeconds = Math.max(...(periods.length ? periods : [60]));
  const times: number[] = [];
  const step = periodSeconds * 1000;
  for (let at = Math.floor(range.start / step) * step; at < range.end && times.length < 100_000; at += step)
    times.push(at);
  const measured = [...values];
  const under = new Set<string>();
  const work = { left: MAX_WORK };
  const valueOf = (id: string): MathValue | undefined => {
    const known = values.get(id);
    const query = queries.find((q) => q.Id === id);
    if (known !== undefined || !query?.Expression) return known;
    if (under.has(id)) throw invalid(`The expression of ${id} names itself.`);
    under.add(id);
    const metrics = (part: string): Series[] =>
      measured.flatMap(([name, value]) => (name.includes(part) && isSeries(value) ? [value] : []));
    const value = evaluateMath(query.Expression, { value: valueOf, metrics, periodSeconds, times, work });
    values.set(id, value);
    return value;
  };
  for (const query of queries) valueOf(String(query.Id));
  return values;
}

/** Refuses what cannot be evaluated. */
export function checkQueries(ctx: Pick<Context<any>, "account">, queries: readonly MetricQuery[]): void {
  if (queries.some(({ AccountId }) => AccountId !== undefined && AccountId !== ctx.account))
    throw notImplemented("metrics of other accounts");
  if (queries.length > MAX_QUERIES)
    throw invalid(`The collection MetricDataQueries must not have a size greater than ${MAX_QUERIES}.`);
  const ids = new Set<string>();
  for (const [i, query] of queries.entries()) {
    const at = `MetricDataQueries.member.${i + 1}`;
    const id = String(query.Id);
    if (!/^[a-z]\w*$/.test(id))
      throw invalid(
        `The value ${id} for parameter ${at}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.`,
      );
    if (ids.has(id)) throw invalid(`The values for parameter Id in MetricDataQueries are not unique.`);
    ids.add(id);
    if (!query.MetricStat && !query.Expression) throw invalid(`The parameter ${at}.MetricStat is required.\n`);
    if (query.MetricStat && query.Expression)
      throw invalid(
        `The parameters ${at}.Expression and ${at}.MetricStat are mutually exclusive and you have specified both.`,
      );
    if (query.Expression) namesOf(query.Expression);
    if (!query.MetricStat) continue;
    checkPeriod(query.MetricStat.Period);
    if (!isStatistic(String(query.MetricStat.Stat)))
      throw invalid(`The value ${query.MetricStat.Stat} for parameter ${at}.MetricStat.Stat is not supported.`);
  }
}

async function readSeries(
  ctx: Context<any>,
  { Metric, Period, Stat, Unit }: NonNullable<MetricQuery["MetricStat"]>,
  { start, end }: Range,
): Promise<Series> {
  const points = await ctx.platform.telemetry.readMetric(ctx.account, ctx.region, {
    namespace: String(Metric?.Namespace),
    name: String(Metric?.MetricName),
    dimensions: dimensionMap(Metric?.Dimensions),
    start,
    end,
    periodSeconds: checkPeriod(Period),
  });
  const asked = Unit ? points.filter((point) => point.unit === Unit) : acrossUnits(points);
  return new Map(
    asked.flatMap((point) => {
      const value = statistic(point, String(Stat));
      return value === undefined ? [] : [[point.timestamp, value] as const];
    }),
  );
}

/** The label that CloudWatch gives where a query has none: the metric, and what tells it from others of that name. */
export function labelOf(query: MetricQuery, all: readonly MetricQuery[]): string {
  if (query.Label) return query.Label;
  const stat = query.MetricStat;
  if (!stat) return String(query.Id);
  const namesakes = all.filter((q) => q.MetricStat?.Metric?.MetricName === stat.Metric?.MetricName);
  const differs = (part: (q: MetricQuery) => unknown): boolean => new Set(namesakes.map(part)).size > 1;
  const parts = [stat.Metric?.MetricName];
  if (differs((q) => q.MetricStat?.Stat)) parts.push(stat.Stat);
  if (differs((q) => q.MetricStat?.Period)) parts.push(String(stat.Period));
  return parts.join(" ");
}
