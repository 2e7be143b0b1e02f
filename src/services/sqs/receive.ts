import type * as Sqs from "@aws-sdk/client-sqs";
import { numberOf, redriveOf } from "./attributes.ts";
import { attributesMd5, sequenceOf } from "./message.ts";
import { findQueue, noQueue, queueByArn, type Ctx, type Queue } from "./model.ts";
import { receiptHandle } from "./receipt-handle.ts";
import { claimMessages, nextVisibleAt, type Message, type StoredAttribute } from "./store.ts";

/** Receives up to `max` messages; waits for the first one up to `waitMs`, and wakes when one is sent or becomes visible. */
export async function receiveMessages(
  ctx: Ctx,
  queue: Queue,
  options: { readonly max: number; readonly visibilitySeconds: number | undefined; readonly waitMs: number },
): Promise<Message[]> {
  const deadline = ctx.now() + options.waitMs;
  for (let at = queue; ; at = await stillThere(ctx, queue)) {
    if (ctx.signal.aborted) return [];
    const bell = options.waitMs > 0 ? ctx.state.doorbell(queue.uid) : undefined;
    try {
      const messages = await claim(ctx, at, options);
      const left = deadline - ctx.now();
      if (messages.length > 0 || left <= 0 || !bell || ctx.signal.aborted) return messages;
      const next = await nextVisibleAt(ctx, at);
      await pause(ctx, bell.rung, Math.min(left, next === undefined ? left : next - ctx.now()));
    } finally {
      bell?.remove();
    }
  }
}

async function claim(
  ctx: Ctx,
  queue: Queue,
  { max, visibilitySeconds }: { max: number; visibilitySeconds: number | undefined },
): Promise<Message[]> {
  const redrive = redriveOf(queue);
  const dead = redrive && (await queueByArn(ctx, redrive.arn));
  return claimMessages(ctx, queue, {
    max,
    visibilityMs: (visibilitySeconds ?? numberOf(queue, "VisibilityTimeout")) * 1000,
    retentionMs: numberOf(queue, "MessageRetentionPeriod") * 1000,
    ...(dead ? { dead: { queue: dead, after: redrive.maxReceiveCount } } : {}),
  });
}

/** The queue as it is now: it may have been changed or deleted while a receiver waited. */
async function stillThere(ctx: Ctx, queue: Queue): Promise<Queue> {
  const now = await findQueue(ctx, queue.name);
  if (now?.uid !== queue.uid) throw noQueue();
  return now;
}

async function pause(ctx: Ctx, rung: Promise<void>, ms: number): Promise<void> {
  if (ms <= 0) return;
  const timer = new AbortController();
  const signal = AbortSignal.any([ctx.signal, timer.signal]);
  const slept = ctx.platform.clock.sleep(ms, signal).catch(() => undefined); // aborted: there is nothing to wait for
  await Promise.race([rung, slept]);
  timer.abort();
}

/** A message as ReceiveMessage shows it. */
export function messageView(
  queue: Queue,
  message: Message,
  wanted: { readonly system: readonly string[]; readonly attributes: readonly string[] },
): Sqs.Message {
  const { facts } = message;
  const all: Record<string, string | undefined> = {
    SenderId: facts.sender,
    SentTimestamp: String(message.sent_at),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.first_received_at),
    ...(queue.name.endsWith(".fifo") ? { SequenceNumber: sequenceOf(message.id) } : {}),
    MessageDeduplicationId: facts.deduplicationId,
    MessageGroupId: message.grp ?? undefined,
    AWSTraceHeader: facts.trace,
    DeadLetterQueueSourceArn: message.source ?? undefined,
  };
  const system = Object.entries(all).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (wanted.system.includes("All") || wanted.system.includes(entry[0])),
  );
  const attributes = Object.entries(facts.attributes ?? {}).filter(([name]) => isWanted(name, wanted.attributes));
  const isPart = attributes.length < Object.keys(facts.attributes ?? {}).length;
  return {
    MessageId: message.message,
    ReceiptHandle: receiptHandle(queue, message),
    MD5OfBody: facts.md5,
    Body: message.body,
    ...(system.length ? { Attributes: Object.fromEntries(system) } : {}),
    ...(attributes.length
      ? {
          MD5OfMessageAttributes: isPart ? attributesMd5(Object.fromEntries(attributes)) : facts.attributesMd5,
          MessageAttributes: Object.fromEntries(attributes.map(([name, value]) => [name, attributeView(value)])),
        }
      : {}),
  };
}

/** Names may be `All`, `*`, `.*`, or end in `.*`. */
function isWanted(name: string, wanted: readonly string[]): boolean {
  return wanted.some(
    (w) => ["All", "*", ".*", name].includes(w) || (w.endsWith(".*") && name.startsWith(w.slice(0, -2))),
  );
}

const attributeView = ({ type, text, binary }: StoredAttribute): Sqs.MessageAttributeValue => ({
  DataType: type,
  ...(binary === undefined ? { StringValue: text } : { BinaryValue: Buffer.from(binary, "base64") }),
});
