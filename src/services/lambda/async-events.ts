import type { QueueWorker } from "../../aws/service.ts";
import { codeOf } from "../../kernel/aws-error.ts";
import { ASYNC_MAX_AGE_SECONDS, ASYNC_RETRIES } from "./limits.ts";
import { functionArn } from "./model.ts";
import { runFunction } from "./run-function.ts";
import type { LambdaState } from "./state.ts";
import { versionOf } from "./store.ts";

export const ASYNC_EVENTS = "lambda-async";

/** An accepted asynchronous event: on disk before 202 was answered. */
export interface AsyncEvent {
  readonly name: string;
  readonly qualifier?: string;
  /** Base64. */
  readonly payload: string;
  readonly requestId: string;
  readonly acceptedAt: number;
}

/** Minutes that Lambda waits before the first and second retry. */
const RETRY_MS = [60_000, 120_000];

class FunctionFailed extends Error {}

/** Runs accepted events: two retries after a failure, throttles for up to six hours. */
export const asyncEvents: QueueWorker<LambdaState> = {
  topic: ASYNC_EVENTS,
  concurrency: 64,
  leaseMs: 30_000,
  maxAttempts: 1_000,
  backoffMs: (attempt) => RETRY_MS[Math.min(attempt, RETRY_MS.length) - 1]!,
  async run(ctx, body, attempt) {
    const event = body as AsyncEvent;
    if (ctx.now() - event.acceptedAt > ASYNC_MAX_AGE_SECONDS * 1000) return;
    const record = await versionOf(ctx, event.name, event.qualifier).catch((error: unknown) => {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
      return undefined; // the function was deleted after it had accepted the event
    });
    if (!record) return;
    const request = {
      requestId: event.requestId,
      payload: Buffer.from(event.payload, "base64"),
      invokedArn: functionArn(ctx, event.name, event.qualifier),
    };
    const outcome = await runFunction(ctx, record, request);
    if (outcome.functionError && attempt <= ASYNC_RETRIES) throw new FunctionFailed(`${record.name} failed`);
  },
};
