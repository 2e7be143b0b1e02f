import { policyText } from "../../../aws/policy-text.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const queuesOf = (properties: Properties): string[] => (properties["Queues"] ?? []) as string[];

async function apply(ctx: ResourceContext, queues: readonly string[], document: unknown): Promise<void> {
  const Policy = policyText(document);
  for (const QueueUrl of queues) await ctx.call("sqs", "SetQueueAttributes", { QueueUrl, Attributes: { Policy } });
}

async function clear(ctx: ResourceContext, queues: readonly string[]): Promise<void> {
  for (const QueueUrl of queues) {
    await ctx.call("sqs", "SetQueueAttributes", { QueueUrl, Attributes: { Policy: "" } }).catch((error: unknown) => {
      if (codeOf(error) !== "QueueDoesNotExist") throw error;
    });
  }
}

/** AWS::SQS::QueueInlinePolicy: the policy of one queue. */
export const sqsQueueInlinePolicy: ResourceType = {
  type: "AWS::SQS::QueueInlinePolicy",
  async create(ctx, properties) {
    await apply(ctx, [properties["Queue"]], properties["PolicyDocument"]);
    return String(properties["Queue"]);
  },
  async update(ctx, id, next) {
    await apply(ctx, [id], next["PolicyDocument"]);
  },
  remove: (ctx, id) => clear(ctx, [id]),
  replaceOn: ["Queue"],
};

/** AWS::SQS::QueuePolicy: the policy of one or more queues. */
export const sqsQueuePolicy: ResourceType = {
  type: "AWS::SQS::QueuePolicy",
  async create(ctx, properties) {
    await apply(ctx, queuesOf(properties), properties["PolicyDocument"]);
    return ctx.physicalName({ maxLength: 80 });
  },
  async update(ctx, _id, next, previous) {
    await apply(ctx, queuesOf(next), next["PolicyDocument"]);
    await clear(
      ctx,
      queuesOf(previous).filter((queue) => !queuesOf(next).includes(queue)),
    );
  },
  remove: (ctx, _id, properties) => clear(ctx, queuesOf(properties)),
  attributes: async (_ctx, id) => ({ Id: id }),
};
