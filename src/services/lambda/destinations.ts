import type { Context } from "../../aws/context.ts";
import type { InvokeOutcome } from "../../compute/lambda/function-version.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { Statement } from "../../ports/database.ts";
import type { AsyncEvent } from "./async-events.ts";
import { queueUrlOf } from "./dead-letter.ts";
import { MAX_ASYNC_PAYLOAD, MAX_DESTINATION_HOPS } from "./limits.ts";
import { count } from "./metrics.ts";
import { functionArn, LATEST, type FunctionRecord } from "./model.ts";
import type { LambdaState } from "./state.ts";

type Ctx = Context<LambdaState>;

/** Why an asynchronous event is done with. */
export type Condition =
  | "Success"
  | "RetriesExhausted"
  | "EventAgeExceeded"
  | "ZeroReservedConcurrency"
  | "RecursiveInvocation";

/** How an event ended: for its destination. */
export interface Ended {
  readonly event: AsyncEvent;
  readonly record: FunctionRecord;
  readonly condition: Condition;
  /** How often the function was called for it. */
  readonly invokes: number;
  /** The last call's, where there was one. */
  readonly outcome?: Pick<InvokeOutcome, "payload" | "functionError"> | undefined;
}

/**
 * The invocation record that a destination gets.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export function invocationRecord(ctx: Pick<Ctx, "account" | "region" | "now">, ended: Ended): Record<string, unknown> {
  const { event, record, condition, invokes, outcome } = ended;
  return {
    version: "1.0",
    timestamp: new Date(ctx.now()).toISOString(),
    requestContext: {
      requestId: event.requestId,
      functionArn: `${functionArn(ctx, event.name)}:${event.qualifier ?? LATEST}`,
      condition,
      approximateInvokeCount: invokes,
    },
    requestPayload: jsonOf(Buffer.from(event.payload, "base64")),
    ...(outcome
      ? {
          responseContext: {
            statusCode: 200,
            executedVersion: record.version,
            ...(outcome.functionError ? { functionError: outcome.functionError } : {}),
          },
          responsePayload: jsonOf(outcome.payload),
        }
      : {}),
  };
}

/**
 * Statements that send the record of an event to a destination, as the function's role, at least once. None where
 * that cannot be: then a line in the platform's log says why.
 */
export async function toDestination(ctx: Ctx, destination: string, ended: Ended): Promise<readonly Statement[]> {
  const { event, record } = ended;
  const detail = invocationRecord(ctx, ended);
  const text = JSON.stringify(detail);
  const refused = (why: string): readonly Statement[] => {
    count(ctx, event, "DestinationDeliveryFailures");
    ctx.platform.log.warn("an invocation record was not sent to its destination", {
      function: functionArn(ctx, record.name),
      destination,
      why,
    });
    return [];
  };
  if (Buffer.byteLength(text) > MAX_ASYNC_PAYLOAD) return refused("it is too large");
  if (hopsOf(detail) > MAX_DESTINATION_HOPS) return refused("functions are destinations of each other in a circle");
  try {
    const { principal } = await ctx.asRole(record.role, record.name);
    const options = { principal, token: `${event.requestId}:destination` };
    if (destination.split(":")[2] === "lambda") {
      const call = { FunctionName: destination, InvocationType: "Event", Payload: text };
      return ctx.later("lambda", "Invoke", call, options);
    }
    if (destination.split(":")[2] === "sqs") {
      const call = { QueueUrl: queueUrlOf(ctx, destination), MessageBody: text };
      return ctx.inRegion(destination.split(":")[3]!).later("sqs", "SendMessage", call, options);
    }
    const kind = ended.condition === "Success" ? "Success" : "Failure";
    const entry = {
      EventBusName: destination,
      Source: "lambda",
      DetailType: `Lambda Function Invocation Result - ${kind}`,
      Detail: text,
      Resources: [destination, `${functionArn(ctx, event.name)}:${event.qualifier ?? LATEST}`],
    };
    return ctx.later("events", "PutEvents", { Entries: [entry] }, options);
  } catch (error) {
    return refused(messageOf(error));
  }
}

/** How many records are nested in each other: each destination's event holds the one before as its payload. */
export function hopsOf(record: unknown): number {
  let count = 0;
  let at = record as any;
  while (at?.requestContext?.condition !== undefined && count <= MAX_DESTINATION_HOPS) {
    count++;
    const next = at.requestPayload;
    at = next?.detail?.requestContext ? next.detail : next;
  }
  return count;
}

function jsonOf(payload: Buffer): unknown {
  if (payload.length === 0) return {};
  const text = payload.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
