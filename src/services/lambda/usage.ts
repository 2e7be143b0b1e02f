import type { Context } from "../../aws/context.ts";
import { PROJECT_TAG } from "../../kernel/project-tag.ts";
import type { UsageSample } from "../../ports/telemetry.ts";
import { functionArn, type FunctionHead, type FunctionRecord } from "./model.ts";

/** A kind of usage of a function version, as AWS bills it. */
export function usageOf(
  ctx: Context<any>,
  { record, head, type }: { record: FunctionRecord; head: FunctionHead; type: string },
): Omit<UsageSample, "amount"> {
  return {
    region: ctx.region,
    service: "AWS Lambda",
    usageType: record.architectures.includes("arm64") ? `${type}-ARM` : type,
    operation: "Invoke",
    resource: functionArn(ctx, record.name),
    version: record.version,
    project: head.tags?.[PROJECT_TAG] ?? "",
  };
}

/** Meters environments that were kept ready, whether they were called or not. */
export function recordKeptReady(
  ctx: Context<any>,
  record: FunctionRecord,
  head: FunctionHead,
  environmentSeconds: number,
): void {
  const amount = (record.memoryMB / 1024) * environmentSeconds;
  const sample = usageOf(ctx, { record, head, type: "Lambda-Provisioned-Concurrency" });
  ctx.platform.telemetry.putUsage(ctx.account, [{ ...sample, amount }]);
}
