import { AwsError } from "../../kernel/aws-error.ts";
import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import type { Statement } from "../../ports/database.ts";
import { parsePolicy, type PolicyKind } from "../../engines/policy/index.ts";
import { limitExceeded, noSuch, unmodifiable, validation } from "./errors.ts";
import { DEFAULT_PAGE, GROUPS, INSTANCE_PROFILES, MAX_TAGS, POLICIES, ROLES, USERS } from "./limits.ts";
import { entityArn, nameKey, tagList, tagRecord, type Entity, type EntityKind, type User } from "./model.ts";

/** Published on the bus whenever who may do what has changed; principals' policies are read anew then. */
export const IAM_CHANGED = "iam:changed";

const PREFIX: Record<EntityKind, string> = { user: "AIDA", group: "AGPA", role: "AROA" };

/** A unique id such as `AIDAQ3EGRX5CEXAMPLE01`. */
export function uniqueId(ctx: Context, kind: EntityKind | "policy"): string {
  return (kind === "policy" ? "ANPA" : PREFIX[kind]) + ctx.platform.ids.text(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

/** The user, group or role of this name; throws NoSuchEntity. */
export async function entity<T extends Entity>(
  ctx: Context<any>,
  kind: EntityKind,
  name: string | undefined,
): Promise<T> {
  const stored = await ctx.globalRecords.get<T>(kind, nameKey(required(name, `${kind}Name`)));
  if (!stored) throw noSuch(kind, String(name));
  return stored.value;
}

/** Changes a user, group or role; throws NoSuchEntity. */
export async function changeEntity<T extends Entity>(
  ctx: Context<any>,
  kind: EntityKind,
  name: string | undefined,
  change: (value: T) => T | undefined,
  ...also: Statement[]
): Promise<T> {
  const value = await ctx.globalRecords.update<T>(kind, nameKey(required(name, `${kind}Name`)), change, ...also);
  if (!value) throw noSuch(kind, String(name));
  changed(ctx);
  return value;
}

/** Refuses to change what only the service itself may. */
export function notServiceLinked<T extends Entity>(value: T): T {
  if (value.path.startsWith("/aws-service-role/")) throw unmodifiable(value.name);
  return value;
}

export function changed(ctx: Context<any>): void {
  ctx.platform.bus.publish(IAM_CHANGED, {});
}

export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined || value === "") {
    throw validation(
      `1 validation error detected: Value at '${name}' failed to satisfy constraint: Member must not be null`,
    );
  }
  return value;
}

/** The permission for an action on a user, group or role; the path is part of its ARN once it exists. */
export function on(kind: EntityKind, action: string, nameOf: (input: any, ctx: Context<any>) => string | undefined) {
  return async (input: any, ctx: Context<any>): Promise<Permission[]> => {
    const name = nameOf(input, ctx) ?? "*";
    const stored = await ctx.globalRecords.get<Entity>(kind, nameKey(name));
    const where = stored?.value ?? { path: (input?.Path as string | undefined) ?? "/", name };
    const conditions: Record<string, string | undefined> = {};
    if (kind !== "group")
      conditions["iam:PermissionsBoundary"] =
        (input?.PermissionsBoundary as string | undefined) ?? stored?.value.boundary;
    if (input?.PolicyArn) conditions["iam:PolicyARN"] = String(input.PolicyArn);
    return [{ action: `iam:${action}`, resource: entityArn(kind, ctx.account, where), conditions }];
  };
}

/** The permission to give a user or group another name or path: on what it is, and on what it becomes. */
export function onBoth(kind: "user" | "group", action: string, names: (input: any) => readonly (string | undefined)[]) {
  return async (input: any, ctx: Context<any>): Promise<Permission[]> => {
    const [name, next] = names(input);
    const before = (await ctx.globalRecords.get<Entity>(kind, nameKey(String(name))))?.value;
    const path = (input?.NewPath as string | undefined) ?? before?.path ?? "/";
    const resource = entityArn(kind, ctx.account, { path, name: next ?? before?.name ?? String(name) });
    return [...(await on(kind, action, () => name)(input, ctx)), { action: `iam:${action}`, resource }];
  };
}

/** The permission for an action without a resource. */
export const onAll = (action: string) => (): Permission[] => [{ action: `iam:${action}`, resource: "*" }];

/** Checks a policy document and its size, and answers it as it is stored. Query clients send it percent-encoded or plain. */
export function checkedDocument(document: string | undefined, kind: PolicyKind, limit: number): string {
  const text = required(document, "policyDocument");
  parsePolicy(text, kind);
  if (text.replace(/\s/g, "").length > limit) throw limitExceeded(`Maximum policy size of ${limit} bytes exceeded`);
  return text;
}

/** One page of a list, by IAM's Marker and MaxItems. */
export function page<T>(
  items: readonly T[],
  input: { Marker?: string | undefined; MaxItems?: number | undefined },
): { items: T[]; IsTruncated: boolean; Marker?: string } {
  const start = input.Marker === undefined ? 0 : Number(Buffer.from(input.Marker, "base64url").toString());
  if (!Number.isInteger(start) || start < 0) throw new AwsError("ValidationError", "Invalid Marker.", 400);
  const end = start + (input.MaxItems ?? DEFAULT_PAGE);
  const part = items.slice(start, end);
  if (end >= items.length) return { items: part, IsTruncated: false };
  return { items: part, IsTruncated: true, Marker: Buffer.from(String(end)).toString("base64url") };
}

/** The user that a call without UserName is about: the caller. */
export function callersName(ctx: Context<any>): string | undefined {
  if (ctx.principal.kind === "user") return ctx.principal.name;
  if (ctx.principal.kind === "root") return undefined;
  throw validation("Must specify userName when calling with non-User credentials");
}

/** The user that a call is about: the one that it names, or else the caller; throws NoSuchEntity. */
export const userOf = (ctx: Context<any>, name: string | undefined): Promise<User> =>
  entity<User>(ctx, "user", name ?? callersName(ctx));

/** The user that a call names, or the caller where it names none: for permissions. */
export const callerOr = (input: { UserName?: string | undefined }, ctx: Context<any>): string | undefined =>
  input.UserName ?? (ctx.principal.kind === "user" ? ctx.principal.name : undefined);

/** What a list answers of what lies under a path. */
export const byPath = <T extends { readonly path: string }>(
  all: readonly T[],
  input: { PathPrefix?: string | undefined },
): T[] => all.filter(({ path }) => path.startsWith(input.PathPrefix ?? "/"));

type Tags = Readonly<Record<string, string>>;

/** One page of tags, as all lists of tags answer it. */
export function tagPage(tags: Tags | undefined, input: { Marker?: string | undefined; MaxItems?: number | undefined }) {
  const { items, ...rest } = page(tagList(tags), input);
  return { Tags: items, ...rest };
}

/** The tags after some are set; nothing where there are none. */
export function tagsWith(
  known: Tags | undefined,
  added: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): { tags?: Tags } {
  const given = Object.entries(tagRecord(added));
  const tags = new Map(Object.entries(known ?? {}).map((tag) => [tag[0].toLowerCase(), tag]));
  for (const tag of given) tags.set(tag[0].toLowerCase(), tag);
  if (tags.size > MAX_TAGS) throw limitExceeded("The number of tags has reached the maximum limit.");
  return known || added?.length ? { tags: Object.fromEntries(tags.values()) } : {};
}

/** The tags after some are taken away; keys are the same in any case of their letters. */
export function tagsWithout(known: Tags | undefined, keys: readonly string[] | undefined): Tags {
  const gone = new Set((keys ?? []).map((key) => key.toLowerCase()));
  return Object.fromEntries(Object.entries(known ?? {}).filter(([key]) => !gone.has(key.toLowerCase())));
}

const QUOTAS = {
  user: ["Users", USERS],
  group: ["Groups", GROUPS],
  role: ["Roles", ROLES],
  policy: ["Policies", POLICIES],
  "instance-profile": ["InstanceProfiles", INSTANCE_PROFILES],
} as const;

/** Refuses one more of what the account has its quota of. */
export async function checkQuota(ctx: Context<any>, kind: keyof typeof QUOTAS): Promise<void> {
  const [name, most] = QUOTAS[kind];
  if ((await ctx.globalRecords.count(kind)) >= most)
    throw limitExceeded(`Cannot exceed quota for ${name}PerAccount: ${most}`);
}
