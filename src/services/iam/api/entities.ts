import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import type { KeyUse } from "../../../aws/identity.ts";
import { operations } from "../../../aws/service.ts";
import { alreadyExists, deleteConflict, limitExceeded, noSuchPolicy } from "../errors.ts";
import { GROUPS_PER_USER, TRUST_POLICY_SIZE } from "../limits.ts";
import {
  entityArn,
  nameKey,
  tagList,
  tagRecord,
  type Entity,
  type EntityKind,
  type Group,
  type Role,
  type User,
} from "../model.ts";
import {
  byPath,
  changed,
  changeEntity,
  checkedDocument,
  checkQuota,
  entity,
  notServiceLinked,
  on,
  onAll,
  onBoth,
  page,
  uniqueId,
} from "../store.ts";
import { rememberUses } from "./access-keys.ts";
import { managedPolicy } from "./policies.ts";

export const base = (
  ctx: Context<any>,
  kind: EntityKind,
  input: { Path?: string | undefined; Tags?: any },
  name: string,
): Entity => ({
  name,
  id: uniqueId(ctx, kind),
  path: input.Path ?? "/",
  created: ctx.now(),
  inline: {},
  attached: [],
  ...(input.Tags?.length ? { tags: tagRecord(input.Tags) } : {}),
});

const boundaryView = (boundary: string | undefined) =>
  boundary
    ? { PermissionsBoundary: { PermissionsBoundaryType: "Policy" as never, PermissionsBoundaryArn: boundary } }
    : {};

export const userView = (ctx: Context<any>, user: User) => ({
  Path: user.path,
  UserName: user.name,
  UserId: user.id,
  Arn: entityArn("user", ctx.account, user),
  CreateDate: new Date(user.created),
  ...boundaryView(user.boundary),
  ...(user.tags ? { Tags: tagList(user.tags) } : {}),
});

export const groupView = (ctx: Context<any>, group: Group) => ({
  Path: group.path,
  GroupName: group.name,
  GroupId: group.id,
  Arn: entityArn("group", ctx.account, group),
  CreateDate: new Date(group.created),
});

export const roleView = (ctx: Context<any>, role: Role) => ({
  Path: role.path,
  RoleName: role.name,
  RoleId: role.id,
  Arn: entityArn("role", ctx.account, role),
  CreateDate: new Date(role.created),
  AssumeRolePolicyDocument: encodeURIComponent(role.trust),
  MaxSessionDuration: role.maxSessionDuration,
  ...(role.description === undefined ? {} : { Description: role.description }),
  ...boundaryView(role.boundary),
  ...(role.tags ? { Tags: tagList(role.tags) } : {}),
});

/** An entity as lists have it: AWS's leave out tags and boundaries. */
export function bare<T extends Entity>({ tags: _tags, boundary: _boundary, ...rest }: T): Omit<T, "tags" | "boundary"> {
  return rest;
}

/** A boundary that may be set: its policy must exist. */
export async function checkedBoundary(ctx: Context<any>, boundary: string | undefined): Promise<{ boundary?: string }> {
  if (!boundary) return {};
  if (!(await managedPolicy(ctx, boundary))) throw noSuchPolicy(boundary);
  return { boundary };
}

export async function list<T extends Entity>(
  ctx: Context<any>,
  kind: EntityKind,
  input: { PathPrefix?: string | undefined },
): Promise<T[]> {
  const all = await ctx.globalRecords.list<T>(kind);
  return byPath(
    all.map((stored) => stored.value),
    input,
  );
}

/** Refuses to delete what still holds policies, as IAM does. */
export function mustBeBare(value: Entity): void {
  if (value.attached.length) throw deleteConflict("Cannot delete entity, must detach all policies first.");
  if (Object.keys(value.inline).length) throw deleteConflict("Cannot delete entity, must delete policies first.");
}

export const groups = operations<typeof Iam, any>()({
  CreateGroup: {
    permissions: on("group", "CreateGroup", (i) => i.GroupName),
    async run(ctx, input) {
      const name = String(input.GroupName);
      const group: Group = base(ctx, "group", input, name);
      await checkQuota(ctx, "group");
      if (!(await ctx.globalRecords.create("group", nameKey(name), group)))
        throw alreadyExists(`Group with name ${name} already exists.`);
      return { Group: groupView(ctx, group) };
    },
  },
  GetGroup: {
    permissions: on("group", "GetGroup", (i) => i.GroupName),
    async run(ctx, input) {
      const group = await entity<Group>(ctx, "group", input.GroupName);
      const members = (await list<User>(ctx, "user", {})).filter((user) => user.groups.includes(nameKey(group.name)));
      const { items, ...rest } = page(members, input);
      return { Group: groupView(ctx, group), Users: items.map((user) => userView(ctx, user)), ...rest };
    },
  },
  ListGroups: {
    permissions: onAll("ListGroups"),
    async run(ctx, input) {
      const { items, ...rest } = page(await list<Group>(ctx, "group", input), input);
      return { Groups: items.map((group) => groupView(ctx, group)), ...rest };
    },
  },
  ListGroupsForUser: {
    permissions: on("user", "ListGroupsForUser", (i) => i.UserName),
    async run(ctx, input) {
      const user = await entity<User>(ctx, "user", input.UserName);
      const all = await Promise.all(user.groups.map((name) => entity<Group>(ctx, "group", name)));
      const { items, ...rest } = page(all, input);
      return { Groups: items.map((group) => groupView(ctx, group)), ...rest };
    },
  },
  AddUserToGroup: {
    permissions: on("group", "AddUserToGroup", (i) => i.GroupName),
    async run(ctx, input) {
      const group = nameKey((await entity<Group>(ctx, "group", input.GroupName)).name);
      await changeEntity<User>(ctx, "user", input.UserName, (user) => {
        if (user.groups.includes(group)) return undefined;
        if (user.groups.length >= GROUPS_PER_USER)
          throw limitExceeded(`Cannot exceed quota for GroupsPerUser: ${GROUPS_PER_USER}`);
        return { ...user, groups: [...user.groups, group] };
      });
      return {};
    },
  },
  RemoveUserFromGroup: {
    permissions: on("group", "RemoveUserFromGroup", (i) => i.GroupName),
    async run(ctx, input) {
      const group = nameKey((await entity<Group>(ctx, "group", input.GroupName)).name);
      await changeEntity<User>(ctx, "user", input.UserName, (user) => ({
        ...user,
        groups: user.groups.filter((g) => g !== group),
      }));
      return {};
    },
  },
  UpdateGroup: {
    permissions: onBoth("group", "UpdateGroup", (i) => [i.GroupName, i.NewGroupName]),
    async run(ctx, input) {
      const group = await entity<Group>(ctx, "group", input.GroupName);
      const name = input.NewGroupName ?? group.name;
      const next = { ...group, name, path: input.NewPath ?? group.path };
      const [from, to] = [nameKey(group.name), nameKey(name)];
      if (from === to) await changeEntity<Group>(ctx, "group", group.name, (g) => ({ ...g, name, path: next.path }));
      else {
        const members = (await ctx.globalRecords.list<User>("user")).filter((user) => user.value.groups.includes(from));
        const moved = members.map(({ id, value, rev }) =>
          ctx.globalRecords.put("user", id, { ...value, groups: value.groups.map((g) => (g === from ? to : g)) }, rev),
        );
        const removal = ctx.globalRecords.remove("group", from);
        if (!(await ctx.globalRecords.create("group", to, next, removal, ...moved)))
          throw alreadyExists(`Group with name ${name} already exists.`);
        changed(ctx);
      }
      return {};
    },
  },
  DeleteGroup: {
    permissions: on("group", "DeleteGroup", (i) => i.GroupName),
    async run(ctx, input) {
      const group = await entity<Group>(ctx, "group", input.GroupName);
      mustBeBare(group);
      const users = await list<User>(ctx, "user", {});
      if (users.some((user) => user.groups.includes(nameKey(group.name))))
        throw deleteConflict("Cannot delete entity, must remove users from group first.");
      await ctx.globalRecords.write(ctx.globalRecords.remove("group", nameKey(group.name)));
      changed(ctx);
      return {};
    },
  },
});

/** When a session of the role signed a call last. */
async function lastUse(ctx: Context<any>, role: Role): Promise<Iam.RoleLastUsed> {
  await rememberUses(ctx);
  const use = (await ctx.globalRecords.get<KeyUse>("access-key-use", role.id))?.value;
  return use ? { LastUsedDate: new Date(use.at), Region: use.region } : {};
}

export const roles = operations<typeof Iam, any>()({
  CreateRole: {
    permissions: async (input, ctx) => [
      ...(await on("role", "CreateRole", (i) => i.RoleName)(input, ctx)),
      ...(input.Tags?.length ? await on("role", "TagRole", (i) => i.RoleName)(input, ctx) : []),
    ],
    async run(ctx, input) {
      const name = String(input.RoleName);
      const role: Role = {
        ...base(ctx, "role", input, name),
        trust: checkedDocument(input.AssumeRolePolicyDocument, "trust", TRUST_POLICY_SIZE),
        maxSessionDuration: input.MaxSessionDuration ?? 3600,
        ...(input.Description === undefined ? {} : { description: input.Description }),
        ...(await checkedBoundary(ctx, input.PermissionsBoundary)),
      };
      await checkQuota(ctx, "role");
      if (!(await ctx.globalRecords.create("role", nameKey(name), role)))
        throw alreadyExists(`Role with name ${name} already exists.`);
      changed(ctx);
      // AWS's answer leaves this out here.
      const { MaxSessionDuration: _seconds, ...view } = roleView(ctx, role);
      return { Role: view as Iam.Role };
    },
  },
  GetRole: {
    permissions: on("role", "GetRole", (i) => i.RoleName),
    async run(ctx, input) {
      const role = await entity<Role>(ctx, "role", input.RoleName);
      return { Role: { ...roleView(ctx, role), RoleLastUsed: await lastUse(ctx, role) } as Iam.Role };
    },
  },
  ListRoles: {
    permissions: onAll("ListRoles"),
    async run(ctx, input) {
      const { items, ...rest } = page(await list<Role>(ctx, "role", input), input);
      return { Roles: items.map((role) => roleView(ctx, bare(role)) as Iam.Role), ...rest };
    },
  },
  UpdateRole: {
    permissions: on("role", "UpdateRole", (i) => i.RoleName),
    async run(ctx, input) {
      await changeEntity<Role>(ctx, "role", input.RoleName, (role) => ({
        ...role,
        ...(input.Description === undefined ? {} : { description: input.Description }),
        // Not the former value: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html
        maxSessionDuration: input.MaxSessionDuration ?? 3600,
      }));
      return {};
    },
  },
  UpdateRoleDescription: {
    permissions: on("role", "UpdateRoleDescription", (i) => i.RoleName),
    async run(ctx, input) {
      const role = await changeEntity<Role>(ctx, "role", input.RoleName, (r) => ({
        ...r,
        description: String(input.Description),
      }));
      return { Role: roleView(ctx, role) as Iam.Role };
    },
  },
  UpdateAssumeRolePolicy: {
    permissions: on("role", "UpdateAssumeRolePolicy", (i) => i.RoleName),
    async run(ctx, input) {
      const trust = checkedDocument(input.PolicyDocument, "trust", TRUST_POLICY_SIZE);
      await changeEntity<Role>(ctx, "role", input.RoleName, (role) => ({ ...notServiceLinked(role), trust }));
      return {};
    },
  },
  DeleteRole: {
    permissions: on("role", "DeleteRole", (i) => i.RoleName),
    async run(ctx, input) {
      const role = notServiceLinked(await entity<Role>(ctx, "role", input.RoleName));
      mustBeBare(role);
      const profiles = await ctx.globalRecords.list<{ role?: string }>("instance-profile");
      if (profiles.some((p) => p.value.role && nameKey(p.value.role) === nameKey(role.name)))
        throw deleteConflict("Cannot delete entity, must remove roles from instance profile first.");
      await ctx.globalRecords.write(
        ctx.globalRecords.remove("role", nameKey(role.name)),
        ctx.globalRecords.remove("access-key-use", role.id),
      );
      changed(ctx);
      return {};
    },
  },
});
