import type * as Sqs from "@aws-sdk/client-sqs";
import { createContext } from "../../../aws/context.ts";
import { compileEventPattern } from "../../../engines/event-pattern/index.ts";
import { AwsError, codeOf, messageOf } from "../../../kernel/aws-error.ts";
import { queueUrlOf } from "../dead-letter.ts";
import { MAX_QUEUE_BATCHES, MAX_SYNC_PAYLOAD } from "../limits.ts";
import { furthest } from "../lineage.ts";
import { functionArn, type FunctionRecord } from "../model.ts";
import { RECURSIVE, runFunction } from "../run-function.ts";
import { versionOf } from "../store.ts";
import type { Ctx, Mapping } from "./mapping.ts";
import { countEvents } from "./mapping-metrics.ts";
import { eventsOf, passesFilters, queueRecord, reportedFailures, type QueueRecord } from "./queue-batch.ts";

/** Batches at work at once in the beginning; each that goes well makes room for one more. */
const FIRST_WIDTH = 5;
const WAIT_SECONDS = 20;
const RECEIVE_AT_ONCE = 10;
const ROLE_MS = 5 * 60_000;
const LONGEST_PAUSE_MS = 60_000;
/** A throttled batch is tried again so long; then its messages come again by themselves. */
const THROTTLED_MS = 25_000;

/** What a poller works with. */
interface Poller {
  readonly ctx: Ctx;
  readonly mapping: Mapping;
  readonly signal: AbortSignal;
  /** Batches that may be at work at once just now. */
  width: number;
  /** Failures in a row, of reading or of calling: each makes the next pause longer. */
  failures: number;
  /** Batches that wait for a function which has no room. */
  throttled: number;
  role?: { readonly ctx: Ctx; readonly until: number; readonly of: string };
}

/** Reads a queue for a function: one receiver that waits, and as many batches at work as the mapping allows. */
export async function pollQueue(ctx: Ctx, mapping: Mapping, signal: AbortSignal): Promise<void> {
  const poller: Poller = { ctx, mapping, signal, width: FIRST_WIDTH, failures: 0, throttled: 0 };
  const most = mapping.maximumConcurrency ?? MAX_QUEUE_BATCHES;
  const atWork = new Set<Promise<void>>();
  while (!signal.aborted) {
    if (atWork.size >= Math.min(most, poller.width) || (poller.throttled > 0 && atWork.size > 0)) {
      await Promise.race(atWork);
      continue;
    }
    try {
      if (poller.failures > 0) await pause(poller, 1000 * 2 ** Math.min(poller.failures - 1, 6));
      const messages = await receiveBatch(poller);
      if (messages.length === 0) continue;
      const work = handle(poller, messages)
        .catch((error: unknown) => failed(poller, error))
        .finally(() => atWork.delete(work));
      atWork.add(work);
    } catch (error) {
      failed(poller, error);
    }
  }
  // What is at work ends by itself: a stopped mapping still deletes what went well, a stopped platform waits for nobody.
}

function failed(poller: Poller, error: unknown): void {
  if (poller.signal.aborted) return;
  poller.failures++;
  if (poller.failures > 1 && poller.failures % 60 !== 0) return;
  poller.ctx.platform.log.warn("an event source is not read", {
    mapping: poller.mapping.uuid,
    source: poller.mapping.source,
    code: codeOf(error),
    error: messageOf(error),
  });
}

async function pause({ ctx, signal }: Poller, ms: number): Promise<void> {
  await ctx.platform.clock.sleep(Math.min(ms, LONGEST_PAUSE_MS), signal).catch(() => undefined); // aborted: the loop ends
}

/** A context of the function's role, which ends with the poller. */
async function asRole(poller: Poller, record: FunctionRecord): Promise<Ctx> {
  const { ctx, signal } = poller;
  if (poller.role && poller.role.until > ctx.now() && poller.role.of === record.role) return poller.role.ctx;
  const { principal } = await ctx.asRole(record.role, record.name);
  const { platform, registry, service, account, region } = ctx;
  const role = createContext(platform, registry, { service, account, region, principal, signal }) as Ctx;
  poller.role = { ctx: role, until: ctx.now() + ROLE_MS, of: record.role };
  return role;
}

const functionOf = ({ ctx, mapping }: Poller): Promise<FunctionRecord> =>
  versionOf(ctx, mapping.functionName, mapping.qualifier);

/** The first messages that come, and what follows them within the batching window. */
async function receiveBatch(poller: Poller): Promise<Sqs.Message[]> {
  const { ctx, mapping, signal } = poller;
  const role = await asRole(poller, await functionOf(poller));
  const receive = async (max: number, wait: number): Promise<Sqs.Message[]> => {
    const { Messages = [] } = await role.call("sqs", "ReceiveMessage", {
      QueueUrl: queueUrlOf(ctx, mapping.source),
      MaxNumberOfMessages: Math.min(max, RECEIVE_AT_ONCE),
      WaitTimeSeconds: wait,
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["All"],
    });
    return Messages;
  };
  const messages = await receive(mapping.batchSize, WAIT_SECONDS);
  if (messages.length === 0) return messages;
  const end = ctx.now() + mapping.windowSeconds * 1000;
  let bytes = sizeOf(messages);
  for (;;) {
    const left = end - ctx.now();
    if (messages.length >= mapping.batchSize || bytes >= MAX_SYNC_PAYLOAD || left <= 0 || signal.aborted) break;
    const more = await receive(mapping.batchSize - messages.length, Math.min(WAIT_SECONDS, Math.ceil(left / 1000)));
    messages.push(...more);
    bytes += sizeOf(more);
  }
  return messages;
}

const sizeOf = (messages: readonly Sqs.Message[]): number =>
  messages.reduce((sum, { Body = "" }) => sum + Buffer.byteLength(Body), 0);

async function handle(poller: Poller, messages: readonly Sqs.Message[]): Promise<void> {
  const { ctx, mapping } = poller;
  const all = messages.map((message) => queueRecord(message, mapping.source));
  const patterns = mapping.filters.map((pattern) => compileEventPattern(pattern));
  const wanted = all.filter((record) => passesFilters(patterns, record));
  const dropped = all.filter((record) => !wanted.includes(record));
  const count = (name: string, value: number): void => countEvents(ctx, mapping, name, value);
  count("PolledEventCount", all.length);
  count("FilteredOutEventCount", dropped.length);
  await remove(poller, dropped);
  for (const { records, payload } of eventsOf(wanted)) {
    const failures = await invoke(poller, records, payload);
    count(failures ? "InvokedEventCount" : "FailedInvokeEventCount", records.length);
    if (failures)
      await remove(
        poller,
        records.filter(({ messageId }) => !failures.has(messageId)),
      );
  }
}

/** Ids of the messages that failed; `undefined` where all did. These come again when their visibility timeout ends. */
async function invoke(
  poller: Poller,
  records: readonly QueueRecord[],
  payload: Buffer,
): Promise<ReadonlySet<string> | undefined> {
  const { ctx, mapping } = poller;
  const begun = ctx.now();
  const traces = records.map(({ attributes }) => attributes["AWSTraceHeader"]);
  const traceId = furthest(traces, functionArn(ctx, mapping.functionName));
  for (let tries = 0; !poller.signal.aborted; tries++) {
    try {
      const record = await functionOf(poller);
      const outcome = await runFunction(ctx, record, {
        requestId: ctx.platform.ids.uuid(),
        payload,
        invokedArn: functionArn(ctx, mapping.functionName, mapping.qualifier),
        ...(traceId === undefined ? {} : { traceId }),
      });
      poller.failures = 0;
      poller.width = poller.width + 1;
      if (outcome.functionError) return undefined;
      return mapping.responseTypes.includes("ReportBatchItemFailures")
        ? reportedFailures(outcome.payload, records)
        : new Set();
    } catch (error) {
      if (codeOf(error) === RECURSIVE) return undefined; // the queue's redrive policy says what becomes of them
      const isThrottle = error instanceof AwsError && error.code === "TooManyRequestsException";
      if (!isThrottle || ctx.now() - begun > THROTTLED_MS) throw error;
      poller.width = Math.max(1, poller.width >> 1);
      poller.throttled++;
      await pause(poller, 250 * 2 ** Math.min(tries, 5)).finally(() => poller.throttled--);
    }
  }
  return undefined;
}

async function remove(poller: Poller, records: readonly QueueRecord[]): Promise<void> {
  const { ctx, mapping } = poller;
  for (let i = 0; i < records.length; i += RECEIVE_AT_ONCE) {
    const Entries = records
      .slice(i, i + RECEIVE_AT_ONCE)
      .map(({ receiptHandle }, n) => ({ Id: String(n), ReceiptHandle: receiptHandle }));
    const role = await asRole(poller, await functionOf(poller));
    await role.call("sqs", "DeleteMessageBatch", { QueueUrl: queueUrlOf(ctx, mapping.source), Entries });
    countEvents(ctx, mapping, "DeletedEventCount", Entries.length);
  }
}
