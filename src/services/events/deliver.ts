import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { readPath, transformInput } from "../../engines/event-pattern/index.ts";
import { parseArn } from "../../kernel/arn.ts";
import { AwsError, codeOf, messageOf } from "../../kernel/aws-error.ts";
import { MAX_EVENT_AGE_SECONDS, MAX_RETRIES } from "./limits.ts";
import { DELIVERIES, recordMetric, type Delivery } from "./publish.ts";
import type { EventsState } from "./state.ts";
import { targetKind } from "./targets.ts";

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 8 * 60_000;

/** Brings events to targets: again after a failure that may pass, to the dead-letter queue after one that may not. */
export const deliveryWorker: QueueWorker<EventsState> = {
  topic: DELIVERIES,
  concurrency: 16,
  leaseMs: 60_000,
  maxAttempts: MAX_RETRIES + 1,
  backoffMs: (attempt) => Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1)),
  async run(ctx, body, attempt) {
    const delivery = body as Delivery;
    try {
      await deliver(ctx, delivery);
      recordMetric(ctx, delivery.rule, "Invocations");
    } catch (error) {
      if (ctx.platform.signal.aborted || canPass(ctx, delivery, attempt, error)) throw error;
      await giveUp(ctx, delivery, attempt, error);
    }
  },
};

async function deliver(ctx: Context<EventsState>, delivery: Delivery): Promise<void> {
  const target = parseArn(String(delivery.target.Arn));
  const kind = target && targetKind(target);
  if (!kind) throw new AwsError("ResourceNotFoundException", `There is no such target: ${delivery.target.Arn}`, 404);
  const there = target.region ? ctx.inRegion(target.region) : ctx;
  const input = inputOf(delivery);
  if (input === undefined) return; // AWS drops what its template makes no JSON of
  await kind.send(there, { delivery, target, input });
}

/** What the target gets: the event, a part of it, or what the target's own input says. */
function inputOf({ event, target, rule, ruleArn, acceptedAt }: Delivery): string | undefined {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath) return JSON.stringify(readPath(target.InputPath, event as never) ?? null);
  const { InputTransformer: transformer } = target;
  if (!transformer) return JSON.stringify(event);
  return transformInput(
    {
      inputTemplate: String(transformer.InputTemplate),
      ...(transformer.InputPathsMap ? { inputPathsMap: transformer.InputPathsMap } : {}),
    },
    event as never,
    { ruleArn, ruleName: rule, ingestionTime: new Date(acceptedAt).toISOString() },
  );
}

/** Whether another try may succeed: the target's retry policy leaves one, and it is not our or the user's settings that refuse. */
function canPass(
  ctx: Context<EventsState>,
  { target, acceptedAt }: Delivery,
  attempt: number,
  error: unknown,
): boolean {
  const { MaximumRetryAttempts = MAX_RETRIES, MaximumEventAgeInSeconds = MAX_EVENT_AGE_SECONDS } =
    target.RetryPolicy ?? {};
  if (attempt > MaximumRetryAttempts || ctx.now() - acceptedAt >= MaximumEventAgeInSeconds * 1000) return false;
  if (!(error instanceof AwsError) || (error.status >= 500 && error.status !== 501)) return true;
  return /Throttl|TooManyRequests|Conflict|InProgress|NotReady|Unavailable|LimitExceeded/i.test(error.code);
}

async function giveUp(ctx: Context<EventsState>, delivery: Delivery, attempt: number, error: unknown): Promise<void> {
  const { target, rule, ruleArn } = delivery;
  recordMetric(ctx, rule, "FailedInvocations");
  ctx.platform.log.warn("an event was not delivered", {
    rule: ruleArn,
    target: target.Arn,
    code: codeOf(error),
    error: messageOf(error),
  });
  const queue = target.DeadLetterConfig?.Arn;
  if (!queue) return;
  const text = (value: string) => ({ DataType: "String", StringValue: value });
  const attributes = {
    RULE_ARN: text(ruleArn),
    TARGET_ARN: text(String(target.Arn)),
    ERROR_CODE: text(codeOf(error) ?? "SDK_CLIENT_ERROR"),
    ERROR_MESSAGE: text(messageOf(error)),
    RETRY_ATTEMPTS: text(String(attempt - 1)),
  };
  const [, , , region = "", account = "", name = ""] = queue.split(":");
  const QueueUrl = `${ctx.platform.settings.publicUrl}/${account}/${name}`;
  const sender = ctx.inRegion(region).asService(ruleArn);
  await sender.call("sqs", "SendMessage", {
    QueueUrl,
    MessageBody: JSON.stringify(delivery.event),
    MessageAttributes: attributes,
  });
  recordMetric(ctx, rule, "InvocationsSentToDlq");
}
