import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { ignoring } from "../../../kernel/aws-error.ts";

const ignoreGone = ignoring("ResourceNotFoundException");

const busOf = (properties: Properties): string => String(properties["EventBusName"] ?? "default");

interface Statement {
  readonly Sid?: string;
}

/** Puts the one statement beside those that the bus has. */
async function put(ctx: ResourceContext, properties: Properties): Promise<void> {
  const { StatementId, Action, Principal, Condition, Statement: whole } = properties;
  const EventBusName = busOf(properties);
  if (whole === undefined) {
    await ctx.call("events", "PutPermission", { EventBusName, StatementId, Action, Principal, Condition });
    return;
  }
  const { Policy } = await ctx.call("events", "DescribeEventBus", { Name: EventBusName });
  const before = Policy ? (JSON.parse(Policy) as { Statement?: Statement | Statement[] }) : {};
  const others = [before.Statement ?? []].flat().filter((s) => s.Sid !== StatementId);
  const document = { Version: "2012-10-17", Statement: [...others, { Sid: StatementId, ...(whole as object) }] };
  await ctx.call("events", "PutPermission", { EventBusName, Policy: JSON.stringify(document) });
}

/** AWS::Events::EventBusPolicy; its id is `<bus>|<statement>`. */
export const eventBusPolicy: ResourceType = {
  type: "AWS::Events::EventBusPolicy",
  async create(ctx, properties) {
    await put(ctx, properties);
    return `${busOf(properties)}|${properties["StatementId"]}`;
  },
  update: async (ctx, _id, next) => put(ctx, next),
  async remove(ctx, _id, properties) {
    const { StatementId } = properties;
    await ctx.call("events", "RemovePermission", { EventBusName: busOf(properties), StatementId }).catch(ignoreGone);
  },
};
