import type * as Sqs from "@aws-sdk/client-sqs";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { changedAttributes, differingAttribute, readAttributes } from "../attributes.ts";
import { MAX_LIST, PURGE_PAUSE_MS } from "../limits.ts";
import {
  findQueue,
  invalidParameter,
  invalidValue,
  noQueue,
  onQueue,
  queueArn,
  QUEUE,
  queueOf,
  queuePermission,
  queueUrl,
  type Ctx,
  type Queue,
} from "../model.ts";
import type { SqsState } from "../state.ts";
import { emptyQueue } from "../store.ts";
import { checkedTags } from "./tags.ts";

type Attributes = Record<string, string>;

function checkName(name: string, fifo: boolean): void {
  if (fifo && !/^[\w-]{1,75}\.fifo$/.test(name))
    throw invalidValue(
      "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
    );
  if (!fifo && !/^[\w-]{1,80}$/.test(name))
    throw invalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
}

async function create(ctx: Ctx, name: string, given: Attributes, tags: Attributes): Promise<Queue> {
  const isFifo = given["FifoQueue"] !== undefined;
  if (isFifo && given["FifoQueue"]!.toLowerCase() !== "true")
    throw new AwsError("InvalidAttributeName", "Unknown Attribute FifoQueue.", 400);
  checkName(name, isFifo);
  const now = ctx.now();
  const empty: Queue = { name, uid: ctx.platform.ids.uuid(), created: now, modified: now, attributes: {} };
  const attributes = await changedAttributes(ctx, empty, given);
  const queue = { ...empty, attributes, ...(Object.keys(tags).length ? { tags: checkedTags(name, tags) } : {}) };
  if (await ctx.records.create(QUEUE, name, queue)) return queue;
  const existing = await findQueue(ctx, name);
  if (!existing) throw noQueue();
  return sameQueue(existing, given);
}

/** CreateQueue with what the queue is already answers it; with anything else it is refused. */
function sameQueue(existing: Queue, given: Attributes): Queue {
  const differs = differingAttribute(existing, given);
  if (differs === undefined) return existing;
  throw new AwsError(
    "QueueNameExists",
    `A queue already exists with the same name and a different value for attribute ${differs}`,
    400,
  );
}

const onName = (action: string) => async (input: { QueueName?: string | undefined }, ctx: Ctx) => {
  const name = String(input.QueueName);
  return [queuePermission(ctx, action, ctx.account, name, await findQueue(ctx, name))];
};

export const queues = operations<typeof Sqs, SqsState>()({
  CreateQueue: {
    permissions: async (input, ctx) => [
      ...(await onName("CreateQueue")(input, ctx)),
      ...(Object.keys(input.tags ?? {}).length ? await onName("TagQueue")(input, ctx) : []),
    ],
    async run(ctx, input) {
      const name = String(input.QueueName);
      const given = (input.Attributes ?? {}) as Attributes;
      const existing = await findQueue(ctx, name);
      const queue = existing ? sameQueue(existing, given) : await create(ctx, name, given, input.tags ?? {});
      return { QueueUrl: queueUrl(ctx, queue.name) };
    },
  },
  DeleteQueue: {
    permissions: onQueue("DeleteQueue"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      await ctx.records.write(ctx.records.remove(QUEUE, queue.name), emptyQueue(queue));
      ctx.state.ring(queue.uid);
      return {};
    },
  },
  GetQueueUrl: {
    permissions: onName("GetQueueUrl"),
    async run(ctx, input) {
      const owner = input.QueueOwnerAWSAccountId ?? ctx.account;
      const queue = owner === ctx.account ? await findQueue(ctx, String(input.QueueName)) : undefined;
      if (!queue) throw noQueue();
      return { QueueUrl: queueUrl(ctx, queue.name) };
    },
  },
  ListQueues: {
    permissions: (_input, ctx) => [{ action: "sqs:ListQueues", resource: queueArn(ctx, "*") }],
    async run(ctx, input) {
      const max = input.MaxResults ?? MAX_LIST;
      if (max < 1 || max > MAX_LIST)
        throw invalidParameter("MaxResults", max, `MaxResults must be between 1 and ${MAX_LIST}.`);
      const after = input.NextToken === undefined ? undefined : Buffer.from(input.NextToken, "base64").toString("utf8");
      const found = await ctx.records.list<Queue>(QUEUE, {
        ...(input.QueueNamePrefix ? { prefix: input.QueueNamePrefix } : {}),
        ...(after === undefined ? {} : { after }),
        limit: max + 1,
      });
      const page = found.slice(0, max);
      // Without MaxResults there is one page, as SQS has it.
      const isMore = input.MaxResults !== undefined && found.length > max;
      return {
        ...(page.length ? { QueueUrls: page.map(({ value }) => queueUrl(ctx, value.name)) } : {}),
        ...(isMore ? { NextToken: Buffer.from(page.at(-1)?.id ?? "").toString("base64") } : {}),
      };
    },
  },
  GetQueueAttributes: {
    permissions: onQueue("GetQueueAttributes"),
    // Lambda looks at the queue of an event source mapping before the function's role does.
    callers: ["lambda.amazonaws.com"],
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      const Attributes = await readAttributes(ctx, queue, (input.AttributeNames ?? []) as string[]);
      return Object.keys(Attributes).length ? { Attributes } : {};
    },
  },
  SetQueueAttributes: {
    permissions: onQueue("SetQueueAttributes"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      const given = (input.Attributes ?? {}) as Attributes;
      await changedAttributes(ctx, queue, given);
      // Checked before; made anew on what is stored now, so that of two changes at once none is lost.
      const next = (before: Queue, attributes: Attributes): Queue => ({ ...before, attributes, modified: ctx.now() });
      await ctx.records.update<Queue>(QUEUE, queue.name, (before) => {
        const merged = { ...before.attributes, ...given };
        for (const [name, value] of Object.entries(given)) if (value === "") delete merged[name];
        return next(before, merged);
      });
      ctx.state.ring(queue.uid);
      return {};
    },
  },
  ListDeadLetterSourceQueues: {
    permissions: onQueue("ListDeadLetterSourceQueues"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      const target = `"${queueArn(ctx, queue.name)}"`;
      const all = (await ctx.records.list<Queue>(QUEUE)).filter(
        ({ id, value }) =>
          value.attributes["RedrivePolicy"]?.includes(target) &&
          (input.NextToken === undefined || id > input.NextToken),
      );
      const page = all.slice(0, input.MaxResults ?? MAX_LIST);
      return {
        queueUrls: page.map(({ value }) => queueUrl(ctx, value.name)),
        ...(page.length < all.length ? { NextToken: page.at(-1)?.id } : {}),
      };
    },
  },
  PurgeQueue: {
    permissions: onQueue("PurgeQueue"),
    async run(ctx, input) {
      const queue = await queueOf(ctx, input.QueueUrl);
      const { purged } = ctx.state;
      if (ctx.now() - (purged.get(queue.uid) ?? -Infinity) < PURGE_PAUSE_MS)
        throw new AwsError(
          "PurgeQueueInProgress",
          `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
          403,
        );
      for (const [uid, at] of purged) if (ctx.now() - at >= PURGE_PAUSE_MS) purged.delete(uid);
      purged.set(queue.uid, ctx.now());
      await ctx.records.write(emptyQueue(queue));
      return {};
    },
  },
});
