import type * as Sqs from "@aws-sdk/client-sqs";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { numberOf } from "../attributes.ts";
import { checkBatch, failedEntry } from "../batch.ts";
import { MAX_RECEIVE, MAX_VISIBILITY_SECONDS, MAX_WAIT_SECONDS } from "../limits.ts";
import { recordMetrics } from "../metrics.ts";
import { invalidParameter, isFifo, missing, onQueue, queueOf, type Ctx, type Queue } from "../model.ts";
import { parseReceiptHandle } from "../receipt-handle.ts";
import { messageView, receiveMessages } from "../receive.ts";
import { receivedAgain, rememberAttempt } from "../receive-attempts.ts";
import type { SqsState } from "../state.ts";
import { hideMessage, receivedMessage, removeMessage, type Message } from "../store.ts";

const SYSTEM = new Set([
  "All",
  "SenderId",
  "SentTimestamp",
  "ApproximateReceiveCount",
  "ApproximateFirstReceiveTimestamp",
  "SequenceNumber",
  "MessageDeduplicationId",
  "MessageGroupId",
  "AWSTraceHeader",
  "DeadLetterQueueSourceArn",
]);

const ATTEMPT = /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/;

/** Receives; a caller that names its attempt gets with the same name the same messages, of a FIFO queue. */
async function received(
  ctx: Ctx,
  queue: Queue,
  attempt: string | undefined,
  options: Parameters<typeof receiveMessages>[2],
): Promise<Message[]> {
  if (attempt === undefined || !isFifo(queue)) return receiveMessages(ctx, queue, options);
  if (!ATTEMPT.test(attempt))
    throw invalidParameter(
      "ReceiveRequestAttemptId",
      attempt,
      "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
    );
  const seconds = options.visibilitySeconds ?? numberOf(queue, "VisibilityTimeout");
  const again = await receivedAgain(ctx, queue, attempt, seconds * 1000);
  if (again) return again;
  const messages = await receiveMessages(ctx, queue, options);
  await rememberAttempt(ctx, queue, attempt, messages);
  return messages;
}

function checkVisibility(seconds: number | undefined): void {
  if (seconds !== undefined && (seconds < 0 || seconds > MAX_VISIBILITY_SECONDS))
    throw invalidParameter("VisibilityTimeout", seconds, `Must be >= 0 and <= ${MAX_VISIBILITY_SECONDS}, if provided.`);
}

async function deleteMessage(ctx: Ctx, queue: Queue, handle: string | undefined): Promise<void> {
  const receipt = parseReceiptHandle(queue, handle);
  if (isFifo(queue)) {
    const message = await receivedMessage(ctx, queue, receipt);
    if (message && message.visible_at <= ctx.now())
      throw invalidParameter("ReceiptHandle", handle, "The receipt handle has expired.");
  }
  await ctx.records.write([removeMessage(ctx, queue, receipt)]);
}

async function changeVisibility(
  ctx: Ctx,
  queue: Queue,
  input: { ReceiptHandle?: string | undefined; VisibilityTimeout?: number | undefined },
): Promise<void> {
  const { VisibilityTimeout: seconds } = input;
  if (seconds === undefined) throw missing("VisibilityTimeout");
  checkVisibility(seconds);
  const receipt = parseReceiptHandle(queue, input.ReceiptHandle);
  const message = await receivedMessage(ctx, queue, receipt);
  const now = ctx.now();
  if (!message || (isFifo(queue) && message.visible_at <= now))
    throw invalidParameter(
      "ReceiptHandle",
      input.ReceiptHandle,
      "Message does not exist or is not available for visibility timeout change.",
    );
  if (now + seconds * 1000 - message.received_at > MAX_VISIBILITY_SECONDS * 1000 + 999)
    throw invalidParameter(
      "VisibilityTimeout",
      seconds,
      `Total VisibilityTimeout for the message is beyond the limit [${MAX_VISIBILITY_SECONDS} seconds]`,
    );
  await ctx.records.write([hideMessage(ctx, queue, { id: receipt.id, token: message.receipt }, now + seconds * 1000)]);
}

/** Does each entry of a batch; what is refused is an entry of its own. */
async function each<Entry extends { Id?: string | undefined }>(
  entries: readonly Entry[] | undefined,
  kind: string,
  run: (entry: Entry) => Promise<void>,
): Promise<{ Successful: { Id: string | undefined }[]; Failed?: Sqs.BatchResultErrorEntry[] }> {
  checkBatch(entries, kind);
  const Successful: { Id: string | undefined }[] = [];
  const Failed: Sqs.BatchResultErrorEntry[] = [];
  const one = async (entry: Entry): Promise<void> => {
    try {
      await run(entry);
      Successful.push({ Id: entry.Id });
    } catch (error) {
      Failed.push(failedEntry(entry.Id, error));
    }
  };
  await Promise.all((entries ?? []).map(one));
  return { Successful, ...(Failed.length ? { Failed } : {}) };
}

export const receive = operations<typeof Sqs, SqsState>()({
  ReceiveMessage: {
    permissions: onQueue("ReceiveMessage"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      const max = input.MaxNumberOfMessages ?? 1;
      if (max < 1 || max > MAX_RECEIVE)
        throw invalidParameter("MaxNumberOfMessages", max, `Must be between 1 and ${MAX_RECEIVE}, if provided.`);
      const wait = input.WaitTimeSeconds ?? numberOf(queue, "ReceiveMessageWaitTimeSeconds");
      if (wait < 0 || wait > MAX_WAIT_SECONDS)
        throw invalidParameter("WaitTimeSeconds", wait, `Must be >= 0 and <= ${MAX_WAIT_SECONDS}, if provided.`);
      checkVisibility(input.VisibilityTimeout);
      const system = [
        ...((input.AttributeNames ?? []) as string[]),
        ...((input.MessageSystemAttributeNames ?? []) as string[]),
      ];
      const strange = system.find((name) => !SYSTEM.has(name));
      if (strange !== undefined) throw new AwsError("InvalidAttributeName", `Unknown Attribute ${strange}.`, 400);
      const options = { max, visibilitySeconds: input.VisibilityTimeout, waitMs: wait * 1000 };
      const messages = await received(ctx, queue, input.ReceiveRequestAttemptId, options);
      recordMetrics(ctx, queue.name, [
        messages.length ? ["NumberOfMessagesReceived", messages.length] : ["NumberOfEmptyReceives", 1],
      ]);
      const wanted = { system, attributes: input.MessageAttributeNames ?? [] };
      return messages.length ? { Messages: messages.map((message) => messageView(queue, message, wanted)) } : {};
    },
  },
  DeleteMessage: {
    permissions: onQueue("DeleteMessage"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      await deleteMessage(ctx, queue, input.ReceiptHandle);
      recordMetrics(ctx, queue.name, [["NumberOfMessagesDeleted", 1]]);
      return {};
    },
  },
  DeleteMessageBatch: {
    permissions: onQueue("DeleteMessage"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      const done = await each(input.Entries, "DeleteMessageBatchRequestEntry", ({ ReceiptHandle }) =>
        deleteMessage(ctx, queue, ReceiptHandle),
      );
      recordMetrics(ctx, queue.name, [["NumberOfMessagesDeleted", done.Successful.length]]);
      return done;
    },
  },
  ChangeMessageVisibility: {
    permissions: onQueue("ChangeMessageVisibility"),
    async run(ctx, input) {
      await changeVisibility(ctx, await queueOf(ctx, input.QueueUrl), input);
      return {};
    },
  },
  ChangeMessageVisibilityBatch: {
    permissions: onQueue("ChangeMessageVisibility"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      return each(input.Entries, "ChangeMessageVisibilityBatchRequestEntry", (entry) =>
        changeVisibility(ctx, queue, entry),
      );
    },
  },
});
