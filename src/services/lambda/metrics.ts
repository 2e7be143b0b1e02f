import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome } from "../../compute/lambda/function-version.ts";
import type { FunctionRecord } from "./model.ts";
import type { LambdaState } from "./state.ts";

/** CloudWatch's metrics of a request to a function URL. */
export function recordUrlRequest(ctx: Context<any>, name: string, status: number, latencyMs: number): void {
  const dimensions = { FunctionName: name };
  const sample = (metric: string, value: number, unit: string) => ({
    namespace: "AWS/Lambda",
    name: metric,
    dimensions,
    timestamp: ctx.now(),
    unit,
    value,
  });
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, [
    sample("UrlRequestCount", 1, "Count"),
    sample("Url4xxCount", status >= 400 && status < 500 ? 1 : 0, "Count"),
    sample("Url5xxCount", status >= 500 ? 1 : 0, "Count"),
    sample("UrlRequestLatency", latencyMs, "Milliseconds"),
  ]);
}

/** A call that was not made because it belongs to an endless chain. */
export function recordRecursion(ctx: Context<any>, name: string): void {
  const timestamp = ctx.now();
  const dimensions = { FunctionName: name };
  const sample = { namespace: "AWS/Lambda", name: "RecursiveInvocationsDropped", dimensions, timestamp };
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, [{ ...sample, unit: "Count", value: 1 }]);
}

/** CloudWatch's metrics of a call: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html */
export function recordInvocation(
  ctx: Context<any>,
  record: FunctionRecord,
  outcome: InvokeOutcome | "throttled",
): void {
  const timestamp = ctx.now();
  const dimensions = dimensionsOf(ctx, record);
  const sample = (name: string, value: number, unit: string) => ({
    namespace: "AWS/Lambda",
    name,
    dimensions,
    timestamp,
    unit,
    value,
  });
  const samples =
    outcome === "throttled"
      ? [sample("Throttles", 1, "Count")]
      : [
          sample("Invocations", 1, "Count"),
          sample("Errors", outcome.functionError ? 1 : 0, "Count"),
          sample("Throttles", 0, "Count"),
          sample("Duration", outcome.durationMs, "Milliseconds"),
        ];
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, samples);
}

/** Kept with the record, so that the metrics of a function that is called often are found quickly. */
function dimensionsOf(ctx: Context<any>, record: FunctionRecord): Readonly<Record<string, string>> {
  const { dimensions } = ctx.state as LambdaState;
  let known = dimensions.get(record);
  if (!known) dimensions.set(record, (known = Object.freeze({ FunctionName: record.name })));
  return known;
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
