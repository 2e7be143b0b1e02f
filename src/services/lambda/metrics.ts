import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome } from "../../compute/lambda/function-version.ts";

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
