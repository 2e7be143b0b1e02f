import type * as Sqs from "@aws-sdk/client-sqs";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { checkBatch, failedEntry } from "../batch.ts";
import { MAX_MESSAGE_BYTES } from "../limits.ts";
import { attributesMd5, checkOrder, newMessage, sequenceOf, sizeOf, type Sending } from "../message.ts";
import { recordMetrics } from "../metrics.ts";
import { isFifo, onQueue, queueOf, type Ctx, type Queue } from "../model.ts";
import type { SqsState } from "../state.ts";
import { putMessage, seen, type NewMessage } from "../store.ts";

/** What the sender is told; of a message that a FIFO queue has seen already, what its first sender was told. */
async function sent(
  ctx: Ctx,
  queue: Queue,
  made: NewMessage,
  sending: Sending,
): Promise<Omit<Sqs.SendMessageBatchResultEntry, "Id">> {
  const known = made.seenKey === undefined ? undefined : await seen(ctx, queue, made.seenKey);
  const { facts } = made;
  return {
    MessageId: known?.message ?? made.message,
    MD5OfMessageBody: facts.md5,
    ...(facts.attributesMd5 ? { MD5OfMessageAttributes: facts.attributesMd5 } : {}),
    ...(facts.trace && sending.MessageSystemAttributes?.["AWSTraceHeader"]
      ? { MD5OfMessageSystemAttributes: attributesMd5({ AWSTraceHeader: { type: "String", text: facts.trace } }) }
      : {}),
    ...(isFifo(queue) ? { SequenceNumber: sequenceOf(known?.id ?? made.id) } : {}),
  };
}

function recordSent(ctx: Ctx, queue: Queue, messages: readonly Sending[]): void {
  recordMetrics(ctx, queue.name, [
    ["NumberOfMessagesSent", messages.length],
    ...messages.map((message) => ["SentMessageSize", sizeOf(message), "Bytes"] as const),
  ]);
}

export const send = operations<typeof Sqs, SqsState>()({
  SendMessage: {
    permissions: onQueue("SendMessage"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      const made = newMessage(ctx, queue, input as Sending);
      await ctx.records.write(putMessage(ctx, queue, made));
      recordSent(ctx, queue, [input as Sending]);
      return sent(ctx, queue, made, input as Sending);
    },
  },
  SendMessageBatch: {
    permissions: onQueue("SendMessage"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      const entries = (input.Entries ?? []) as readonly (Sending & { Id?: string })[];
      checkBatch(entries, "SendMessageBatchRequestEntry");
      checkOrder(queue, entries);
      const total = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
      if (total > MAX_MESSAGE_BYTES)
        throw new AwsError(
          "BatchRequestTooLong",
          `Batch requests cannot be longer than ${MAX_MESSAGE_BYTES} bytes. You have sent ${total} bytes.`,
          400,
        );
      const Failed: Sqs.BatchResultErrorEntry[] = [];
      const made = entries.flatMap((entry) => {
        try {
          return [{ id: entry.Id, entry, message: newMessage(ctx, queue, entry, true) }];
        } catch (error) {
          Failed.push(failedEntry(entry.Id, error));
          return [];
        }
      });
      if (made.length) {
        await ctx.records.write(made.map(({ message }) => putMessage(ctx, queue, message)).flat());
        recordSent(
          ctx,
          queue,
          made.map(({ entry }) => entry),
        );
      }
      const Successful = await Promise.all(
        made.map(async ({ id, message, entry }) => ({ Id: id, ...(await sent(ctx, queue, message, entry)) })),
      );
      return { Successful, ...(Failed.length ? { Failed } : {}) };
    },
  },
});
