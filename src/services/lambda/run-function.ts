import type { Context } from "../../aws/context.ts";
import type { FunctionVersion, InvokeOutcome, InvokeRequest } from "../../compute/lambda/function-version.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { FunctionMeter } from "./function-meter.ts";
import { MAX_CHAIN } from "./limits.ts";
import { lineageName, nextInChain } from "./lineage.ts";
import { count, recordProvisioned } from "./metrics.ts";
import { parseName, type FunctionHead, type FunctionRecord } from "./model.ts";
import type { LambdaState } from "./state.ts";
import { headOf, runnable } from "./store.ts";

type Ctx = Context<LambdaState>;

export const RECURSIVE = "RecursiveInvocationException";

const recursive = (): AwsError =>
  new AwsError(
    RECURSIVE,
    "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation.",
    400,
    { Type: "User" },
  );

/** What every call of one function version needs, looked up once for each change of the function. */
export interface Runnable {
  readonly record: FunctionRecord;
  readonly head: FunctionHead;
  readonly version: FunctionVersion;
  readonly lineageName: string;
  readonly meter: FunctionMeter;
}

export async function runnableOf(ctx: Ctx, record: FunctionRecord): Promise<Runnable> {
  const head = await headOf(ctx, record.name);
  const { runnables } = ctx.state;
  const known = runnables.get(record);
  if (known?.head === head) return known;
  const version = runnable(ctx, record);
  const meter = new FunctionMeter(ctx, ctx.state.loads, record, head);
  const made = { record, head, version, lineageName: lineageName(version.arn), meter };
  runnables.set(record, made);
  return made;
}

/**
 * Runs one event and records what it cost. Throws RecursiveInvocationException where the function has called itself, by
 * whatever way its trace has taken, too often.
 */
export async function runFunction(ctx: Ctx, record: FunctionRecord, request: InvokeRequest): Promise<InvokeOutcome> {
  return run(ctx, await runnableOf(ctx, record), request);
}

/** The same for what is looked up already. */
export async function run(ctx: Ctx, of: Runnable, request: InvokeRequest): Promise<InvokeOutcome> {
  const { record, head, meter } = of;
  const { traceId, repeats } = nextInChain(ctx, request.traceId ?? ctx.traceId, of.lineageName);
  if (repeats >= MAX_CHAIN && head.recursiveLoop !== "Allow") {
    count(
      ctx,
      { name: record.name, qualifier: parseName(request.invokedArn).qualifier },
      "RecursiveInvocationsDropped",
    );
    throw recursive();
  }
  meter.began();
  let whole: Promise<InvokeOutcome> | undefined;
  try {
    const outcome = await ctx.state.invoker.invoke(of.version, { ...request, traceId }, head.reservedConcurrency);
    ({ whole } = outcome);
    if (!whole) meter.ended(request.invokedArn, outcome, ctx.now());
    const { qualifier } = outcome.provisioned ? parseName(request.invokedArn) : {};
    if (outcome.provisioned && qualifier) recordProvisioned(ctx, record.name, qualifier, outcome.provisioned);
    return outcome;
  } catch (error) {
    if (error instanceof AwsError && error.code === "TooManyRequestsException")
      meter.throttled(request.invokedArn, ctx.now());
    throw error;
  } finally {
    if (whole) void whole.then((outcome) => meterEnd(ctx, meter, request, outcome));
    else meter.over();
  }
}

/** Extensions were through with a call only after its answer. */
function meterEnd(ctx: Ctx, meter: FunctionMeter, request: InvokeRequest, outcome: InvokeOutcome): void {
  meter.ended(request.invokedArn, outcome, ctx.now());
  meter.over();
}
