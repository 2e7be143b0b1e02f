import { createHash } from "node:crypto";
import type * as Sqs from "@aws-sdk/client-sqs";
import { AwsError } from "../../kernel/aws-error.ts";
import { MAX_ATTRIBUTE_NAME, MAX_DELAY_SECONDS, MAX_MESSAGE_ATTRIBUTES } from "./limits.ts";
import { invalidParameter, invalidValue, isFifo, missing, type Ctx, type Queue } from "./model.ts";
import { numberOf } from "./attributes.ts";
import type { NewMessage, StoredAttribute } from "./store.ts";

/** What SendMessage takes, and each entry of a batch. */
export interface Sending {
  readonly MessageBody?: string | undefined;
  readonly DelaySeconds?: number | undefined;
  readonly MessageAttributes?: Readonly<Record<string, Sqs.MessageAttributeValue>> | undefined;
  readonly MessageSystemAttributes?: Readonly<Record<string, Sqs.MessageSystemAttributeValue>> | undefined;
  readonly MessageDeduplicationId?: string | undefined;
  readonly MessageGroupId?: string | undefined;
}

/** Sequence numbers have twenty digits. */
export const sequenceOf = (id: number): string => String(10n ** 19n + BigInt(id));

export const md5 = (data: string | Uint8Array): string => createHash("md5").update(data).digest("hex");

/** Bytes that count: the text, and names, types and values of the attributes. */
export function sizeOf(sending: Sending): number {
  let size = Buffer.byteLength(sending.MessageBody ?? "");
  for (const [name, value] of Object.entries(sending.MessageAttributes ?? {}))
    size +=
      Buffer.byteLength(name) +
      Buffer.byteLength(value.DataType ?? "") +
      (value.BinaryValue?.length ?? Buffer.byteLength(value.StringValue ?? ""));
  return size;
}

/** What XML 1.0 cannot hold: https://www.w3.org/TR/REC-xml/#charsets */
const STRANGE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

const CHARACTERS =
  "Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";

/** Checks one message, which may be an entry of a batch, as SQS does, and answers it as it is stored. */
export function newMessage(ctx: Ctx, queue: Queue, sending: Sending, isEntry = false): NewMessage {
  const { MessageBody: body, MessageGroupId: group } = sending;
  if (!body) throw missing("MessageBody");
  const limit = numberOf(queue, "MaximumMessageSize");
  if (sizeOf(sending) > limit) {
    const what = `One or more parameters ${isEntry ? "cannot be validated" : "are invalid"}`;
    throw invalidValue(`${what}. Reason: Message must be shorter than ${limit} bytes.`);
  }
  if (STRANGE.test(body)) throw new AwsError("InvalidMessageContents", `Invalid characters found. ${CHARACTERS}`, 400);
  const attributes = storedAttributes(sending.MessageAttributes);
  for (const value of Object.values(sending.MessageSystemAttributes ?? {})) refuseLists(value);
  const trace = sending.MessageSystemAttributes?.["AWSTraceHeader"]?.StringValue ?? ctx.traceId;
  const strange = Object.keys(sending.MessageSystemAttributes ?? {}).find((name) => name !== "AWSTraceHeader");
  if (strange !== undefined)
    throw invalidValue(`Message system attribute name '${strange}' is invalid. The only one is AWSTraceHeader.`);
  const deduplicationId = checkedIds(queue, sending, body);
  const facts = {
    md5: md5(body),
    sender: senderOf(ctx),
    ...(attributes ? { attributes, attributesMd5: attributesMd5(attributes) } : {}),
    ...(trace === undefined ? {} : { trace }),
    ...(deduplicationId === undefined ? {} : { deduplicationId }),
  };
  const scope = queue.attributes["DeduplicationScope"] === "messageGroup" ? `${group}\n` : "";
  return {
    id: ctx.state.nextId(),
    message: ctx.platform.ids.uuid(),
    body,
    grp: group ?? null,
    facts,
    delayMs: delayOf(queue, sending) * 1000,
    ...(deduplicationId === undefined || !isFifo(queue) ? {} : { seenKey: `${scope}${deduplicationId}` }),
  };
}

function delayOf(queue: Queue, { DelaySeconds: delay }: Sending): number {
  const own = numberOf(queue, "DelaySeconds");
  if (delay === undefined) return own;
  if (isFifo(queue)) {
    if (delay !== 0)
      throw invalidParameter(
        "DelaySeconds",
        delay,
        "The request include parameter that is not valid for this queue type.",
      );
    return own;
  }
  if (delay < 0 || delay > MAX_DELAY_SECONDS)
    throw invalidParameter("DelaySeconds", delay, `DelaySeconds must be >= 0 and <= ${MAX_DELAY_SECONDS}.`);
  return delay;
}

const ID = /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/;

/** A FIFO queue refuses a whole batch where an entry lacks what orders it. */
export function checkOrder(queue: Queue, entries: readonly Sending[]): void {
  if (!isFifo(queue)) return;
  if (entries.some((entry) => entry.MessageGroupId === undefined))
    throw invalidValue("The request must contain the parameter MessageGroupId.");
  if (queue.attributes["ContentBasedDeduplication"] === "true") return;
  if (entries.some((entry) => entry.MessageDeduplicationId === undefined)) throw noDeduplication();
}

const noDeduplication = (): Error =>
  invalidValue(
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
  );

/** The message's group and deduplication id; answers the latter. */
function checkedIds(queue: Queue, sending: Sending, body: string): string | undefined {
  const { MessageGroupId: group, MessageDeduplicationId: given } = sending;
  const check = (name: string, value: string | undefined): void => {
    if (value !== undefined && !ID.test(value))
      throw invalidParameter(
        name,
        value,
        `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
      );
  };
  check("MessageGroupId", group);
  check("MessageDeduplicationId", given);
  if (!isFifo(queue)) {
    if (given !== undefined)
      throw invalidParameter(
        "MessageDeduplicationId",
        given,
        "The request includes a parameter that is not valid for this queue type.",
      );
    return undefined;
  }
  if (group === undefined) throw missing("MessageGroupId");
  if (given !== undefined) return given;
  if (queue.attributes["ContentBasedDeduplication"] === "true") return createHash("sha256").update(body).digest("hex");
  throw noDeduplication();
}

function senderOf({ principal }: Ctx): string {
  if (principal.kind === "service" || principal.kind === "anonymous") return principal.account;
  return principal.id;
}

function storedAttributes(given: Sending["MessageAttributes"]): Record<string, StoredAttribute> | undefined {
  const entries = Object.entries(given ?? {});
  if (entries.length === 0) return undefined;
  if (entries.length > MAX_MESSAGE_ATTRIBUTES)
    throw invalidValue(
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${MAX_MESSAGE_ATTRIBUTES}].`,
    );
  return Object.fromEntries(entries.map(([name, value]) => [name, storedAttribute(name, value)]));
}

/** Lists are in SQS's model, and have never been taken. */
function refuseLists({ StringListValues, BinaryListValues }: Sqs.MessageAttributeValue): void {
  if (StringListValues?.length || BinaryListValues?.length)
    throw new AwsError(
      "UnsupportedOperation",
      "Message attribute list values in SendMessage operation are not supported.",
      400,
    );
}

function storedAttribute(name: string, value: Sqs.MessageAttributeValue): StoredAttribute {
  if (
    !/^[\p{L}\p{N}_.-]+$/u.test(name) ||
    name.length > MAX_ATTRIBUTE_NAME ||
    /^\.|\.$|\.\.|^(aws|amazon)\./i.test(name)
  )
    throw invalidValue(
      `Message (user) attribute name '${name.slice(0, 300)}' is invalid: it may have letters, digits, underscores, hyphens and single dots, at most ${MAX_ATTRIBUTE_NAME} characters, and no AWS or Amazon prefix.`,
    );
  refuseLists(value);
  const type = value.DataType ?? "";
  const [, kind] = /^(String|Number|Binary)(?:\..+)?$/.exec(type) ?? [];
  if (type === "") throw invalidValue(`Message (user) attribute '${name}' must contain a non-empty attribute type.`);
  if (!kind || type.length > 256)
    throw invalidValue(
      `The type of message (user) attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
    );
  const bytes = value.BinaryValue;
  const content = kind === "Binary" ? bytes : value.StringValue;
  if (!content?.length)
    throw invalidValue(`Message (user) attribute '${name}' must contain a non-empty value of type '${kind}'.`);
  if (kind !== "Binary" && STRANGE.test(value.StringValue ?? ""))
    throw invalidValue(`Invalid characters found in the value of message (user) attribute '${name}'. ${CHARACTERS}`);
  if (kind === "Number" && (!Number.isFinite(Number(value.StringValue)) || value.StringValue?.trim() === ""))
    throw invalidValue(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  return typeof content === "string"
    ? { type, text: content }
    : { type, binary: Buffer.from(content).toString("base64") };
}

/**
 * The digest of attributes that clients check.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
 */
export function attributesMd5(attributes: Readonly<Record<string, StoredAttribute>>): string {
  const hash = createHash("md5");
  const add = (bytes: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    const { type, text, binary } = attributes[name]!;
    add(Buffer.from(name));
    add(Buffer.from(type));
    hash.update(Buffer.from([binary === undefined ? 1 : 2]));
    add(binary === undefined ? Buffer.from(text ?? "") : Buffer.from(binary, "base64"));
  }
  return hash.digest("hex");
}
