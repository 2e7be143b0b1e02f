import type * as Sqs from "@aws-sdk/client-sqs";
import { operations } from "../../../aws/service.ts";
import { MAX_QUEUE_TAGS } from "../limits.ts";
import { invalidValue, missing, onQueue, QUEUE, queueOf, type Ctx, type Queue } from "../model.ts";
import type { SqsState } from "../state.ts";

type Tags = Readonly<Record<string, string>>;

export function checkedTags(queue: string, tags: Tags): Tags {
  const names = Object.keys(tags);
  if (names.length > MAX_QUEUE_TAGS) throw invalidValue(`Too many tags added for queue ${queue}.`);
  const bad = names.find(
    (name) => name === "" || name.length > 128 || /^aws:/i.test(name) || (tags[name]?.length ?? 0) > 256,
  );
  if (bad !== undefined)
    throw invalidValue(
      `Tag keys must be between 1 and 128 characters in length, values at most 256, and keys must not start with aws:. Wrong: ${bad.slice(0, 200)}`,
    );
  return tags;
}

async function change(ctx: Ctx, url: string | undefined, make: (tags: Tags) => Tags): Promise<object> {
  const { name } = await queueOf(ctx, url);
  await ctx.records.update<Queue>(QUEUE, name, (queue) => ({
    ...queue,
    tags: checkedTags(name, make(queue.tags ?? {})),
  }));
  return {};
}

export const tags = operations<typeof Sqs, SqsState>()({
  TagQueue: {
    permissions: onQueue("TagQueue"),
    async run(ctx, input) {
      if (Object.keys(input.Tags ?? {}).length === 0) throw missing("Tags");
      return change(ctx, input.QueueUrl, (before) => ({ ...before, ...input.Tags }));
    },
  },
  UntagQueue: {
    permissions: onQueue("UntagQueue"),
    async run(ctx, input) {
      if (!input.TagKeys?.length) throw invalidValue("Tag keys must be between 1 and 128 characters in length.");
      return change(ctx, input.QueueUrl, (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.TagKeys?.includes(key))),
      );
    },
  },
  ListQueueTags: {
    permissions: onQueue("ListQueueTags"),
    async run(ctx, input) {
      const { tags: all = {} } = await queueOf(ctx, input.QueueUrl);
      return Object.keys(all).length ? { Tags: { ...all } } : {};
    },
  },
});
