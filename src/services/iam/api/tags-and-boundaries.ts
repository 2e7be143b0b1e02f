import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import type { Entity } from "../model.ts";
import { changeEntity, entity, on, tagPage, tagsWith, tagsWithout } from "../store.ts";
import { checkedBoundary } from "./entities.ts";

const tagsOf = (kind: "user" | "role", name: (i: any) => string | undefined) => ({
  tag: async (ctx: Context<any>, input: any): Promise<object> => {
    await changeEntity<Entity>(ctx, kind, name(input), (value) => ({ ...value, ...tagsWith(value.tags, input.Tags) }));
    return {};
  },
  untag: async (ctx: Context<any>, input: any): Promise<object> => {
    await changeEntity<Entity>(ctx, kind, name(input), (value) => ({
      ...value,
      tags: tagsWithout(value.tags, input.TagKeys),
    }));
    return {};
  },
  listTags: async (ctx: Context<any>, input: any) =>
    tagPage((await entity<Entity>(ctx, kind, name(input))).tags, input),
  putBoundary: async (ctx: Context<any>, input: any): Promise<object> => {
    const boundary = await checkedBoundary(ctx, input.PermissionsBoundary);
    await changeEntity<Entity>(ctx, kind, name(input), (value) => ({ ...value, ...boundary }));
    return {};
  },
  deleteBoundary: async (ctx: Context<any>, input: any): Promise<object> => {
    await changeEntity<Entity>(ctx, kind, name(input), ({ boundary: _gone, ...value }) => value);
    return {};
  },
});

const role = tagsOf("role", (i) => i.RoleName);
const user = tagsOf("user", (i) => i.UserName);

export const tagsAndBoundaries = operations<typeof Iam, any>()({
  TagRole: { permissions: on("role", "TagRole", (i) => i.RoleName), run: role.tag },
  UntagRole: { permissions: on("role", "UntagRole", (i) => i.RoleName), run: role.untag },
  ListRoleTags: { permissions: on("role", "ListRoleTags", (i) => i.RoleName), run: role.listTags },
  PutRolePermissionsBoundary: {
    permissions: on("role", "PutRolePermissionsBoundary", (i) => i.RoleName),
    run: role.putBoundary,
  },
  DeleteRolePermissionsBoundary: {
    permissions: on("role", "DeleteRolePermissionsBoundary", (i) => i.RoleName),
    run: role.deleteBoundary,
  },
  TagUser: { permissions: on("user", "TagUser", (i) => i.UserName), run: user.tag },
  UntagUser: { permissions: on("user", "UntagUser", (i) => i.UserName), run: user.untag },
  ListUserTags: { permissions: on("user", "ListUserTags", (i) => i.UserName), run: user.listTags },
  PutUserPermissionsBoundary: {
    permissions: on("user", "PutUserPermissionsBoundary", (i) => i.UserName),
    run: user.putBoundary,
  },
  DeleteUserPermissionsBoundary: {
    permissions: on("user", "DeleteUserPermissionsBoundary", (i) => i.UserName),
    run: user.deleteBoundary,
  },
});
