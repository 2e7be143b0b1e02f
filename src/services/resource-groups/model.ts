import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { MAX_TAG_KEY, MAX_TAG_VALUE, MAX_TAGS } from "./limits.ts";

export type QueryType = "TAG_FILTERS_1_0" | "CLOUDFORMATION_STACK_1_0";

/** A query as it was given: `query` is JSON. */
export interface StoredQuery {
  readonly type: QueryType;
  readonly query: string;
}

/** A group as it is stored: what belongs to it is asked for anew each time. */
export interface Group {
  readonly name: string;
  readonly query: StoredQuery;
  readonly description?: string;
  readonly criticality?: number;
  readonly owner?: string;
  readonly displayName?: string;
  readonly tags: Readonly<Record<string, string>>;
}

export type GroupsContext = Context<any>;
type Place = Pick<GroupsContext, "account" | "region">;

export const KIND = "group";
const NAME = /^[a-zA-Z0-9_.-]{1,300}$/;

export const badRequest = (message: string): AwsError => new AwsError("BadRequestException", message, 400);
const notFound = (name: string): AwsError => new AwsError("NotFoundException", `Cannot find group: ${name}`, 404);

export const groupArn = (place: Place, name: string): string =>
  arn("resource-groups", place.region, place.account, `group/${name}`);

/** The name of a new group; refuses what is none. */
export function newName(name: string): string {
  if (!NAME.test(name))
    throw badRequest("Group name not valid: it has up to 300 letters, digits, hyphens, periods and underscores");
  if (/^aws/i.test(name)) throw badRequest("Group name not valid: it can't start with AWS or aws");
  return name;
}

/** What a group is named by: its name or its ARN; `Group` came later than `GroupName`. */
export interface Named {
  readonly Group?: string | undefined;
  readonly GroupName?: string | undefined;
  readonly Arn?: string | undefined;
}

/** The name in a name or an ARN of a group of this account and region. */
export function nameOf(ctx: Place, { Group: group, GroupName: groupName, Arn: given }: Named): string {
  const text = group ?? groupName ?? given ?? "";
  const prefix = groupArn(ctx, "");
  if (text.startsWith(prefix)) return text.slice(prefix.length);
  if (text.startsWith("arn:") || text === "") throw badRequest(`Group name or ARN not valid: ${text}`);
  return text;
}

export async function groupOf(ctx: GroupsContext, named: Named): Promise<Group> {
  const name = nameOf(ctx, named);
  const stored = await ctx.records.get<Group>(KIND, name);
  if (!stored) throw notFound(name);
  return stored.value;
}

export async function changeGroup(ctx: GroupsContext, named: Named, change: (group: Group) => Group): Promise<Group> {
  const name = nameOf(ctx, named);
  const changed = await ctx.records.update<Group>(KIND, name, change);
  if (!changed) throw notFound(name);
  return changed;
}

export const groupView = (ctx: Place, { name, description, criticality, owner, displayName }: Group) => ({
  GroupArn: groupArn(ctx, name),
  Name: name,
  ...(description === undefined ? {} : { Description: description }),
  ...(criticality === undefined ? {} : { Criticality: criticality }),
  ...(owner === undefined ? {} : { Owner: owner }),
  ...(displayName === undefined ? {} : { DisplayName: displayName }),
});

export const queryView = ({ type, query }: StoredQuery) => ({ Type: type, Query: query });

/** The permission for an operation on a group, whatever way it is named. */
export const onGroup =
  (action: string) =>
  (input: Named, ctx: GroupsContext): readonly Permission[] => {
    const text = input.Group ?? input.GroupName ?? input.Arn ?? "";
    return [{ action: `resource-groups:${action}`, resource: text.startsWith("arn:") ? text : groupArn(ctx, text) }];
  };

/** The permission for an operation that is on no group of its own. */
export const onAll =
  (...actions: readonly string[]) =>
  (): readonly Permission[] =>
    actions.map((action) => ({ action, resource: "*" }));

/** Tags that a group may have; refuses others. */
export function checkedTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(tags);
  if (entries.length > MAX_TAGS) throw badRequest(`A group may have at most ${MAX_TAGS} tags`);
  for (const [key, value] of entries) {
    if (key.length === 0 || key.length > MAX_TAG_KEY || value.length > MAX_TAG_VALUE)
      throw badRequest(`Tags have keys of 1 to ${MAX_TAG_KEY} characters and values of up to ${MAX_TAG_VALUE}`);
    if (/^aws:/i.test(key)) throw badRequest("Tag keys that begin with aws: are reserved");
  }
  return Object.fromEntries(entries);
}
