import type { Context } from "../../../aws/context.ts";
import type { JsonObject } from "../../../engines/yaml/index.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { readTags, type LiveReader } from "./reading.ts";

const QUEUE_ATTRIBUTES = [
  "ContentBasedDeduplication",
  "DelaySeconds",
  "FifoQueue",
  "KmsMasterKeyId",
  "MaximumMessageSize",
  "MessageRetentionPeriod",
  "ReceiveMessageWaitTimeSeconds",
  "RedrivePolicy",
  "SqsManagedSseEnabled",
  "VisibilityTimeout",
];

/** Queues, log groups and rules of events. */
export const messagingReaders: Readonly<Record<string, LiveReader>> = {
  "AWS::SQS::Queue": queue,
  "AWS::Logs::LogGroup": logGroup,
  "AWS::Events::Rule": rule,
};

async function queue(ctx: Context<any>, QueueUrl: string, expected: JsonObject): Promise<object> {
  const { Attributes = {} } = await ctx.call("sqs", "GetQueueAttributes", { QueueUrl, AttributeNames: ["All"] });
  const tags = expected["Tags"] === undefined ? undefined : (await ctx.call("sqs", "ListQueueTags", { QueueUrl })).Tags;
  return {
    QueueName: Attributes["QueueArn"]?.split(":").at(-1),
    ...Object.fromEntries(QUEUE_ATTRIBUTES.map((name) => [name, (Attributes as Record<string, string>)[name]])),
    Tags: readTags(tags),
  };
}

async function logGroup(ctx: Context<any>, id: string, expected: JsonObject): Promise<object> {
  const { logGroups = [] } = await ctx.call("logs", "DescribeLogGroups", { logGroupNamePrefix: id, limit: 50 });
  const group = logGroups.find((one) => one.logGroupName === id);
  if (!group) throw new AwsError("ResourceNotFoundException", `The log group ${id} does not exist`, 400);
  const tags =
    expected["Tags"] === undefined
      ? undefined
      : (await ctx.call("logs", "ListTagsLogGroup", { logGroupName: id })).tags;
  return {
    LogGroupName: group.logGroupName,
    RetentionInDays: group.retentionInDays,
    KmsKeyId: group.kmsKeyId,
    Tags: readTags(tags),
  };
}

/** The physical id has the bus before the name where it is not the default one. */
async function rule(ctx: Context<any>, id: string, expected: JsonObject): Promise<object> {
  const [bus, own] = id.includes("|") ? (id.split("|") as [string, string]) : [undefined, id];
  const where = bus === undefined ? {} : { EventBusName: bus };
  const found = await ctx.call("events", "DescribeRule", { Name: own, ...where });
  const { Targets } =
    expected["Targets"] === undefined ? {} : await ctx.call("events", "ListTargetsByRule", { Rule: own, ...where });
  return {
    Name: found.Name,
    Description: found.Description,
    EventPattern: found.EventPattern,
    ScheduleExpression: found.ScheduleExpression,
    State: found.State,
    RoleArn: found.RoleArn,
    Targets,
  };
}
