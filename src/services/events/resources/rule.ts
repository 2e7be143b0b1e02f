import { tagChanges } from "../../../aws/resource-tags.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";
import { busName, DEFAULT_BUS } from "../model.ts";

interface Place {
  readonly Name: string;
  readonly EventBusName?: string;
}

/** The physical id is the rule's name, with `<bus>|` before it where it is not on the default bus. */
function placeOf(id: string): Place {
  const [bus, name] = id.split("|");
  return name === undefined ? { Name: id } : { Name: name, EventBusName: bus! };
}

function ruleInput(properties: Properties): Record<string, unknown> {
  const { Description, EventPattern, ScheduleExpression, State, RoleArn } = properties;
  return {
    ...(Description === undefined ? {} : { Description }),
    ...(EventPattern === undefined
      ? {}
      : { EventPattern: typeof EventPattern === "string" ? EventPattern : JSON.stringify(EventPattern) }),
    ...(ScheduleExpression === undefined ? {} : { ScheduleExpression }),
    ...(State === undefined ? {} : { State }),
    ...(RoleArn === undefined ? {} : { RoleArn }),
  };
}

async function setTargets(ctx: ResourceContext, place: Place, properties: Properties): Promise<void> {
  const wanted = (properties["Targets"] ?? []) as { Id: string }[];
  const rule = { Rule: place.Name, ...(place.EventBusName ? { EventBusName: place.EventBusName } : {}) };
  const { Targets = [] } = await ctx.call("events", "ListTargetsByRule", rule);
  const gone = Targets.map((t) => String(t.Id)).filter((id) => !wanted.some((t) => t.Id === id));
  if (gone.length) await ctx.call("events", "RemoveTargets", { ...rule, Ids: gone });
  if (wanted.length) await ctx.call("events", "PutTargets", { ...rule, Targets: wanted });
}

function arnOf(ctx: ResourceContext, id: string): string {
  const { Name, EventBusName } = placeOf(id);
  return `arn:aws:events:${ctx.region}:${ctx.account}:rule/${EventBusName ? `${EventBusName}/` : ""}${Name}`;
}

/** AWS::Events::Rule. */
export const eventsRule: ResourceType = {
  type: "AWS::Events::Rule",
  async create(ctx, properties) {
    const Name = String(properties["Name"] ?? ctx.physicalName({ maxLength: 64 }));
    const bus = busName(properties["EventBusName"]);
    const place: Place = { Name, ...(bus === DEFAULT_BUS ? {} : { EventBusName: bus }) };
    await ctx.withStackTags(properties["Tags"], (Tags) =>
      ctx.call("events", "PutRule", { ...place, ...ruleInput(properties), ...(Tags.length ? { Tags } : {}) }),
    );
    await setTargets(ctx, place, properties);
    return place.EventBusName ? `${bus}|${Name}` : Name;
  },
  async update(ctx, id, next, previous) {
    const place = placeOf(id);
    const ResourceARN = arnOf(ctx, id);
    const { set, gone } = tagChanges(next["Tags"], previous["Tags"]);
    if (gone.length) await ctx.call("events", "UntagResource", { ResourceARN, TagKeys: gone });
    if (set.length) await ctx.call("events", "TagResource", { ResourceARN, Tags: set });
    await ctx.call("events", "PutRule", { ...place, ...ruleInput(next) });
    await setTargets(ctx, place, next);
  },
  async remove(ctx, id) {
    const place = placeOf(id);
    try {
      await setTargets(ctx, place, {});
      await ctx.call("events", "DeleteRule", { ...place });
    } catch (error) {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
    }
  },
  attributes: async (ctx, id) => ({ Arn: arnOf(ctx, id), RuleName: placeOf(id).Name }),
};
