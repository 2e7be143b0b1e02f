import { tagChanges, tagMap } from "../../aws/resource-tags.ts";
import type { Properties, ResourceContext } from "../../aws/service.ts";

/** What brings the tags of a resource from one template to the next. */
export async function retag(
  ctx: ResourceContext,
  place: string,
  next: Properties,
  previous: Properties,
): Promise<void> {
  const ResourceArn = `arn:aws:apigateway:${ctx.region}::/${place}`;
  const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
  if (gone.length) await ctx.call("apigatewayv2", "UntagResource", { ResourceArn, TagKeys: gone });
  if (set.length) await ctx.call("apigatewayv2", "TagResource", { ResourceArn, Tags: tagMap(set) });
}
