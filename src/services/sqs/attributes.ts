import { parsePolicy } from "../../engines/policy/index.ts";
import { AwsError, messageOf, notImplemented } from "../../kernel/aws-error.ts";
import {
  MAX_DELAY_SECONDS,
  MAX_MESSAGE_BYTES,
  MAX_RECEIVE_COUNT,
  MAX_SOURCE_QUEUES,
  MAX_VISIBILITY_SECONDS,
  MAX_WAIT_SECONDS,
} from "./limits.ts";
import { invalidAttribute, invalidParameter, isFifo, queueArn, queueByArn, type Ctx, type Queue } from "./model.ts";
import { counts } from "./store.ts";

type Attributes = Readonly<Record<string, string>>;

/** Numbers: least, greatest, default. */
const NUMBERS: Readonly<Record<string, readonly [least: number, greatest: number, standard: number]>> = {
  VisibilityTimeout: [0, MAX_VISIBILITY_SECONDS, 30],
  MaximumMessageSize: [1024, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES],
  MessageRetentionPeriod: [60, 1_209_600, 345_600],
  DelaySeconds: [0, MAX_DELAY_SECONDS, 0],
  ReceiveMessageWaitTimeSeconds: [0, MAX_WAIT_SECONDS, 0],
};
/** Words: the first is the default. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  ContentBasedDeduplication: ["false", "true"],
  DeduplicationScope: ["queue", "messageGroup"],
  FifoThroughputLimit: ["perQueue", "perMessageGroupId"],
};
const FIFO_ONLY = Object.keys(WORDS);
const TEXTS = ["Policy", "RedrivePolicy", "RedriveAllowPolicy"];
const COUNTS = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesDelayed",
  "ApproximateNumberOfMessagesNotVisible",
];
const FACTS = ["QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"];
const READABLE = new Set([
  ...Object.keys(NUMBERS),
  ...FIFO_ONLY,
  ...TEXTS,
  ...COUNTS,
  ...FACTS,
  "All",
  "FifoQueue",
  "KmsMasterKeyId",
  "KmsDataKeyReusePeriodSeconds",
  "SqsManagedSseEnabled",
]);

/** A numeric setting of a queue, or its default. */
export function numberOf(queue: Queue, name: keyof typeof NUMBERS & string): number {
  return Number(queue.attributes[name] ?? NUMBERS[name]?.[2]);
}

/** The dead-letter queue of a queue. */
export interface Redrive {
  readonly arn: string;
  readonly maxReceiveCount: number;
}

export function redriveOf(queue: Queue): Redrive | undefined {
  const text = queue.attributes["RedrivePolicy"];
  if (!text) return undefined;
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(text) as Record<string, unknown>;
  return { arn: String(deadLetterTargetArn), maxReceiveCount: Number(maxReceiveCount) };
}

const unknown = (name: string): AwsError => new AwsError("InvalidAttributeName", `Unknown Attribute ${name}.`, 400);
const invalid = (name: string): AwsError => invalidAttribute(`Invalid value for the parameter ${name}.`);

/** Attributes that are true or false, in any case. */
const SWITCHES: ReadonlySet<string> = new Set(["FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled"]);

/** A value as it is kept: the count of a redrive policy is a number, however it was written; switches are in lower case. */
function stored(name: string, value: string): string {
  if (SWITCHES.has(name)) return value.toLowerCase();
  if (name !== "RedrivePolicy" || value === "") return value;
  const policy = JSON.parse(value) as Record<string, unknown>;
  const { maxReceiveCount } = policy;
  return typeof maxReceiveCount === "string"
    ? JSON.stringify({ ...policy, maxReceiveCount: Number(maxReceiveCount) })
    : value;
}

/** The attributes after a change: what is set to its empty text is unset. Throws for what SQS refuses. */
export async function changedAttributes(ctx: Ctx, queue: Queue, given: Attributes): Promise<Attributes> {
  const next: Record<string, string> = { ...queue.attributes };
  for (const [name, value] of Object.entries(given)) {
    checkName(queue, name, value);
    await checkValue(ctx, queue, name, value);
    if (value === "") delete next[name];
    else next[name] = stored(name, value);
  }
  if (next["FifoThroughputLimit"] === "perMessageGroupId" && next["DeduplicationScope"] !== "messageGroup")
    throw invalidAttribute(
      "The perMessageGroupId value for FifoThroughputLimit is allowed only when the value for DeduplicationScope is messageGroup.",
    );
  return next;
}

function checkName(queue: Queue, name: string, value: string): void {
  if (name === "FifoQueue") {
    if (!isFifo(queue)) throw unknown(name);
    if (value.toLowerCase() !== "true")
      throw invalidAttribute(
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
      );
    return;
  }
  if (FIFO_ONLY.includes(name) && !isFifo(queue)) {
    if (name === "ContentBasedDeduplication") throw unknown(name);
    throw new AwsError("InvalidAttributeName", `You can specify the ${name} only when FifoQueue is set to true.`, 400);
  }
  if (!READABLE.has(name) || name === "All" || COUNTS.includes(name) || FACTS.includes(name)) throw unknown(name);
}

async function checkValue(ctx: Ctx, queue: Queue, name: string, value: string): Promise<void> {
  const range = NUMBERS[name];
  if (range) {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : -1;
    if (number < range[0] || number > range[1]) throw invalid(name);
  } else if (WORDS[name]) {
    if (!WORDS[name].includes(stored(name, value))) throw invalid(name);
  } else if (name === "SqsManagedSseEnabled") {
    if (!/^(?:true|false)$/i.test(value)) throw invalid(name);
  } else if (name === "KmsMasterKeyId") {
    if (value !== "") throw notImplemented("the encryption of queues with KMS keys");
  } else if (value !== "" && name === "Policy") checkPolicy(value);
  else if (value !== "" && name === "RedrivePolicy") await checkRedrive(ctx, queue, value);
  else if (value !== "" && name === "RedriveAllowPolicy") checkRedriveAllow(value);
}

function checkPolicy(text: string): void {
  try {
    parsePolicy(text, "resource");
  } catch (error) {
    throw invalidAttribute(`Invalid value for the parameter Policy. Reason: ${messageOf(error)}`);
  }
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

async function checkRedrive(ctx: Ctx, queue: Queue, text: string): Promise<void> {
  const refuse = (reason: string): AwsError => invalidParameter("RedrivePolicy", text, reason);
  const policy = objectOf(text);
  if (!policy) throw refuse("Redrive policy is not a valid JSON map.");
  for (const name of ["deadLetterTargetArn", "maxReceiveCount"])
    if (policy[name] === undefined) throw refuse(`Redrive policy does not contain mandatory attribute: ${name}.`);
  const strange = Object.keys(policy).find((name) => name !== "deadLetterTargetArn" && name !== "maxReceiveCount");
  if (strange !== undefined)
    throw refuse("Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]");
  const count = Number(policy["maxReceiveCount"]);
  if (!Number.isInteger(count) || count < 1 || count > MAX_RECEIVE_COUNT)
    throw refuse(
      `Invalid value for maxReceiveCount: ${String(policy["maxReceiveCount"])}, valid values are from 1 to ${MAX_RECEIVE_COUNT} both inclusive.`,
    );
  const target = String(policy["deadLetterTargetArn"]);
  if (!target.startsWith("arn:")) throw refuse("Invalid value for deadLetterTargetArn.");
  const dead = await queueByArn(ctx, target);
  if (!dead) throw refuse("Dead letter target does not exist.");
  if (isFifo(dead) !== isFifo(queue)) throw refuse("Dead-letter queue must be same type of queue as the source.");
  if (!mayRedrive(dead, queueArn(ctx, queue.name)))
    throw refuse("Queue is not allowed to use the dead-letter queue by its redrive allow policy.");
}

/** Whether a dead-letter queue takes messages of `source`. */
export function mayRedrive(dead: Queue, source: string): boolean {
  const policy = objectOf(dead.attributes["RedriveAllowPolicy"] ?? "{}") ?? {};
  if (policy["redrivePermission"] === "denyAll") return false;
  return policy["redrivePermission"] !== "byQueue" || (policy["sourceQueueArns"] as string[]).includes(source);
}

function checkRedriveAllow(text: string): void {
  const refuse = (reason: string): AwsError => invalidParameter("RedriveAllowPolicy", text, reason);
  const policy = objectOf(text);
  if (!policy) throw refuse("Redrive allow policy is not a valid JSON map.");
  const { redrivePermission: permission, sourceQueueArns: sources } = policy;
  if (!["allowAll", "denyAll", "byQueue"].includes(String(permission)))
    throw refuse("Amazon SQS can't create the redrive allow policy, as it doesn't contain a valid redrivePermission.");
  const isList = Array.isArray(sources) && sources.every((s) => typeof s === "string" && s.startsWith("arn:"));
  if (permission === "byQueue" ? !isList || sources.length === 0 : sources !== undefined)
    throw refuse(
      permission === "byQueue"
        ? "The redrive allow policy by queue needs sourceQueueArns."
        : `sourceQueueArns can't be set when redrivePermission is ${String(permission)}.`,
    );
  if (isList && sources.length > MAX_SOURCE_QUEUES)
    throw refuse(`The maximum number of sourceQueueArns is ${MAX_SOURCE_QUEUES}.`);
}

/** The attribute in which a queue differs from what CreateQueue asks for. */
export function differingAttribute(queue: Queue, given: Attributes): string | undefined {
  const all = settings(queue);
  return Object.keys(given).find(
    (name) => name !== "FifoQueue" && (stored(name, given[name] ?? "") || undefined) !== all[name],
  );
}

function settings(queue: Queue): Record<string, string> {
  const { attributes } = queue;
  return {
    ...Object.fromEntries(Object.entries(NUMBERS).map(([name, [, , standard]]) => [name, String(standard)])),
    ...(isFifo(queue)
      ? { FifoQueue: "true", ...Object.fromEntries(FIFO_ONLY.map((name) => [name, WORDS[name]![0]!])) }
      : {}),
    SqsManagedSseEnabled: "true",
    ...attributes,
  };
}

/** The attributes that a call asks for, or all. */
export async function readAttributes(
  ctx: Ctx,
  queue: Queue,
  names: readonly string[],
): Promise<Record<string, string>> {
  const strange = names.find((name) => !READABLE.has(name));
  if (strange !== undefined) throw unknown(strange);
  const wants = (name: string): boolean => names.includes("All") || names.includes(name);
  const seconds = (ms: number): string => String(Math.floor(ms / 1000));
  const all: Record<string, string> = {
    ...settings(queue),
    QueueArn: queueArn(ctx, queue.name),
    CreatedTimestamp: seconds(queue.created),
    LastModifiedTimestamp: seconds(queue.modified),
  };
  if (COUNTS.some(wants)) {
    const now = await counts(ctx, queue, numberOf(queue, "MessageRetentionPeriod"));
    all["ApproximateNumberOfMessages"] = String(now.visible);
    all["ApproximateNumberOfMessagesDelayed"] = String(now.delayed);
    all["ApproximateNumberOfMessagesNotVisible"] = String(now.inFlight);
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => wants(name)));
}
