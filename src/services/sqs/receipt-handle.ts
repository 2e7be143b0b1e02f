import { AwsError } from "../../kernel/aws-error.ts";
import type { Queue } from "./model.ts";
import type { Message, Receipt } from "./store.ts";

/** What a receiver names a message by: it holds for this receipt of it. */
export function receiptHandle(queue: Queue, message: Message): string {
  return Buffer.from(`${queue.uid} ${message.id} ${message.receipt}`).toString("base64");
}

export function parseReceiptHandle(queue: Queue, handle: string | undefined): Receipt {
  const text = Buffer.from(handle ?? "", "base64").toString("latin1");
  const [, uid, id, token] = /^(\S+) (\d{1,16}) ([0-9a-f-]{36})$/.exec(text) ?? [];
  if (uid !== queue.uid || !id || !token)
    throw new AwsError(
      "ReceiptHandleIsInvalid",
      `The input receipt handle "${(handle ?? "").slice(0, 500)}" is not a valid receipt handle.`,
      404,
    );
  return { id: Number(id), token };
}
