import type { Context } from "../../aws/context.ts";
import type { ServiceCaller } from "../../aws/service.ts";
import type { Platform } from "../../aws/platform.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { MetricSample, StoredLogEvent } from "../../ports/telemetry.ts";
import { compileLogFilter, type LogFilter } from "./filter-pattern.ts";
import { filtersOf, type FilteredGroup, type MetricFilter } from "./filter-model.ts";
import { telemetryKey } from "./model.ts";
import { shipments } from "./subscriptions.ts";

const MAX_COMPILED = 1000;
const MINUTE = 60_000;

/**
 * What the service holds while the platform runs: it watches the groups that have filters, whoever writes to them.
 * Functions and builds write past PutLogEvents.
 */
export class LogWatch {
  readonly #platform: Platform;
  readonly #caller: ServiceCaller;
  readonly #stops = new Map<string, () => void>();
  readonly #compiled = new Map<string, LogFilter>();
  /** The minute for which a metric filter's default value was last told. */
  readonly #told = new Map<string, number>();

  constructor(platform: Platform, caller: ServiceCaller) {
    this.#platform = platform;
    this.#caller = caller;
  }

  /** Watches what was watched before a restart. */
  async resume(): Promise<void> {
    const { account, region } = this.#platform.settings;
    const stored = await this.#caller.context(account, region).globalRecords.list<FilteredGroup>("filtered");
    for (const { value } of stored) this.watch(value.region, value.group);
  }

  watch(region: string, group: string): void {
    const { account } = this.#platform.settings;
    const key = telemetryKey(account, region, group);
    if (this.#stops.has(key)) return;
    const ctx = this.#caller.context(account, region);
    const stop = this.#platform.telemetry.tailLogs(key, (stream, events) => {
      this.#apply(ctx, group, stream, events).catch((error: unknown) => {
        this.#platform.log.error("filters of a log group failed", { group, error: messageOf(error) });
      });
    });
    this.#stops.set(key, stop);
  }

  unwatch(region: string, group: string): void {
    const key = telemetryKey(this.#platform.settings.account, region, group);
    this.#stops.get(key)?.();
    this.#stops.delete(key);
  }

  stop(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }

  async #apply(ctx: Context<any>, group: string, stream: string, events: readonly StoredLogEvent[]): Promise<void> {
    const filters = await filtersOf(ctx, group);
    const samples = filters.metric.flatMap((filter) => this.#samples(group, filter, events));
    if (samples.length) this.#platform.telemetry.putMetrics(ctx.account, ctx.region, samples);
    const statements = filters.subscription.flatMap((filter) => {
      const matching = events.filter((e) => this.#filter(filter.pattern).matches(e.message));
      return matching.length ? shipments(ctx, { group, stream, filter, events: matching }) : [];
    });
    if (statements.length) await ctx.records.write(statements);
  }

  #samples(group: string, filter: MetricFilter, events: readonly StoredLogEvent[]): MetricSample[] {
    const { transformation } = filter;
    const compiled = this.#filter(filter.pattern);
    const base = {
      namespace: String(transformation.metricNamespace),
      name: String(transformation.metricName),
      unit: transformation.unit ?? "None",
    };
    const found = events.flatMap((event): MetricSample[] => {
      if (!compiled.matches(event.message)) return [];
      const selector = String(transformation.metricValue);
      const text = selector.startsWith("$") ? compiled.extract(event.message, selector) : selector;
      const value = Number(text);
      if (text === undefined || text === "" || !Number.isFinite(value)) return [];
      const dimensions: Record<string, string> = {};
      for (const [name, from] of Object.entries(transformation.dimensions ?? {})) {
        const known = compiled.extract(event.message, from);
        if (known === undefined) return []; // as with CloudWatch: no metric where a dimension is missing
        dimensions[name] = known;
      }
      return [{ ...base, dimensions, timestamp: event.timestamp, value }];
    });
    const key = `${group}\n${filter.name}`;
    const minute = Math.floor(this.#platform.clock.now() / MINUTE);
    if (found.length) this.#told.set(key, minute);
    else if (transformation.defaultValue !== undefined && this.#told.get(key) !== minute) {
      this.#told.set(key, minute);
      found.push({ ...base, dimensions: {}, timestamp: minute * MINUTE, value: transformation.defaultValue });
    }
    return found;
  }

  #filter(pattern: string): LogFilter {
    let compiled = this.#compiled.get(pattern);
    if (!compiled) {
      compiled = compileLogFilter(pattern);
      if (this.#compiled.size >= MAX_COMPILED) this.#compiled.clear();
      this.#compiled.set(pattern, compiled);
    }
    return compiled;
  }
}
