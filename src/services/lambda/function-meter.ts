import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome } from "../../compute/lambda/function-version.ts";
import type { MetricMeter, UsageMeter } from "../../ports/telemetry.ts";
import { dimensionSets } from "./metrics.ts";
import type { FunctionHead, FunctionRecord } from "./model.ts";
import { usageOf } from "./usage.ts";

/** `/tmp` up to this size is part of the price of memory. */
const FREE_TMP_MB = 512;

const UNITS = {
  Invocations: "Count",
  Errors: "Count",
  Throttles: "Count",
  Duration: "Milliseconds",
  PostRuntimeExtensionsDuration: "Milliseconds",
  ConcurrentExecutions: "Count",
} as const;
type Metrics = Readonly<Record<keyof typeof UNITS, readonly MetricMeter[]>>;

/** Calls that are under way, of one function or of all in an account and region. */
interface Load {
  count: number;
}

/** By account, region and function: of an empty name, all; of `-`, all without reserved concurrency. */
export type Loads = Map<string, Load>;

function loadOf(loads: Loads, key: string): Load {
  let load = loads.get(key);
  if (!load) loads.set(key, (load = { count: 0 }));
  return load;
}

function add(meters: readonly MetricMeter[], value: number, now: number): void {
  for (const meter of meters) meter.add(value, now);
}

/**
 * Counts the calls of one function version: CloudWatch's metrics, and usage as AWS bills it: a request, GB-seconds by the
 * millisecond, and `/tmp` beyond 512 MB.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 */
export class FunctionMeter {
  readonly #ctx: Context<any>;
  readonly #record: FunctionRecord;
  /** By the ARN that was called. */
  readonly #metrics = new Map<string, Metrics>();
  readonly #usage: Record<"requests" | "seconds" | "provisioned", UsageMeter>;
  readonly #tmp: UsageMeter | undefined;
  readonly #memoryGB: number;
  readonly #paidTmpGB: number;
  readonly #own: Load;
  readonly #all: Load;
  /** Of functions without reserved concurrency. */
  readonly #unreserved: { readonly load: Load; readonly meter: MetricMeter } | undefined;

  constructor(ctx: Context<any>, loads: Loads, record: FunctionRecord, head: FunctionHead) {
    const { telemetry } = ctx.platform;
    this.#ctx = ctx;
    this.#record = record;
    const usage = (type: string): UsageMeter => telemetry.usageMeter(ctx.account, usageOf(ctx, { record, head, type }));
    this.#usage = {
      requests: usage("Request"),
      seconds: usage("Lambda-GB-Second"),
      provisioned: usage("Lambda-Provisioned-GB-Second"),
    };
    this.#memoryGB = record.memoryMB / 1024;
    this.#paidTmpGB = Math.max(0, record.tmpMB - FREE_TMP_MB) / 1024;
    this.#tmp = this.#paidTmpGB > 0 ? usage("Lambda-Storage-GB-Second") : undefined;
    const load = (name: string): Load => loadOf(loads, `${ctx.account} ${ctx.region} ${name}`);
    this.#own = load(record.name);
    this.#all = load("");
    this.#unreserved =
      head.reservedConcurrency === undefined
        ? { load: load("-"), meter: this.#meter("UnreservedConcurrentExecutions", "Count", {}) }
        : undefined;
  }

  began(): void {
    this.#own.count++;
    this.#all.count++;
    if (this.#unreserved) this.#unreserved.load.count++;
  }

  /** However it went: to be called once for each `began`, after what is told of its end. */
  over(): void {
    this.#own.count--;
    this.#all.count--;
    if (this.#unreserved) this.#unreserved.load.count--;
  }

  ended(invokedArn: string, outcome: InvokeOutcome, now: number): void {
    const metrics = this.#of(invokedArn);
    const { Invocations, Errors, Throttles, Duration, ConcurrentExecutions } = metrics;
    add(Invocations, 1, now);
    add(Errors, outcome.functionError ? 1 : 0, now);
    add(Throttles, 0, now);
    add(Duration, outcome.durationMs, now);
    if (outcome.extensionsMs !== undefined) add(metrics.PostRuntimeExtensionsDuration, outcome.extensionsMs, now);
    // The first set of dimensions is none at all: of all functions.
    ConcurrentExecutions.forEach((meter, i) => meter.add(i === 0 ? this.#all.count : this.#own.count, now));
    this.#unreserved?.meter.add(this.#unreserved.load.count, now);
    const seconds = outcome.billedMs / 1000;
    const isProvisioned = outcome.provisioned?.isSpilled === false;
    this.#usage.requests.add(1);
    this.#usage[isProvisioned ? "provisioned" : "seconds"].add(this.#memoryGB * seconds);
    this.#tmp?.add(this.#paidTmpGB * seconds);
  }

  throttled(invokedArn: string, now: number): void {
    add(this.#of(invokedArn).Throttles, 1, now);
  }

  #of(invokedArn: string): Metrics {
    let metrics = this.#metrics.get(invokedArn);
    if (!metrics) this.#metrics.set(invokedArn, (metrics = this.#make(invokedArn)));
    return metrics;
  }

  #make(invokedArn: string): Metrics {
    const { name, version } = this.#record;
    const qualifier = invokedArn.split(":")[7];
    const isAlias = qualifier !== undefined && qualifier !== version;
    const common = dimensionSets(name, qualifier);
    const sets = isAlias ? [...common, { ...common.at(-1), ExecutedVersion: version }] : common;
    const made = Object.entries(UNITS).map(([metric, unit]) => [
      metric,
      sets.map((set) => this.#meter(metric, unit, set)),
    ]);
    return Object.fromEntries(made) as Metrics; // of all names
  }

  #meter(name: string, unit: string, dimensions: Readonly<Record<string, string>>): MetricMeter {
    const { account, region, platform } = this.#ctx;
    return platform.telemetry.metricMeter(account, region, { namespace: "AWS/Lambda", name, unit, dimensions });
  }
}
