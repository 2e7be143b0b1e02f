import type * as Lambda from "@aws-sdk/client-lambda";
import { operations } from "../../../aws/service.ts";
import type { InvokeOutcome } from "../../../compute/lambda/function-version.ts";
import { StreamedAnswer } from "../../../compute/lambda/streamed-answer.ts";
import { invokedArnOf, onFunction, parseName } from "../model.ts";
import { checkedClientContext, checkedPayload } from "../payload.ts";
import { runFunction } from "../run-function.ts";
import type { LambdaState } from "../state.ts";
import { versionOf } from "../store.ts";

export const invokeStream = operations<typeof Lambda, LambdaState>()({
  InvokeWithResponseStream: {
    permissions: onFunction("InvokeFunction", { policy: true }),
    async run(ctx, input) {
      const { name, qualifier } = parseName(input.FunctionName, input.Qualifier);
      const payload = checkedPayload(ctx, input.Payload, "RequestResponse");
      const record = await versionOf(ctx, name, qualifier);
      if (input.InvocationType === "DryRun") return { StatusCode: 204, ExecutedVersion: record.version };
      const answer = new StreamedAnswer();
      const over = runFunction(ctx, record, {
        requestId: ctx.requestId,
        payload,
        invokedArn: invokedArnOf(ctx, name, qualifier),
        wantsTail: input.LogType === "Tail",
        onPiece: answer.onPiece,
        ...checkedClientContext(input.ClientContext),
      });
      over.then(
        (outcome) => answer.end(outcome),
        () => answer.end(),
      );
      // A call that cannot be made at all is refused before the stream begins.
      await Promise.race([answer.begun, over]);
      return { StatusCode: 200, ExecutedVersion: record.version, EventStream: events(answer, over) };
    },
  },
});

async function* events(answer: StreamedAnswer, over: Promise<InvokeOutcome>) {
  for await (const Payload of answer.pieces()) yield { PayloadChunk: { Payload } };
  const outcome = await over;
  const LogResult = outcome.tail?.toString("base64");
  const error = answer.isTooLarge
    ? {
        ErrorCode: "Function.ResponseSizeTooLarge",
        ErrorDetails: "The response was longer than a streamed response may be.",
      }
    : outcome.functionError
      ? { ErrorCode: outcome.errorType ?? outcome.functionError, ErrorDetails: outcome.payload.toString("utf8") }
      : {};
  yield { InvokeComplete: { ...error, ...(LogResult === undefined ? {} : { LogResult }) } };
}
