import type * as ResourceGroups from "@aws-sdk/client-resource-groups";
import { isAllowed } from "../../../aws/authorize.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { Members } from "../members/member.ts";
import { membersOf } from "../members/members.ts";
import { groupOf, onAll, onGroup, type GroupsContext } from "../model.ts";
import { pageOf } from "../page.ts";
import { checkedQuery, readQuery, type Query } from "../query.ts";

/** What belongs to a query, for callers who may ask for resources by their tags, or see the stack. */
async function visibleMembers(ctx: GroupsContext, query: Query): Promise<Members> {
  if (query.by.kind === "tags" && !(await isAllowed(ctx, { action: "tag:GetResources", resource: "*" })))
    throw new AwsError("ForbiddenException", "You are not authorized to perform: tag:GetResources", 403);
  return membersOf(ctx, query);
}

const identifier = ({ arn, type }: { arn: string; type: string }) => ({ ResourceArn: arn, ResourceType: type });

export const members = operations<typeof ResourceGroups, any>()({
  ListGroupResources: {
    permissions: onGroup("ListGroupResources"),
    async run(ctx, input) {
      const { query } = await groupOf(ctx, input);
      const found = await visibleMembers(ctx, readQuery(query));
      const wanted = found.members.filter(({ type }) =>
        (input.Filters ?? []).every(({ Values = [] }) => Values.includes(type)),
      );
      const { items, next } = pageOf(wanted, input);
      return {
        Resources: items.map((member) => ({ Identifier: identifier(member) })),
        ResourceIdentifiers: items.map(identifier),
        QueryErrors: [...found.errors],
        ...next,
      };
    },
  },
  SearchResources: {
    permissions: onAll("resource-groups:SearchResources"),
    async run(ctx, input) {
      const found = await visibleMembers(ctx, checkedQuery(input.ResourceQuery).read);
      const { items, next } = pageOf(found.members, input);
      return { ResourceIdentifiers: items.map(identifier), QueryErrors: [...found.errors], ...next };
    },
  },
});
