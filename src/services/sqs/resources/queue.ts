import type { Properties, ResourceContext, ResourceType, Tag } from "../../../aws/service.ts";
import { AwsError, codeOf } from "../../../kernel/aws-error.ts";

const ATTRIBUTES = [
  "ContentBasedDeduplication",
  "DeduplicationScope",
  "DelaySeconds",
  "FifoQueue",
  "FifoThroughputLimit",
  "KmsDataKeyReusePeriodSeconds",
  "KmsMasterKeyId",
  "MaximumMessageSize",
  "MessageRetentionPeriod",
  "ReceiveMessageWaitTimeSeconds",
  "RedriveAllowPolicy",
  "RedrivePolicy",
  "SqsManagedSseEnabled",
  "VisibilityTimeout",
];
/** What an attribute has where the template no longer says anything of it. */
const STANDARD: Readonly<Record<string, string>> = {
  ContentBasedDeduplication: "false",
  DeduplicationScope: "queue",
  DelaySeconds: "0",
  FifoThroughputLimit: "perQueue",
  MaximumMessageSize: "1048576",
  MessageRetentionPeriod: "345600",
  ReceiveMessageWaitTimeSeconds: "0",
  RedriveAllowPolicy: "",
  RedrivePolicy: "",
  SqsManagedSseEnabled: "true",
  VisibilityTimeout: "30",
};

function attributesOf(properties: Properties): Record<string, string> {
  const given = ATTRIBUTES.filter((name) => properties[name] !== undefined && !isFalseFifo(name, properties[name]));
  return Object.fromEntries(
    given.map((name) => {
      const value: unknown = properties[name];
      return [name, typeof value === "object" ? JSON.stringify(value) : String(value)];
    }),
  );
}

/** A template may say that a queue is none of FIFO; the API may not. */
const isFalseFifo = (name: string, value: unknown): boolean => name === "FifoQueue" && String(value) === "false";

function nameFor(ctx: ResourceContext, properties: Properties): string {
  const suffix = String(properties["FifoQueue"]) === "true" ? ".fifo" : "";
  return String(properties["QueueName"] ?? `${ctx.physicalName({ maxLength: 80 - suffix.length })}${suffix}`);
}

async function setTags(ctx: ResourceContext, url: string, next: Properties, previous: Properties): Promise<void> {
  const keys = (list: readonly Tag[] | undefined): string[] => (list ?? []).map(({ Key }) => Key);
  const gone = keys(previous["Tags"]).filter((key) => !keys(next["Tags"]).includes(key));
  if (gone.length) await ctx.call("sqs", "UntagQueue", { QueueUrl: url, TagKeys: gone });
  await ctx.withStackTags(next["Tags"], async (all) => {
    if (all.length) await ctx.call("sqs", "TagQueue", { QueueUrl: url, Tags: mapOf(all) });
  });
}

const mapOf = (tags: readonly Tag[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));

/** AWS::SQS::Queue; `Ref` is the queue's URL. */
export const sqsQueue: ResourceType = {
  type: "AWS::SQS::Queue",
  async create(ctx, properties) {
    const QueueName = nameFor(ctx, properties);
    if (!ctx.retried) await refuseExisting(ctx, QueueName);
    const Attributes = attributesOf(properties);
    const { QueueUrl } = await ctx.withStackTags(properties["Tags"], (all) =>
      ctx.call("sqs", "CreateQueue", { QueueName, Attributes, ...(all.length ? { tags: mapOf(all) } : {}) }),
    );
    return String(QueueUrl);
  },
  async update(ctx, id, next, previous) {
    const wanted = attributesOf(next);
    const dropped = Object.keys(attributesOf(previous)).filter((name) => !(name in wanted) && name in STANDARD);
    const { FifoQueue: _fixed, ...Attributes } = {
      ...Object.fromEntries(dropped.map((name) => [name, STANDARD[name]!])),
      ...wanted,
    };
    if (Object.keys(Attributes).length) await ctx.call("sqs", "SetQueueAttributes", { QueueUrl: id, Attributes });
    await setTags(ctx, id, next, previous);
  },
  async remove(ctx, id) {
    await ctx.call("sqs", "DeleteQueue", { QueueUrl: id }).catch((error: unknown) => {
      if (codeOf(error) !== "QueueDoesNotExist") throw error;
    });
  },
  async attributes(ctx, id) {
    const QueueName = id.slice(id.lastIndexOf("/") + 1);
    return { Arn: `arn:aws:sqs:${ctx.region}:${ctx.account}:${QueueName}`, QueueName, QueueUrl: id };
  },
};

/** CreateQueue answers a queue that is there already: a template must not take it over. */
async function refuseExisting(ctx: ResourceContext, QueueName: string): Promise<void> {
  const found = await ctx.call("sqs", "GetQueueUrl", { QueueName }).catch((error: unknown) => {
    // A role that may make queues but not look at them finds out when it makes this one.
    if (codeOf(error) === "QueueDoesNotExist" || codeOf(error) === "AccessDeniedException") return undefined;
    throw error;
  });
  if (found)
    throw new AwsError(
      "AlreadyExists",
      `Resource of type 'AWS::SQS::Queue' with identifier '${QueueName}' already exists.`,
      400,
    );
}
