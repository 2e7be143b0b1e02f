import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome } from "../../compute/lambda/function-version.ts";
import { PROJECT_TAG } from "../../kernel/project-tag.ts";
import type { UsageSample } from "../../ports/telemetry.ts";
import { functionArn, type FunctionHead, type FunctionRecord } from "./model.ts";

/** `/tmp` up to this size is part of the price of memory. */
const FREE_TMP_MB = 512;

/** Meters a call as AWS bills it: a request, GB-seconds by the millisecond, and `/tmp` beyond 512 MB. */
export function recordUsage(
  ctx: Context<any>,
  record: FunctionRecord,
  { head, outcome }: { head: FunctionHead; outcome: InvokeOutcome },
): void {
  const seconds = outcome.billedMs / 1000;
  const sample = sampler(ctx, record, head);
  const isProvisioned = outcome.provisioned?.isSpilled === false;
  ctx.platform.telemetry.putUsage(ctx.account, [
    sample("Request", 1),
    sample(isProvisioned ? "Lambda-Provisioned-GB-Second" : "Lambda-GB-Second", (record.memoryMB / 1024) * seconds),
    ...(record.tmpMB > FREE_TMP_MB
      ? [sample("Lambda-Storage-GB-Second", ((record.tmpMB - FREE_TMP_MB) / 1024) * seconds)]
      : []),
  ]);
}

/** Meters environments that were kept ready, whether they were called or not. */
export function recordKeptReady(
  ctx: Context<any>,
  record: FunctionRecord,
  head: FunctionHead,
  environmentSeconds: number,
): void {
  const amount = (record.memoryMB / 1024) * environmentSeconds;
  ctx.platform.telemetry.putUsage(ctx.account, [sampler(ctx, record, head)("Lambda-Provisioned-Concurrency", amount)]);
}

function sampler(ctx: Context<any>, record: FunctionRecord, head: FunctionHead) {
  const arm = record.architectures.includes("arm64") ? "-ARM" : "";
  return (usageType: string, amount: number): UsageSample => ({
    region: ctx.region,
    service: "AWS Lambda",
    usageType: `${usageType}${arm}`,
    operation: "Invoke",
    resource: functionArn(ctx, record.name),
    version: record.version,
    project: head.tags?.[PROJECT_TAG] ?? "",
    amount,
  });
}
