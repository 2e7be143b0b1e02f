import type * as ResourceGroups from "@aws-sdk/client-resource-groups";
import { operations } from "../../../aws/service.ts";
import { notImplemented } from "../../../kernel/aws-error.ts";
import { MAX_GROUPS } from "../limits.ts";
import { stackFault } from "../members/stack-members.ts";
import {
  badRequest,
  changeGroup,
  checkedTags,
  groupArn,
  groupOf,
  groupView,
  KIND,
  newName,
  onGroup,
  onAll,
  queryView,
  type Group,
  type GroupsContext,
  type StoredQuery,
} from "../model.ts";
import { pageOf } from "../page.ts";
import { checkedQuery } from "../query.ts";

/** A query that has an answer now: a stack that is not there has no resources. */
async function answerable(ctx: GroupsContext, given: Parameters<typeof checkedQuery>[0]): Promise<StoredQuery> {
  const { type, query, read } = checkedQuery(given);
  const fault = read.by.kind === "stack" ? await stackFault(ctx, read.by.stack) : undefined;
  if (fault) throw badRequest(`Query not valid: ${fault.Message}`);
  return { type, query };
}

const set = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

export const groups = operations<typeof ResourceGroups, any>()({
  CreateGroup: {
    permissions: (input, ctx) => [
      { action: "resource-groups:CreateGroup", resource: groupArn(ctx, String(input.Name)) },
    ],
    async run(ctx, input) {
      if (input.Configuration?.length) throw notImplemented("resource groups that configure a service");
      if (!input.ResourceQuery) throw badRequest("A group has a ResourceQuery or a Configuration");
      const name = newName(String(input.Name));
      const query = await answerable(ctx, input.ResourceQuery);
      const group = set({
        name,
        query,
        description: input.Description,
        criticality: input.Criticality,
        owner: input.Owner,
        displayName: input.DisplayName,
        tags: checkedTags(input.Tags ?? {}),
      }) as Group;
      if ((await ctx.records.count(KIND)) >= MAX_GROUPS)
        throw badRequest(`Cannot create group: the account has the maximum of ${MAX_GROUPS} groups`);
      if (!(await ctx.records.create(KIND, name, group))) throw badRequest("Cannot create group: group already exists");
      return {
        Group: groupView(ctx, group),
        ResourceQuery: queryView(query),
        ...(Object.keys(group.tags).length > 0 ? { Tags: { ...group.tags } } : {}),
      };
    },
  },
  GetGroup: {
    permissions: onGroup("GetGroup"),
    run: async (ctx, input) => ({ Group: groupView(ctx, await groupOf(ctx, input)) }),
  },
  ListGroups: {
    permissions: onAll("resource-groups:ListGroups"),
    async run(ctx, input) {
      for (const { Name } of input.Filters ?? [])
        if (Name === "resource-type" || Name === "configuration-type")
          throw notImplemented(`the filter ${Name} of resource groups`);
      const all = (await ctx.records.list<Group>(KIND)).map(({ value }) => groupView(ctx, value));
      const wanted = all.filter((group) =>
        (input.Filters ?? []).every(({ Name, Values = [] }) => {
          const value = { owner: group.Owner, "display-name": group.DisplayName, criticality: group.Criticality }[
            String(Name)
          ];
          return value !== undefined && Values.includes(String(value));
        }),
      );
      const { items, next } = pageOf(wanted, input);
      const GroupIdentifiers = items.map(({ Name, ...group }) => ({ GroupName: Name, ...group }));
      return { GroupIdentifiers, Groups: [...items], ...next };
    },
  },
  UpdateGroup: {
    permissions: onGroup("UpdateGroup"),
    async run(ctx, input) {
      const said = set({
        description: input.Description,
        criticality: input.Criticality,
        owner: input.Owner,
        displayName: input.DisplayName,
      });
      return { Group: groupView(ctx, await changeGroup(ctx, input, (group) => ({ ...group, ...said }) as Group)) };
    },
  },
  DeleteGroup: {
    permissions: onGroup("DeleteGroup"),
    async run(ctx, input) {
      const group = await groupOf(ctx, input);
      await ctx.records.write(ctx.records.remove(KIND, group.name));
      return { Group: groupView(ctx, group) };
    },
  },
  GetGroupQuery: {
    permissions: onGroup("GetGroupQuery"),
    async run(ctx, input) {
      const { name, query } = await groupOf(ctx, input);
      return { GroupQuery: { GroupName: name, ResourceQuery: queryView(query) } };
    },
  },
  UpdateGroupQuery: {
    permissions: onGroup("UpdateGroupQuery"),
    async run(ctx, input) {
      await groupOf(ctx, input);
      const query = await answerable(ctx, input.ResourceQuery);
      const { name } = await changeGroup(ctx, input, (group) => ({ ...group, query }));
      return { GroupQuery: { GroupName: name, ResourceQuery: queryView(query) } };
    },
  },
});
