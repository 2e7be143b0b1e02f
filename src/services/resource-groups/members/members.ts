import type { GroupsContext } from "../model.ts";
import type { Query } from "../query.ts";
import type { Members } from "./member.ts";
import { stackMembers } from "./stack-members.ts";
import { taggedMembers } from "./tagged-members.ts";

/** What a query finds now. */
export async function membersOf(ctx: GroupsContext, { by, types }: Query): Promise<Members> {
  if (by.kind === "tags") return { members: await taggedMembers(ctx, by.tags, types), errors: [] };
  const { members, errors } = await stackMembers(ctx, by.stack);
  return { members: types ? members.filter(({ type }) => types.has(type)) : members, errors };
}
