import type { Clock } from "../../kernel/clock.ts";
import type { Database, Statement } from "../../ports/database.ts";
import type { MetricMeter, MetricPoint, MetricSample, Telemetry } from "../../ports/telemetry.ts";
import { SampleValues } from "./sample-values.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** How long points are kept, by the seconds that they cover. */
const RETENTION_MS = { 1: 3 * HOUR, 60: 63 * 24 * HOUR } as const;
/** Points in memory that still take samples; older ones are stored and forgotten. */
const MAX_OPEN = 50_000;

type MetricIdentity = Pick<MetricSample, "namespace" | "name" | "dimensions" | "unit">;

interface OpenPoint {
  readonly metric: readonly [account: string, region: string, namespace: string, name: string, dimensions: string];
  readonly at: number;
  readonly resolution: 1 | 60;
  readonly unit: string;
  /** Points of one time that were begun apart (after a restart, or by a late sample) are stored beside each other. */
  readonly part: number;
  sum: number;
  min: number;
  max: number;
  count: number;
  readonly values: SampleValues;
  dirty: boolean;
  /** It takes no more samples. */
  isClosed: boolean;
}

interface PointRow {
  readonly at: number;
  readonly unit: string;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sample_values: string | null;
}

/** Metric samples, added up in memory by minute (or second) and stored as one row a point. */
export class SqlMetrics {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenPoint>();
  /** Samples come several at a time with the same dimensions. */
  #latest: { given: MetricSample["dimensions"] | undefined; text: string } = { given: undefined, text: "" };
  #nextPart: number;
  #nextSweep = 0;

  constructor(db: Database, clock: Clock, nextPart: number) {
    this.#db = db;
    this.#clock = clock;
    this.#nextPart = nextPart;
  }

  put(account: string, region: string, samples: readonly MetricSample[]): void {
    for (const sample of samples) this.#add(account, region, sample);
  }

  /** Adds to one metric, whose point is looked up once a minute. */
  meter(account: string, region: string, metric: MetricIdentity, arm: () => void): MetricMeter {
    let point: OpenPoint | undefined;
    return {
      add: (value, timestamp) => {
        if (point === undefined || point.isClosed || timestamp < point.at || timestamp >= point.at + MINUTE) {
          const at = Math.floor(timestamp / MINUTE) * MINUTE;
          point = this.#find(account, region, { sample: metric, at, resolution: 60 });
        }
        addValue(point, value);
        arm();
      },
    };
  }

  /** Statements that store what has changed, and remove what is too old. */
  take(): Statement[] {
    const now = this.#clock.now();
    const statements: Statement[] = [];
    for (const [key, point] of this.#open) {
      if (point.dirty) statements.push(...storePoint(point));
      point.dirty = false;
      const isOver = point.at + point.resolution * 2000 < now;
      if (!isOver && this.#open.size <= MAX_OPEN) continue;
      this.#open.delete(key);
      point.isClosed = true;
    }
    if (statements.length > 0 && now >= this.#nextSweep) {
      this.#nextSweep = now + HOUR;
      for (const resolution of [1, 60] as const) {
        const sql = "delete from metric_point where resolution = ? and at < ?";
        statements.push({ sql, parameters: [resolution, now - RETENTION_MS[resolution]] });
      }
    }
    return statements;
  }

  /** Lets no sample add to a point that was begun before; what is not stored of them is forgotten. */
  closeAll(): void {
    for (const point of this.#open.values()) point.isClosed = true;
    this.#open.clear();
  }

  async read(account: string, region: string, query: Parameters<Telemetry["readMetric"]>[2]): Promise<MetricPoint[]> {
    const period = query.periodSeconds * 1000;
    const from = Math.floor(query.start / period) * period;
    const rows = await this.#db.all<PointRow>({
      sql: `select p.at, p.unit, p.sum, p.min, p.max, p.count, p.sample_values from metric_point p
        where p.metric_id = (select id from metric where account = ? and region = ? and namespace = ? and name = ? and dimensions = ?)
        and p.at >= ? and p.at < ? order by p.at`,
      parameters: [account, region, query.namespace, query.name, canonical(query.dimensions), from, query.end],
    });
    const points = new Map<string, PointRow & { sum: number; values: SampleValues }>();
    for (const row of rows) {
      const at = Math.floor(row.at / period) * period;
      const key = `${at} ${row.unit}`;
      const known = points.get(key);
      const values = known?.values ?? new SampleValues();
      values.addJson(row.sample_values);
      points.set(key, {
        at,
        unit: row.unit,
        sum: (known?.sum ?? 0) + row.sum,
        min: Math.min(known?.min ?? Infinity, row.min),
        max: Math.max(known?.max ?? -Infinity, row.max),
        count: (known?.count ?? 0) + row.count,
        sample_values: null,
        values,
      });
    }
    return [...points.values()].map(({ at, unit, sum, min, max, count, values }) => {
      const counts = values.toMap();
      return { timestamp: at, unit, sum, min, max, count, ...(counts.size > 0 ? { values: counts } : {}) };
    });
  }

  async list(
    account: string,
    region: string,
    filter: { namespace?: string; name?: string },
  ): ReturnType<Telemetry["listMetrics"]> {
    const parameters: string[] = [account, region];
    let where = "account = ? and region = ?";
    if (filter.namespace !== undefined) {
      where += " and namespace = ?";
      parameters.push(filter.namespace);
    }
    if (filter.name !== undefined) {
      where += " and name = ?";
      parameters.push(filter.name);
    }
    const rows = await this.#db.all<{ namespace: string; name: string; dimensions: string }>({
      sql: `select namespace, name, dimensions from metric where ${where} order by namespace, name, dimensions`,
      parameters,
    });
    return rows.map(({ namespace, name, dimensions }) => {
      return { namespace, name, dimensions: Object.fromEntries(JSON.parse(dimensions) as [string, string][]) };
    });
  }

  #add(account: string, region: string, sample: MetricSample): void {
    const resolution = sample.resolution ?? 60;
    const at = Math.floor(sample.timestamp / (resolution * 1000)) * resolution * 1000;
    const point = this.#find(account, region, { sample, at, resolution });
    const { statistics } = sample;
    if (!statistics) return addValue(point, sample.value ?? 0);
    if (![point.sum + statistics.sum, statistics.min, statistics.max, statistics.count].every(Number.isFinite)) return;
    point.sum += statistics.sum;
    point.min = Math.min(point.min, statistics.min);
    point.max = Math.max(point.max, statistics.max);
    point.count += statistics.count;
    if (statistics.min === statistics.max) point.values.add(statistics.min, statistics.count);
    point.dirty = true;
  }

  #find(account: string, region: string, { sample, at, resolution }: Asked): OpenPoint {
    if (sample.dimensions !== this.#latest.given) {
      this.#latest = { given: sample.dimensions, text: canonical(sample.dimensions) };
    }
    const dimensions = this.#latest.text;
    const { namespace, name, unit } = sample;
    // The parts that callers choose come last, with the length of each before them: no two metrics have one key.
    const key = `${at} ${resolution} ${account} ${region} ${unit.length} ${unit}${namespace.length} ${namespace}${name.length} ${name}${dimensions}`;
    let point = this.#open.get(key);
    if (!point) {
      const empty = { sum: 0, min: Infinity, max: -Infinity, count: 0, values: new SampleValues(), dirty: false };
      const metric = [account, region, namespace, name, dimensions] as const;
      point = { metric, at, resolution, unit, part: this.#nextPart++, isClosed: false, ...empty };
      this.#open.set(key, point);
    }
    return point;
  }
}

/** What is no number, or makes none of the sum, is left out: the database would refuse it, with everything stored beside it. */
function addValue(point: OpenPoint, value: number): void {
  if (!Number.isFinite(point.sum + value)) return;
  point.sum += value;
  if (value < point.min) point.min = value;
  if (value > point.max) point.max = value;
  point.count++;
  point.values.add(value, 1);
  point.dirty = true;
}

interface Asked {
  readonly sample: MetricIdentity;
  readonly at: number;
  readonly resolution: 1 | 60;
}

/** Dimensions in one spelling, whatever order they came in. */
function canonical(dimensions: Readonly<Record<string, string>>): string {
  const entries = Object.entries(dimensions);
  return JSON.stringify(entries.length < 2 ? entries : entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function storePoint(point: OpenPoint): Statement[] {
  const { metric, at, resolution, unit, part, sum, min, max, count, values } = point;
  return [
    {
      sql: `insert into metric (account, region, namespace, name, dimensions) values (?, ?, ?, ?, ?)
        on conflict (account, region, namespace, name, dimensions) do nothing`,
      parameters: metric,
    },
    {
      sql: `insert into metric_point (metric_id, at, resolution, unit, part, sum, min, max, count, sample_values)
        select id, ?, ?, ?, ?, ?, ?, ?, ?, ? from metric
        where account = ? and region = ? and namespace = ? and name = ? and dimensions = ?
        on conflict (metric_id, at, resolution, unit, part) do update set
          sum = excluded.sum, min = excluded.min, max = excluded.max, count = excluded.count, sample_values = excluded.sample_values`,
      parameters: [at, resolution, unit, part, sum, min, max, count, values.toJson(), ...metric],
    },
  ];
}
