import { createContext, type Context } from "../../aws/context.ts";
import { TryLater, type QueueWorker } from "../../aws/service.ts";
import { ACCOUNT_CONCURRENCY } from "../../compute/lambda/invoker.ts";
import { codeOf } from "../../kernel/aws-error.ts";
import type { Statement } from "../../ports/database.ts";
import { toDeadLetter } from "./dead-letter.ts";
import { toDestination, type Condition, type Ended } from "./destinations.ts";
import { eventInvokeConfig, type EventInvokeConfig } from "./event-invoke-config.ts";
import { ASYNC_MAX_AGE_SECONDS, ASYNC_RETRIES } from "./limits.ts";
import { lineageName, nextInChain } from "./lineage.ts";
import { count } from "./metrics.ts";
import { functionArn, invokedArnOf } from "./model.ts";
import { RECURSIVE, runFunction } from "./run-function.ts";
import type { LambdaState } from "./state.ts";
import { headOf, versionOf } from "./store.ts";
import { pauseMs } from "./throttled-events.ts";

const ASYNC_EVENTS = "lambda-async";

/** An accepted asynchronous event: on disk before 202 was answered. */
export interface AsyncEvent {
  readonly name: string;
  readonly qualifier?: string;
  /** Base64. */
  readonly payload: string;
  readonly requestId: string;
  readonly acceptedAt: number;
  /** How often the function has failed for it. */
  readonly failures?: number;
}

type Ctx = Context<LambdaState>;

/** How long Lambda waits before the first and second retry. */
const RETRY_MS = [60_000, 120_000];
/** Longer than the greatest age of an event, so that it is the worker who ends it and tells its destination. */
const QUEUE_MAX_AGE_MS = 7 * 3600_000;
/** More than there are seconds in the greatest age of an event: its age ends it. */
const MAX_TRIES = 30_000;

/** Statements that put an event on disk, to run after `delayMs`. */
function acceptEvent(ctx: Ctx, event: AsyncEvent, delayMs = 0): Statement[] {
  const token = `${event.requestId}:${event.failures ?? 0}`;
  return ctx.enqueue(ASYNC_EVENTS, event, { maxAgeMs: QUEUE_MAX_AGE_MS, token, delayMs });
}

/** Of the events of a function, among those that wait. */
const lineOf = (ctx: Ctx, name: string): string => `${ctx.account} ${ctx.region} ${name}`;

/** Statements that put an event on disk that has just come. */
export async function acceptNew(ctx: Ctx, event: AsyncEvent): Promise<Statement[]> {
  const { reservedConcurrency } = await headOf(ctx, event.name);
  const { name, requestId } = event;
  return acceptEvent(ctx, event, ctx.state.throttledEvents.accepted(lineOf(ctx, name), requestId, reservedConcurrency));
}

/** Runs accepted events; what fails comes again as a new message, what is throttled as the same one until it is too old. */
export const asyncEvents: QueueWorker<LambdaState> = {
  topic: ASYNC_EVENTS,
  // As many as may run in an account: one function that takes its time must not keep the events of others.
  concurrency: ACCOUNT_CONCURRENCY,
  leaseMs: 30_000,
  maxAttempts: MAX_TRIES,
  backoffMs: pauseMs,
  async run(ctx, body, attempt) {
    const event = body as AsyncEvent;
    const { throttledEvents } = ctx.state;
    const line = lineOf(ctx, event.name);
    throttledEvents.left(line, event.requestId);
    const record = await versionOf(ctx, event.name, event.qualifier).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
      return undefined; // the function was deleted after it had accepted the event
    });
    if (!record) return;
    const config = await eventInvokeConfig(ctx, event.name, event.qualifier);
    const { failures = 0 } = event;
    count(ctx, event, "AsyncEventAge", ageMs(ctx, event));
    if (ageMs(ctx, event) > maxAgeMs(config))
      return end(ctx, config, { event, record, condition: "EventAgeExceeded", invokes: failures });
    const { reservedConcurrency } = await headOf(ctx, event.name);
    if (reservedConcurrency === 0)
      return end(ctx, config, { event, record, condition: "ZeroReservedConcurrency", invokes: failures });
    throttledEvents.began(line, event.requestId);
    const outcome = await runFunction(ctx, record, {
      requestId: event.requestId,
      payload: Buffer.from(event.payload, "base64"),
      invokedArn: invokedArnOf(ctx, event.name, event.qualifier),
    }).catch((error: unknown) => {
      if (codeOf(error) === "TooManyRequestsException")
        throw new TryLater(throttledEvents.throttled(line, event.requestId, attempt, reservedConcurrency), error);
      throttledEvents.ended(line);
      if (codeOf(error) !== RECURSIVE) throw error;
      return undefined;
    });
    if (outcome) throttledEvents.ended(line, outcome.durationMs);
    if (!outcome) return end(ctx, config, { event, record, condition: "RecursiveInvocation", invokes: failures });
    const ended = (condition: Condition): Promise<void> =>
      end(ctx, config, { event, record, condition, outcome, invokes: failures + 1 });
    if (!outcome.functionError) return ended("Success");
    if (failures >= (config?.retries ?? ASYNC_RETRIES)) return ended("RetriesExhausted");
    const delayMs = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!;
    if (ageMs(ctx, event) + delayMs > maxAgeMs(config)) return ended("EventAgeExceeded");
    await ctx.records.write(acceptEvent(ctx, { ...event, failures: failures + 1 }, delayMs));
  },
};

const ageMs = (ctx: Ctx, event: AsyncEvent): number => ctx.now() - event.acceptedAt;
const maxAgeMs = (config: EventInvokeConfig | undefined): number =>
  (config?.maxAgeSeconds ?? ASYNC_MAX_AGE_SECONDS) * 1000;

/** Tells the destination and the dead-letter queue, where there are such, before the event is forgotten. */
async function end(accepted: Ctx, config: EventInvokeConfig | undefined, ended: Ended): Promise<void> {
  const ctx = behind(accepted, ended);
  if (ended.condition !== "Success") count(ctx, ended.event, "AsyncEventsDropped");
  const destination = ended.condition === "Success" ? config?.onSuccess : config?.onFailure;
  const statements = [
    ...(destination === undefined ? [] : await toDestination(ctx, destination, ended)),
    ...(ended.condition === "Success" ? [] : await toDeadLetter(ctx, ended)),
  ];
  if (statements.length) await ctx.records.write(statements);
}

/** A context for what follows the function in its chain of calls. */
function behind(ctx: Ctx, { record }: Ended): Ctx {
  const { platform, registry, service, account, region, principal, signal } = ctx;
  const { traceId } = nextInChain(ctx, ctx.traceId, lineageName(functionArn(ctx, record.name)));
  return createContext(platform, registry, { service, account, region, principal, signal, traceId }) as Ctx;
}
