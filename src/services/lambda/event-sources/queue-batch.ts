import type * as Sqs from "@aws-sdk/client-sqs";
import { matchEventPattern, type CompiledPattern } from "../../../engines/event-pattern/index.ts";
import { MAX_SYNC_PAYLOAD } from "../limits.ts";

/** A message as a function gets it: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
export interface QueueRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string | undefined>>;
  readonly [member: string]: unknown;
}

export function queueRecord(message: Sqs.Message, source: string): QueueRecord {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
    name,
    {
      ...(value.StringValue === undefined ? {} : { stringValue: value.StringValue }),
      ...(value.BinaryValue === undefined ? {} : { binaryValue: Buffer.from(value.BinaryValue).toString("base64") }),
      stringListValues: [],
      binaryListValues: [],
      dataType: value.DataType,
    },
  ]);
  return {
    messageId: String(message.MessageId),
    receiptHandle: String(message.ReceiptHandle),
    body: String(message.Body),
    attributes: { ...message.Attributes },
    messageAttributes: Object.fromEntries(attributes) as Record<string, unknown>,
    md5OfMessageAttributes: message.MD5OfMessageAttributes ?? null,
    md5OfBody: message.MD5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: source,
    awsRegion: source.split(":")[3],
  };
}

/** Whether a record meets one of the patterns; there a body that is JSON is looked into. */
export function passesFilters(patterns: readonly CompiledPattern[], record: QueueRecord): boolean {
  if (patterns.length === 0) return true;
  const whole = { ...record } as never;
  const inside = { ...record, body: jsonObject(record.body) } as never;
  return patterns.some((pattern) => matchEventPattern(pattern, inside) || matchEventPattern(pattern, whole));
}

function jsonObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? value : text;
  } catch {
    return text;
  }
}

/** Batches whose events fit a call, in order. */
export function eventsOf(
  records: readonly QueueRecord[],
): { readonly records: QueueRecord[]; readonly payload: Buffer }[] {
  const events: { records: QueueRecord[]; texts: string[]; bytes: number }[] = [];
  for (const record of records) {
    const text = JSON.stringify(record);
    const bytes = Buffer.byteLength(text) + 1;
    const last = events.at(-1);
    if (last && last.bytes + bytes <= MAX_SYNC_PAYLOAD) {
      last.records.push(record);
      last.texts.push(text);
      last.bytes += bytes;
    } else events.push({ records: [record], texts: [text], bytes: bytes + 16 });
  }
  return events.map(({ records: some, texts }) => ({
    records: some,
    payload: Buffer.from(`{"Records":[${texts.join(",")}]}`),
  }));
}

/**
 * Ids of the messages that a function reports as failed; `undefined` where its answer makes the whole batch fail.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
export function reportedFailures(payload: Buffer, records: readonly QueueRecord[]): ReadonlySet<string> | undefined {
  let answer: unknown;
  try {
    answer = payload.length === 0 ? null : JSON.parse(payload.toString("utf8"));
  } catch {
    return undefined;
  }
  if (answer === null || answer === "") return new Set();
  if (typeof answer !== "object") return undefined;
  const { batchItemFailures: failures } = answer as { batchItemFailures?: unknown };
  if (failures === undefined || failures === null) return new Set();
  if (!Array.isArray(failures)) return undefined;
  const known = new Set(records.map(({ messageId }) => messageId));
  const ids = failures.map((item: unknown) => (item as { itemIdentifier?: unknown } | null)?.itemIdentifier);
  if (!ids.every((id): id is string => typeof id === "string" && known.has(id))) return undefined;
  return new Set(ids);
}
