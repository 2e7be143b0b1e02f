import type { ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

/** AWS::Events::EventBus. */
export const eventBus: ResourceType = {
  type: "AWS::Events::EventBus",
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
  async remove(ctx, id) {
    await ctx.call("events", "DeleteEventBus", { Name: id });
  },
  attributes: async (ctx, id) => ({ Arn: `arn:aws:events:${ctx.region}:${ctx.account}:event-bus/${id}`, Name: id }),
};
