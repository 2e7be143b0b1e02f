import type * as Lambda from "@aws-sdk/client-lambda";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { acceptEvent } from "../async-events.ts";
import { MAX_ASYNC_PAYLOAD, MAX_SYNC_PAYLOAD } from "../limits.ts";
import { runFunction } from "../run-function.ts";
import { functionArn, onFunction, parseName } from "../model.ts";
import type { LambdaState } from "../state.ts";
import { versionOf } from "../store.ts";

export const invoke = operations<typeof Lambda, LambdaState>()({
  Invoke: {
    permissions: onFunction("InvokeFunction", { policy: true }),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      const payload = payloadOf(input.Payload);
      const type = input.InvocationType ?? "RequestResponse";
      const record = await versionOf(ctx, name, qualifier);
      checkPayload(payload, type === "Event" ? MAX_ASYNC_PAYLOAD : MAX_SYNC_PAYLOAD);
      if (type === "DryRun") return { StatusCode: 204, ExecutedVersion: record.version };
      const invokedArn = functionArn(ctx, name, qualifier);
      if (type === "Event") {
        const event = {
          name,
          ...(qualifier === undefined ? {} : { qualifier }),
          payload: payload.toString("base64"),
          requestId: ctx.requestId,
          acceptedAt: ctx.now(),
        };
        await ctx.records.write(acceptEvent(ctx, event));
        return { StatusCode: 202 };
      }
      const outcome = await runFunction(ctx, record, {
        requestId: ctx.requestId,
        payload,
        invokedArn,
        wantsTail: input.LogType === "Tail",
        ...(input.ClientContext ? { clientContext: Buffer.from(input.ClientContext, "base64").toString("utf8") } : {}),
      });
      return {
        StatusCode: 200,
        ExecutedVersion: record.version,
        Payload: outcome.payload,
        ...(outcome.functionError ? { FunctionError: outcome.functionError } : {}),
        ...(outcome.tail ? { LogResult: outcome.tail.toString("base64") } : {}),
      };
    },
  },
});

const payloadOf = (payload: unknown): Buffer =>
  payload === undefined ? Buffer.alloc(0) : Buffer.from(payload as Uint8Array);

/** The payload must be JSON, and no longer than the kind of call takes. */
function checkPayload(payload: Buffer, limit: number): void {
  if (payload.length > limit)
    throw new AwsError(
      "RequestTooLargeException",
      `${payload.length} byte payload is too large for the ${limit === MAX_SYNC_PAYLOAD ? "RequestResponse" : "Event"} invocation type (limit ${limit} bytes)`,
      413,
      { Type: "User" },
    );
  if (payload.length === 0) return;
  try {
    JSON.parse(payload.toString("utf8"));
  } catch (error) {
    const message = `Could not parse request body into json: Could not parse payload into json: ${(error as Error).message}`;
    throw new AwsError("InvalidRequestContentException", message, 400, { Type: "User" });
  }
}
