import type * as Ecr from "@aws-sdk/client-ecr";
import { countedTags } from "../../../aws/resource-tags.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import {
  KIND,
  MAX_TAGS,
  nameOfArn,
  noRepository,
  onRepository,
  repositoryOf,
  type EcrContext,
  type Repository,
} from "../model.ts";

type Tag = { Key?: string | undefined; Value?: string | undefined };
type Tags = Readonly<Record<string, string>>;

export function tagsFrom(tags: readonly Tag[] | undefined): Tags {
  const made = Object.fromEntries((tags ?? []).map((tag) => [String(tag.Key), tag.Value ?? ""]));
  if (countedTags(Object.keys(made)) > MAX_TAGS)
    throw new AwsError("TooManyTagsException", `A repository may have at most ${MAX_TAGS} tags.`, 400);
  return made;
}

async function setTags(ctx: EcrContext, arn: string, make: (tags: Tags) => Tags): Promise<object> {
  const repositoryName = nameOfArn(ctx, arn);
  const changed = await ctx.records.update<Repository>(KIND, repositoryName, (r) => ({ ...r, tags: make(r.tags) }));
  if (!changed) throw noRepository(ctx, { repositoryName });
  return {};
}

const pairs = (tags: Tags) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

export const tags = operations<typeof Ecr, any>()({
  TagResource: {
    permissions: onRepository("TagResource"),
    run: (ctx, input) =>
      setTags(ctx, String(input.resourceArn), (before) => tagsFrom([...pairs(before), ...(input.tags ?? [])])),
  },
  UntagResource: {
    permissions: onRepository("UntagResource"),
    run: (ctx, input) =>
      setTags(ctx, String(input.resourceArn), (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.tagKeys?.includes(key))),
      ),
  },
  ListTagsForResource: {
    permissions: onRepository("ListTagsForResource"),
    async run(ctx, input) {
      const repositoryName = nameOfArn(ctx, String(input.resourceArn));
      return { tags: pairs((await repositoryOf(ctx, { repositoryName })).tags) };
    },
  },
});
