import { tagChanges, tagMap } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { AwsError, codeOf, notImplemented } from "../../../kernel/aws-error.ts";
import { groupArn } from "../model.ts";
import { ALL_SUPPORTED } from "../query.ts";

/** The query of a template, which need not say that it means its own stack. */
function queryOf(ctx: ResourceContext, { ResourceQuery: given, Configuration, Resources }: Properties) {
  if (Configuration?.length || Resources?.length)
    throw notImplemented("resource groups that configure a service, or list their members");
  if (!given) throw new AwsError("ValidationError", "AWS::ResourceGroups::Group needs a ResourceQuery.", 400);
  const Type = given.Type ?? "CLOUDFORMATION_STACK_1_0";
  const { ResourceTypeFilters = [ALL_SUPPORTED], StackIdentifier = ctx.stackId, TagFilters } = given.Query ?? {};
  const query =
    Type === "TAG_FILTERS_1_0" ? { ResourceTypeFilters, TagFilters } : { ResourceTypeFilters, StackIdentifier };
  return { Type, Query: JSON.stringify(query) };
}

/** AWS::ResourceGroups::Group. */
export const group: ResourceType = {
  type: "AWS::ResourceGroups::Group",
  async create(ctx, properties) {
    const Name = String(properties["Name"]);
    const Description = properties["Description"];
    const input = {
      Name,
      ...(Description === undefined ? {} : { Description }),
      ResourceQuery: queryOf(ctx, properties),
    };
    try {
      await ctx.withStackTags(properties["Tags"], (tags) =>
        ctx.call("resource-groups", "CreateGroup", { ...input, Tags: tagMap(tags) }),
      );
    } catch (error) {
      const exists = error instanceof Error && error.message.endsWith("group already exists");
      if (exists && ctx.retried) return Name;
      throw exists ? new AwsError("AlreadyExists", `${Name} already exists`, 400) : error;
    }
    return Name;
  },
  async update(ctx, id, next, previous) {
    if (next["Description"] !== previous["Description"])
      await ctx.call("resource-groups", "UpdateGroup", { Group: id, Description: next["Description"] ?? "" });
    await ctx.call("resource-groups", "UpdateGroupQuery", { Group: id, ResourceQuery: queryOf(ctx, next) });
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    const Arn = groupArn(ctx, id);
    if (gone.length > 0) await ctx.call("resource-groups", "Untag", { Arn, Keys: [...gone] });
    if (set.length > 0) await ctx.call("resource-groups", "Tag", { Arn, Tags: tagMap(set) });
  },
  async remove(ctx, id) {
    await ctx.call("resource-groups", "DeleteGroup", { Group: id }).catch((error: unknown) => {
      if (codeOf(error) !== "NotFoundException") throw error;
    });
  },
  attributes: async (ctx, id) => ({ Arn: groupArn(ctx, id) }),
};
