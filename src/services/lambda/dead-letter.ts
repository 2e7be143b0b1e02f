import { isAllowed } from "../../aws/authorize.ts";
import type { Context } from "../../aws/context.ts";
import { parseArn } from "../../kernel/arn.ts";
import { messageOf, notImplemented } from "../../kernel/aws-error.ts";
import type { Statement } from "../../ports/database.ts";
import type { Ended } from "./destinations.ts";
import { count } from "./metrics.ts";
import { invalidParameter } from "./model.ts";
import type { LambdaState } from "./state.ts";

type Ctx = Context<LambdaState>;

const MAX_ERROR_MESSAGE = 1024;

/** Refuses what cannot be a function's dead-letter queue. */
export function checkDeadLetterArn(target: string): void {
  const { service, resource = "" } = parseArn(target) ?? {};
  if (service === "sns") throw notImplemented("SNS topics for dead letters of functions");
  if (service !== "sqs" || !resource) throw invalidParameter(`The dead-letter target ARN ${target} is invalid.`);
  if (resource.endsWith(".fifo")) throw invalidParameter("A FIFO queue cannot be a dead-letter queue of a function.");
}

/** The function's role must be able to send there. */
export async function checkDeadLetterRole(
  ctx: Ctx,
  target: string | undefined,
  role: string,
  name: string,
): Promise<void> {
  if (!target) return;
  const permission = { action: "sqs:SendMessage", resource: target };
  if (!(await isAllowed(await ctx.asRole(role, name), permission)))
    throw invalidParameter("The provided execution role does not have permissions to call SendMessage on SQS");
}

/**
 * Statements that send an event that was given up to the function's dead-letter queue, as the function's role.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq
 */
export async function toDeadLetter(ctx: Ctx, { event, record, outcome }: Ended): Promise<readonly Statement[]> {
  const target = record.deadLetterArn;
  if (!target) return [];
  try {
    const { principal } = await ctx.asRole(record.role, record.name);
    const text = (DataType: string, StringValue: string) => ({ DataType, StringValue });
    const message = outcome && errorMessageOf(outcome.payload);
    const call = {
      QueueUrl: queueUrlOf(ctx, target),
      MessageBody: Buffer.from(event.payload, "base64").toString("utf8") || "{}",
      MessageAttributes: {
        RequestID: text("String", event.requestId),
        ErrorCode: text("Number", outcome ? "200" : "429"),
        ...(message ? { ErrorMessage: text("String", message) } : {}),
      },
    };
    return ctx.later("sqs", "SendMessage", call, { principal, token: `${event.requestId}:dead-letter` });
  } catch (error) {
    count(ctx, event, "DeadLetterErrors");
    ctx.platform.log.warn("an event was not sent to its function's dead-letter queue", {
      function: record.name,
      target,
      why: messageOf(error),
    });
    return [];
  }
}

/** What the function said of its failure, cut as Lambda cuts it. */
function errorMessageOf(payload: Buffer): string {
  const text = payload.toString("utf8");
  try {
    const { errorMessage } = JSON.parse(text) as { errorMessage?: unknown };
    return String(errorMessage ?? text).slice(0, MAX_ERROR_MESSAGE);
  } catch {
    return text.slice(0, MAX_ERROR_MESSAGE);
  }
}

/** The URL of a queue of this platform. */
export function queueUrlOf(ctx: Pick<Ctx, "platform">, queueArn: string): string {
  const { account, resource } = parseArn(queueArn) ?? {};
  return `${ctx.platform.settings.publicUrl}/${account}/${resource}`;
}
