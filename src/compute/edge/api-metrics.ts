import type { Context } from "../../aws/context.ts";

/** CloudWatch's metrics of one call of an API: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html */
export function recordApiCall(
  ctx: Context<any>,
  dimensions: Readonly<Record<string, string>>,
  status: number,
  latencyMs: number,
): void {
  const timestamp = ctx.now();
  const sample = (name: string, value: number, unit: string) => ({
    namespace: "AWS/ApiGateway",
    name,
    dimensions,
    timestamp,
    unit,
    value,
  });
  const rest = "ApiName" in dimensions;
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, [
    sample("Count", 1, "Count"),
    sample(rest ? "4XXError" : "4xx", status >= 400 && status < 500 ? 1 : 0, "Count"),
    sample(rest ? "5XXError" : "5xx", status >= 500 ? 1 : 0, "Count"),
    sample("Latency", latencyMs, "Milliseconds"),
  ]);
}
