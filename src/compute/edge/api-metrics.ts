import type { Context } from "../../aws/context.ts";
import type { MetricMeter } from "../../ports/telemetry.ts";

/** Counts the calls of an API: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html */
export class ApiMeter {
  readonly #count: MetricMeter;
  readonly #clientErrors: MetricMeter;
  readonly #serverErrors: MetricMeter;
  readonly #latency: MetricMeter;

  constructor(ctx: Context<any>, dimensions: Readonly<Record<string, string>>) {
    const meter = (name: string, unit: string): MetricMeter =>
      ctx.platform.telemetry.metricMeter(ctx.account, ctx.region, {
        namespace: "AWS/ApiGateway",
        name,
        dimensions,
        unit,
      });
    const isRest = "ApiName" in dimensions;
    this.#count = meter("Count", "Count");
    this.#clientErrors = meter(isRest ? "4XXError" : "4xx", "Count");
    this.#serverErrors = meter(isRest ? "5XXError" : "5xx", "Count");
    this.#latency = meter("Latency", "Milliseconds");
  }

  ended(status: number, latencyMs: number, now: number): void {
    this.#count.add(1, now);
    this.#clientErrors.add(status >= 400 && status < 500 ? 1 : 0, now);
    this.#serverErrors.add(status >= 500 ? 1 : 0, now);
    this.#latency.add(latencyMs, now);
  }
}

/** Counts one call of an API. */
export function recordApiCall(
  ctx: Context<any>,
  dimensions: Readonly<Record<string, string>>,
  status: number,
  latencyMs: number,
): void {
  new ApiMeter(ctx, dimensions).ended(status, latencyMs, ctx.now());
}
