import { tagList, tagMap } from "../../../aws/resource-tags.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import {
  applicationOf,
  groupOfArn,
  KIND,
  MAX_TAGS,
  noApplication,
  type Application,
  type InsightsContext,
} from "../model.ts";
import type { ApplicationInsightsModule, Tag } from "../shapes.ts";

type Tags = Readonly<Record<string, string>>;

/** Tags by key; refuses more than an application may have. */
export function tagsFrom(tags: readonly Tag[]): Tags {
  const made = tagMap(tags);
  if (Object.keys(made).length > MAX_TAGS)
    throw new AwsError("TooManyTagsException", `An application may have at most ${MAX_TAGS} tags.`, 400);
  return made;
}

const onArn =
  (action: string) =>
  ({ ResourceARN }: { ResourceARN: string | undefined }): readonly Permission[] => [
    { action: `applicationinsights:${action}`, resource: String(ResourceARN) },
  ];

async function setTags(ctx: InsightsContext, arn: string | undefined, make: (tags: Tags) => Tags): Promise<object> {
  const group = groupOfArn(ctx, String(arn));
  const changed = await ctx.records.update<Application>(KIND, group, (before) => ({
    ...before,
    tags: make(before.tags),
  }));
  if (!changed) throw noApplication(group);
  return {};
}

export const tags = operations<ApplicationInsightsModule, any>()({
  ListTagsForResource: {
    permissions: onArn("ListTagsForResource"),
    run: async (ctx, input) => ({
      Tags: tagList((await applicationOf(ctx, groupOfArn(ctx, String(input.ResourceARN)))).tags),
    }),
  },
  TagResource: {
    permissions: onArn("TagResource"),
    run: (ctx, input) =>
      setTags(ctx, input.ResourceARN, (before) => tagsFrom([...tagList(before), ...(input.Tags ?? [])])),
  },
  UntagResource: {
    permissions: onArn("UntagResource"),
    run: (ctx, input) =>
      setTags(ctx, input.ResourceARN, (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.TagKeys?.includes(key))),
      ),
  },
});
