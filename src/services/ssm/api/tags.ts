import type * as Ssm from "@aws-sdk/client-ssm";
import type { Context } from "../../../aws/context.ts";
import { countedTags } from "../../../aws/resource-tags.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import { MAX_TAGS } from "../limits.ts";
import { nameOf, onParameters, parseName, type Parameter } from "../model.ts";

export function tagsFrom(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): Record<string, string> {
  return Object.fromEntries(tags.map((tag) => [String(tag.Key), tag.Value ?? ""]));
}

const named = (input: { ResourceId?: string | undefined }) => [input.ResourceId];
const noResource = (): AwsError =>
  new AwsError(
    "InvalidResourceId",
    "The resource ID isn't valid. Verify that you entered the correct ID and try again.",
    400,
  );

async function tagged(
  ctx: Context<any>,
  input: { ResourceType?: string | undefined; ResourceId?: string | undefined },
): Promise<string> {
  if (input.ResourceType !== "Parameter")
    throw notImplemented(`tags of ssm resources of the type ${input.ResourceType}`);
  return await nameOf(ctx, parseName(input.ResourceId));
}

async function setTags(
  ctx: Context<any>,
  name: string,
  make: (tags: Readonly<Record<string, string>>) => Record<string, string>,
): Promise<object> {
  const change = (parameter: Parameter): Parameter => {
    const tags = make(parameter.tags);
    if (countedTags(Object.keys(tags)) > MAX_TAGS)
      throw new AwsError("TooManyTagsError", `A parameter may have at most ${MAX_TAGS} tags.`, 400);
    return { ...parameter, tags };
  };
  if (!(await ctx.records.update<Parameter>("parameter", name, change))) throw noResource();
  return {};
}

export const tags = operations<typeof Ssm, any>()({
  AddTagsToResource: {
    permissions: onParameters("AddTagsToResource", named),
    run: async (ctx, input) =>
      setTags(ctx, await tagged(ctx, input), (before) => ({ ...before, ...tagsFrom(input.Tags ?? []) })),
  },
  RemoveTagsFromResource: {
    permissions: onParameters("RemoveTagsFromResource", named),
    run: async (ctx, input) =>
      setTags(ctx, await tagged(ctx, input), (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.TagKeys?.includes(key))),
      ),
  },
  ListTagsForResource: {
    permissions: onParameters("ListTagsForResource", named),
    async run(ctx, input) {
      const stored = await ctx.records.get<Parameter>("parameter", await tagged(ctx, input));
      if (!stored) throw noResource();
      return { TagList: Object.entries(stored.value.tags).map(([Key, Value]) => ({ Key, Value })) };
    },
  },
});
