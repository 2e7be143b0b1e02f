import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome } from "../../compute/lambda/function-version.ts";
import type { MetricMeter } from "../../ports/telemetry.ts";
import type { LambdaState } from "./state.ts";

const MAX_COUNTERS = 10_000;

/** CloudWatch's metrics of requests to a function's URLs. */
export class UrlMeter {
  readonly #requests: MetricMeter;
  readonly #clientErrors: MetricMeter;
  readonly #serverErrors: MetricMeter;
  readonly #latency: MetricMeter;

  constructor(ctx: Context<any>, functionName: string) {
    const of = { namespace: "AWS/Lambda", dimensions: { FunctionName: functionName } };
    const meter = (name: string, unit: string): MetricMeter =>
      ctx.platform.telemetry.metricMeter(ctx.account, ctx.region, { ...of, name, unit });
    this.#requests = meter("UrlRequestCount", "Count");
    this.#clientErrors = meter("Url4xxCount", "Count");
    this.#serverErrors = meter("Url5xxCount", "Count");
    this.#latency = meter("UrlRequestLatency", "Milliseconds");
  }

  ended(status: number, latencyMs: number, now: number): void {
    this.#requests.add(1, now);
    this.#clientErrors.add(status >= 400 && status < 500 ? 1 : 0, now);
    this.#serverErrors.add(status >= 500 ? 1 : 0, now);
    this.#latency.add(latencyMs, now);
  }
}

/** The dimensions under which CloudWatch has what happens to a function: none at all, the function, and what was called of it. */
export function dimensionSets(name: string, qualifier: string | undefined): Record<string, string>[] {
  const Resource = qualifier === undefined ? name : `${name}:${qualifier}`;
  return [{}, { FunctionName: name }, { FunctionName: name, Resource }];
}

/** What happens to events and calls beside the calls themselves. */
type Counted =
  | "RecursiveInvocationsDropped"
  | "AsyncEventsReceived"
  | "AsyncEventAge"
  | "AsyncEventsDropped"
  | "DestinationDeliveryFailures"
  | "DeadLetterErrors";

/** https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#async-invocation-metrics */
export function count(
  ctx: Context<LambdaState>,
  of: { readonly name: string; readonly qualifier?: string | undefined },
  metric: Counted,
  value = 1,
): void {
  const { counters } = ctx.state;
  const key = `${metric} ${ctx.account} ${ctx.region} ${of.name} ${of.qualifier ?? ""}`;
  let meters = counters.get(key);
  if (!meters) {
    const unit = metric === "AsyncEventAge" ? "Milliseconds" : "Count";
    const { telemetry } = ctx.platform;
    meters = dimensionSets(of.name, of.qualifier).map((dimensions) =>
      telemetry.metricMeter(ctx.account, ctx.region, { namespace: "AWS/Lambda", name: metric, unit, dimensions }),
    );
    if (counters.size >= MAX_COUNTERS) counters.clear();
    counters.set(key, meters);
  }
  for (const meter of meters) meter.add(value, ctx.now());
}

/** Metrics of provisioned concurrency, for the version or alias that has it. */
export function recordProvisioned(
  ctx: Context<any>,
  name: string,
  qualifier: string,
  { busy, allocated, isSpilled }: NonNullable<InvokeOutcome["provisioned"]>,
): void {
  const timestamp = ctx.now();
  const dimensions = { FunctionName: name, Resource: `${name}:${qualifier}` };
  const sample = (metric: string, value: number, unit: string) => ({
    namespace: "AWS/Lambda",
    name: metric,
    dimensions,
    timestamp,
    unit,
    value,
  });
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, [
    sample("ProvisionedConcurrentExecutions", busy, "Count"),
    sample("ProvisionedConcurrencyUtilization", allocated === 0 ? 1 : busy / allocated, "None"),
    sample("ProvisionedConcurrencyInvocations", isSpilled ? 0 : 1, "Count"),
    sample("ProvisionedConcurrencySpilloverInvocations", isSpilled ? 1 : 0, "Count"),
  ]);
}
