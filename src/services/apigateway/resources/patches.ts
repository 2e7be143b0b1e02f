import { tagChanges, tagMap } from "../../../aws/resource-tags.ts";
import type { ResourceContext, Tag } from "../../../aws/service.ts";

/** One patch operation of API Gateway. */
export type Patch = { readonly op: "add" | "remove" | "replace"; readonly path: string; readonly value?: string };

/** What brings the tags of a resource from one template to the next. */
export async function retag(ctx: ResourceContext, place: string, next: unknown, previous: unknown): Promise<void> {
  const resourceArn = `arn:aws:apigateway:${ctx.region}::/${place}`;
  const { set, gone } = tagChanges(next as Tag[] | undefined, previous as Tag[] | undefined);
  if (gone.length) await ctx.call("apigateway", "UntagResource", { resourceArn, tagKeys: gone });
  if (set.length) await ctx.call("apigateway", "TagResource", { resourceArn, tags: tagMap(set) });
}

/** What brings a field of text from one template to the next. */
export const text = (path: string, next: unknown, previous: unknown): Patch[] =>
  next === previous
    ? []
    : next === undefined
      ? [{ op: "remove", path }]
      : [{ op: "replace", path, value: String(next) }];
