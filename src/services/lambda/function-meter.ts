import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome } from "../../compute/lambda/function-version.ts";
import type { MetricMeter, UsageMeter } from "../../ports/telemetry.ts";
import type { FunctionHead, FunctionRecord } from "./model.ts";
import { usageOf } from "./usage.ts";

/** `/tmp` up to this size is part of the price of memory. */
const FREE_TMP_MB = 512;

/**
 * Counts the calls of one function version: CloudWatch's metrics, and usage as AWS bills it: a request, GB-seconds by the
 * millisecond, and `/tmp` beyond 512 MB.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 */
export class FunctionMeter {
  readonly #metric: Record<"Invocations" | "Errors" | "Throttles" | "Duration", MetricMeter>;
  readonly #usage: Record<"requests" | "seconds" | "provisioned", UsageMeter>;
  readonly #tmp: UsageMeter | undefined;
  readonly #memoryGB: number;
  readonly #paidTmpGB: number;

  constructor(ctx: Context<any>, record: FunctionRecord, head: FunctionHead) {
    const { telemetry } = ctx.platform;
    const common = { namespace: "AWS/Lambda", dimensions: { FunctionName: record.name } };
    const metric = (name: string, unit: string): MetricMeter =>
      telemetry.metricMeter(ctx.account, ctx.region, { ...common, name, unit });
    const usage = (type: string): UsageMeter => telemetry.usageMeter(ctx.account, usageOf(ctx, { record, head, type }));
    this.#metric = {
      Invocations: metric("Invocations", "Count"),
      Errors: metric("Errors", "Count"),
      Throttles: metric("Throttles", "Count"),
      Duration: metric("Duration", "Milliseconds"),
    };
    this.#usage = {
      requests: usage("Request"),
      seconds: usage("Lambda-GB-Second"),
      provisioned: usage("Lambda-Provisioned-GB-Second"),
    };
    this.#memoryGB = record.memoryMB / 1024;
    this.#paidTmpGB = Math.max(0, record.tmpMB - FREE_TMP_MB) / 1024;
    this.#tmp = this.#paidTmpGB > 0 ? usage("Lambda-Storage-GB-Second") : undefined;
  }

  ended(outcome: InvokeOutcome, now: number): void {
    const { Invocations, Errors, Throttles, Duration } = this.#metric;
    Invocations.add(1, now);
    Errors.add(outcome.functionError ? 1 : 0, now);
    Throttles.add(0, now);
    Duration.add(outcome.durationMs, now);
    const seconds = outcome.billedMs / 1000;
    const isProvisioned = outcome.provisioned?.isSpilled === false;
    this.#usage.requests.add(1);
    this.#usage[isProvisioned ? "provisioned" : "seconds"].add(this.#memoryGB * seconds);
    this.#tmp?.add(this.#paidTmpGB * seconds);
  }

  throttled(now: number): void {
    this.#metric.Throttles.add(1, now);
  }
}
