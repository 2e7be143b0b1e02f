import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome, InvokeRequest } from "../../compute/lambda/function-version.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { MAX_CHAIN } from "./limits.ts";
import { nextInChain } from "./lineage.ts";
import { recordInvocation, recordProvisioned, recordRecursion } from "./metrics.ts";
import { parseName, type FunctionRecord } from "./model.ts";
import type { LambdaState } from "./state.ts";
import { headOf, runnable } from "./store.ts";
import { recordUsage } from "./usage.ts";

export const RECURSIVE = "RecursiveInvocationException";

const recursive = (): AwsError =>
  new AwsError(
    RECURSIVE,
    "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation.",
    400,
    { Type: "User" },
  );

/**
 * Runs one event and records what it cost. Throws RecursiveInvocationException where the function has called itself, by
 * whatever way its trace has taken, too often.
 */
export async function runFunction(
  ctx: Context<LambdaState>,
  record: FunctionRecord,
  request: InvokeRequest,
): Promise<InvokeOutcome> {
  const head = await headOf(ctx, record.name);
  const version = runnable(ctx, record);
  const { traceId, repeats } = nextInChain(ctx, request.traceId ?? ctx.traceId, version.arn);
  if (repeats >= MAX_CHAIN && head.recursiveLoop !== "Allow") {
    recordRecursion(ctx, record.name);
    throw recursive();
  }
  try {
    const outcome = await ctx.state.invoker.invoke(version, { ...request, traceId }, head.reservedConcurrency);
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
