import { tagChanges } from "../../../aws/resource-tags.ts";
import type { ResourceType } from "../../../aws/service.ts";
import { codeOf, ignoring } from "../../../kernel/aws-error.ts";

/** AWS::Events::EventBus. */
export const eventBus: ResourceType = {
  type: "AWS::Events::EventBus",
  refuses: { DeadLetterConfig: [], EventSourceName: [], KmsKeyIdentifier: [], LogConfig: [] },
  async create(ctx, { Name, Description, Tags: own, Policy }) {
    const name = String(Name);
    try {
      await ctx.withStackTags(own, (Tags) =>
        ctx.call("events", "CreateEventBus", {
          Name: name,
          ...(Description ? { Description } : {}),
          ...(Tags.length ? { Tags } : {}),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "ResourceAlreadyExistsException" || !ctx.retried) throw error;
    }
    if (Policy) await ctx.call("events", "PutPermission", { EventBusName: name, Policy: JSON.stringify(Policy) });
    return name;
  },
  async update(ctx, id, next, previous) {
    const { Description } = next;
    if (Description !== previous["Description"])
      await ctx.call("events", "UpdateEventBus", { Name: id, ...(Description ? { Description } : {}) });
    const ResourceARN = `arn:aws:events:${ctx.region}:${ctx.account}:event-bus/${id}`;
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length) await ctx.call("events", "UntagResource", { ResourceARN, TagKeys: gone });
    if (set.length) await ctx.call("events", "TagResource", { ResourceARN, Tags: set });
    const Policy = next["Policy"] as object | undefined;
    if (Policy) await ctx.call("events", "PutPermission", { EventBusName: id, Policy: JSON.stringify(Policy) });
    else if (previous["Policy"])
      await ctx.call("events", "RemovePermission", { EventBusName: id, RemoveAllPermissions: true });
  },
  async remove(ctx, id) {
    await ctx.call("events", "DeleteEventBus", { Name: id }).catch(ignoring("ResourceNotFoundException"));
  },
  attributes: async (ctx, id) => ({ Arn: `arn:aws:events:${ctx.region}:${ctx.account}:event-bus/${id}`, Name: id }),
};
