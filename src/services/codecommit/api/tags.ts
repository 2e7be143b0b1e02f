import type * as CodeCommit from "@aws-sdk/client-codecommit";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { bad, existingRepository, noRepository, repositoryArn, type Repository } from "../model.ts";

const MAX_TAGS = 50;
const onArn = (action: string) => (input: { resourceArn?: string | undefined }) => [
  { action: `codecommit:${action}`, resource: String(input.resourceArn) },
];

function nameOf(ctx: Context<any>, resource: string | undefined): string {
  if (!resource)
    throw bad("ResourceArnRequiredException", "The Amazon Resource Name (ARN) of the resource is required.");
  const name = resource.split(":")[5] ?? "";
  if (!name || resource !== repositoryArn(ctx, name))
    throw bad("InvalidResourceArnException", `The Amazon Resource Name (ARN) is not valid: ${resource.slice(0, 200)}`);
  return name;
}

async function setTags(
  ctx: Context<any>,
  resource: string | undefined,
  make: (tags: Readonly<Record<string, string>>) => Record<string, string>,
): Promise<object> {
  const name = nameOf(ctx, resource);
  const change = (repository: Repository): Repository => {
    const tags = make(repository.tags ?? {});
    if (Object.keys(tags).length > MAX_TAGS)
      throw bad("TooManyTagsException", `The maximum number of tags for a repository is ${MAX_TAGS}.`);
    return { ...repository, tags };
  };
  if (!(await ctx.records.update<Repository>("repository", name, change))) throw noRepository(name);
  return {};
}

export const tags = operations<typeof CodeCommit, any>()({
  TagResource: {
    permissions: onArn("TagResource"),
    run: (ctx, input) => setTags(ctx, input.resourceArn, (before) => ({ ...before, ...input.tags })),
  },
  UntagResource: {
    permissions: onArn("UntagResource"),
    run: (ctx, input) =>
      setTags(ctx, input.resourceArn, (before) =>
        Object.fromEntries(Object.entries(before).filter(([key]) => !input.tagKeys?.includes(key))),
      ),
  },
  ListTagsForResource: {
    permissions: onArn("ListTagsForResource"),
    run: async (ctx, input) => ({ tags: { ...(await existingRepository(ctx, nameOf(ctx, input.resourceArn))).tags } }),
  },
});
