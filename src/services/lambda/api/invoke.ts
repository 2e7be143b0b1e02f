import type { Readable } from "node:stream";
import type * as Lambda from "@aws-sdk/client-lambda";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { readWithin } from "../../../kernel/read-within.ts";
import { acceptNew } from "../async-events.ts";
import { MAX_ASYNC_PAYLOAD } from "../limits.ts";
import { count } from "../metrics.ts";
import { checkedClientContext, checkedPayload } from "../payload.ts";
import { run, runFunction, runnableOf } from "../run-function.ts";
import { invokedArnOf, LATEST, onFunction, parseName, type FunctionRecord } from "../model.ts";
import type { LambdaState } from "../state.ts";
import { fixedVersionOf, runnable, versionOf } from "../store.ts";

/** CodeDeploy asks by a dry run whether the version that it is about to give traffic to can be loaded. */
const DEPLOYER = "codedeploy.amazonaws.com";

export const invoke = operations<typeof Lambda, LambdaState>()({
  Invoke: {
    permissions: async (input, ctx) => (isProbe(ctx, input) ? [] : (await targetOf(ctx, input)).permissions),
    async run(ctx, input) {
      const { name, qualifier, invokedArn } = await targetOf(ctx, input);
      const type = input.InvocationType ?? "RequestResponse";
      const record = await versionOf(ctx, name, qualifier ?? LATEST);
      const payload = checkedPayload(ctx, input.Payload, type === "Event" ? "Event" : "RequestResponse");
      if (type === "DryRun") {
        if (isProbe(ctx, input)) await mustLoad(ctx, record);
        return { StatusCode: 204, ExecutedVersion: record.version };
      }
      if (type === "Event") {
        await accept(ctx, { name, qualifier, payload });
        return { StatusCode: 202 };
      }
      const outcome = await runFunction(ctx, record, {
        requestId: ctx.requestId,
        payload,
        invokedArn,
        wantsTail: input.LogType === "Tail",
        ...checkedClientContext(input.ClientContext),
      });
      return {
        StatusCode: 200,
        ExecutedVersion: record.version,
        Payload: outcome.payload,
        ...(outcome.functionError ? { FunctionError: outcome.functionError } : {}),
        ...(outcome.tail ? { LogResult: outcome.tail.toString("base64") } : {}),
      };
    },
    /** A function's answer is waited for; its payload is given with each call. */
    async prepare(ctx, { FunctionName, Qualifier, ...more }) {
      if (Object.keys(more).length > 0) return undefined;
      const { name, qualifier, invokedArn } = await targetOf(ctx, { FunctionName, Qualifier });
      const record = await fixedVersionOf(ctx, name, qualifier);
      if (!record) return undefined;
      const runnable = await runnableOf(ctx, record);
      return async ({ requestId, traceId }, { Payload }) => {
        const payload = checkedPayload(ctx, Payload, "RequestResponse");
        const request = { requestId, payload, invokedArn, ...(traceId === undefined ? {} : { traceId }) };
        const outcome = await run(ctx, runnable, request);
        return {
          StatusCode: 200,
          ExecutedVersion: record.version,
          Payload: outcome.payload,
          FunctionError: outcome.functionError,
        };
      };
    },
  },
  /** What `Invoke` with the type Event was before there were types. */
  InvokeAsync: {
    permissions: async (input, ctx) => {
      const asked = await onFunction("InvokeFunction", { policy: true })(input, ctx);
      return asked.map((one) => ({ ...one, action: "lambda:InvokeAsync" }));
    },
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName);
      await versionOf(ctx, name, qualifier ?? LATEST);
      const args = await readWithin(input.InvokeArgs as Readable, MAX_ASYNC_PAYLOAD, tooLarge); // a streaming member
      await accept(ctx, { name, qualifier, payload: checkedPayload(ctx, args, "Event") });
      return { Status: 202 };
    },
  },
});

const tooLarge = (): AwsError =>
  new AwsError("RequestTooLargeException", `Request must be smaller than ${MAX_ASYNC_PAYLOAD} bytes`, 413);

/** Puts an event on disk. */
async function accept(
  ctx: Context<LambdaState>,
  { name, qualifier, payload }: { name: string; qualifier?: string | undefined; payload: Buffer },
): Promise<void> {
  const event = {
    name,
    ...(qualifier === undefined ? {} : { qualifier }),
    payload: payload.toString("base64"),
    requestId: ctx.requestId,
    acceptedAt: ctx.now(),
  };
  await ctx.records.write(await acceptNew(ctx, event));
  count(ctx, { name, qualifier }, "AsyncEventsReceived");
}

interface Target {
  readonly name: string;
  readonly qualifier?: string;
  readonly invokedArn: string;
  readonly permissions: readonly Permission[];
}

/** What the names of a call mean and ask for. */
function targetOf(
  ctx: Context<LambdaState>,
  input: { FunctionName: string | undefined; Qualifier?: string | undefined },
): Target | Promise<Target> {
  return ctx.records.made(`invoke\n${input.FunctionName}\n${input.Qualifier ?? ""}`, async () => {
    const named = parseName(input.FunctionName, input.Qualifier);
    const permissions = await onFunction("InvokeFunction", { policy: true })(input, ctx);
    return { ...named, invokedArn: invokedArnOf(ctx, named.name, named.qualifier), permissions };
  });
}

/** CodeDeploy itself may ask whether a version can be loaded, and nothing else. */
function isProbe(ctx: Context<LambdaState>, input: { InvocationType?: string | undefined }): boolean {
  return ctx.principal.kind === "service" && ctx.principal.service === DEPLOYER && input.InvocationType === "DryRun";
}

/** A deployment must not give traffic to a version that cannot even be loaded. */
async function mustLoad(ctx: Context<LambdaState>, record: FunctionRecord): Promise<void> {
  // Only what the runtime says of the code decides: a machine that is full just now says nothing about it.
  const failure = await ctx.state.invoker.prepare(runnable(ctx, record)).catch(() => undefined);
  if (!failure) return;
  const {
    errorType,
    errorMessage,
    trace = [],
  } = JSON.parse(failure.toString("utf8")) as {
    errorType?: string;
    errorMessage?: string;
    trace?: string[];
  };
  const where = trace.find((line) => line.includes("/var/task/")) ?? "";
  const message = `Version ${record.version} of ${record.name} cannot be loaded: ${errorType}: ${errorMessage} ${where.trim()}`;
  throw new AwsError("InvalidRuntimeException", message.trim(), 400, { Type: "User" });
}
