import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome, InvokeRequest } from "../../compute/lambda/function-version.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { recordInvocation, recordProvisioned } from "./metrics.ts";
import { parseName, type FunctionRecord } from "./model.ts";
import type { LambdaState } from "./state.ts";
import { headOf, runnable } from "./store.ts";
import { recordUsage } from "./usage.ts";

/** Runs one event and records what it cost. */
export async function runFunction(
  ctx: Context<LambdaState>,
  record: FunctionRecord,
  request: InvokeRequest,
): Promise<InvokeOutcome> {
  const head = await headOf(ctx, record.name);
  try {
    const outcome = await ctx.state.invoker.invoke(runnable(ctx, record), request, head.reservedConcurrency);
    recordInvocation(ctx, record, outcome);
    recordUsage(ctx, record, { head, outcome });
    const { qualifier } = outcome.provisioned ? parseName(request.invokedArn) : {};
    if (outcome.provisioned && qualifier) recordProvisioned(ctx, record.name, qualifier, outcome.provisioned);
    return outcome;
  } catch (error) {
    if (error instanceof AwsError && error.code === "TooManyRequestsException")
      recordInvocation(ctx, record, "throttled");
    throw error;
  }
}
