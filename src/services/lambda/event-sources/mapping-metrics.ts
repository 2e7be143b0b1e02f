import type { Ctx, Mapping } from "./mapping.ts";

/** CloudWatch's metrics of a mapping that asks for them: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#event-source-mapping-metrics */
export function countEvents(ctx: Ctx, mapping: Mapping, name: string, value: number): void {
  if (!mapping.countsEvents || value === 0) return;
  const sample = {
    namespace: "AWS/Lambda",
    name,
    dimensions: { EventSourceMappingUUID: mapping.uuid },
    timestamp: ctx.now(),
    unit: "Count",
    value,
  };
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, [sample]);
}
