import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { Database } from "../../ports/database.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { SqlLogs } from "./sql-logs.ts";
import { SqlMetrics } from "./sql-metrics.ts";
import { SqlUsage } from "./sql-usage.ts";

const FLUSH_MS = 200;
/** Points of metrics change with every call, and whoever reads them has them stored first. */
const METRICS_MS = 1_000;

/**
 * Logs, metrics and usage in a database of their own (`telemetryMigrations`), which is closed with it: append-only blocks of
 * events with an index by time, so that they never wait for the state's writer, nor it for them.
 */
export async function openSqlTelemetry(options: { db: Database; clock: Clock; log?: Log }): Promise<Telemetry> {
  const { db, clock, log } = options;
  const next = async (sql: string): Promise<number> =>
    1 + ((await db.first<{ n: number | null }>({ sql, parameters: [] }))?.n ?? 0);
  const logs = new SqlLogs(db, clock, log, await next("select max(last_sequence) as n from log_block"));
  const metrics = new SqlMetrics(db, clock, await next("select max(part) as n from metric_point"));
  const usage = new SqlUsage(db, clock);
  const closing = new AbortController();
  let armed = false;
  let flushing: Promise<void> = Promise.resolve();

  let metricsDue = 0;
  const store = async (everything: boolean): Promise<void> => {
    const { statements, bytes } = logs.take();
    const used = usage.take();
    const now = clock.now();
    const isDue = everything || now >= metricsDue;
    if (isDue) metricsDue = now + METRICS_MS;
    else arm();
    const batch = [...statements, ...(isDue ? metrics.take() : []), ...used.statements];
    try {
      if (batch.length > 0) await db.write(batch);
    } catch (error) {
      used.putBack();
      throw error;
    } finally {
      logs.settle(bytes);
    }
  };
  const flush = (everything = true): Promise<void> => {
    const flushed = flushing.then(() => store(everything));
    flushing = flushed.catch((error: unknown) => {
      log?.error("logs, metrics or usage could not be stored", { reason: messageOf(error) });
    });
    return flushed;
  };
  /** Stores within a moment; the first append of a quiet time starts the timer. */
  const arm = (): void => {
    if (armed || closing.signal.aborted) return;
    armed = true;
    const due = (): void => {
      armed = false;
      flush(false).catch(() => undefined);
    };
    clock.sleep(FLUSH_MS, closing.signal).then(due, () => undefined);
  };
  const flushed = (): Promise<void> => flush().catch(() => undefined);

  return {
    appendLogs(group, stream, events) {
      logs.append(group, stream, events);
      arm();
    },
    async readLogs(group, range) {
      await flushed();
      return logs.read(group, range);
    },
    tailLogs: (group, onEvents) => logs.tail(group, onEvents),
    async deleteLogs(group, stream) {
      await flushed();
      await logs.delete(group, stream);
    },
    async expireLogs(group, olderThan) {
      await flushed();
      await logs.expire(group, olderThan);
    },
    async streamFacts(group, stream) {
      await flushed();
      return logs.facts(group, stream);
    },
    putMetrics(account, region, samples) {
      metrics.put(account, region, samples);
      arm();
    },
    metricMeter(account, region, metric) {
      return metrics.meter(account, region, metric, arm);
    },
    async readMetric(account, region, query) {
      await flushed();
      return metrics.read(account, region, query);
    },
    async listMetrics(account, region, filter) {
      await flushed();
      return metrics.list(account, region, filter);
    },
    putUsage(account, samples) {
      usage.put(account, samples);
      arm();
    },
    usageMeter(account, of) {
      return usage.meter(account, of, arm);
    },
    async readUsage(account, query) {
      await flushed();
      return usage.read(account, query);
    },
    flush: () => flush(),
    async settle() {
      await flushed();
      metrics.closeAll();
    },
    async close() {
      closing.abort();
      await flushed();
      await db.close();
    },
  };
}
