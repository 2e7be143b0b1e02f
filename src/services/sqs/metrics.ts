import type { Ctx } from "./model.ts";

/** CloudWatch's metrics of a queue: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html */
export function recordMetrics(
  ctx: Ctx,
  queue: string,
  values: readonly (readonly [name: string, value: number, unit?: string])[],
): void {
  const timestamp = ctx.now();
  const samples = values.map(([name, value, unit = "Count"]) => ({
    namespace: "AWS/SQS",
    name,
    dimensions: { QueueName: queue },
    timestamp,
    unit,
    value,
  }));
  ctx.platform.telemetry.putMetrics(ctx.account, ctx.region, samples);
}
