import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations, passRole, type Permission } from "../../../aws/service.ts";
import { arn } from "../../../kernel/arn.ts";
import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity } from "../errors.ts";
import { entityArn, nameKey, tagList, tagRecord, type Role } from "../model.ts";
import { checkQuota, entity, onAll, page, tagPage, tagsWith, tagsWithout } from "../store.ts";
import { roleView } from "./entities.ts";

interface InstanceProfile {
  readonly name: string;
  readonly id: string;
  readonly path: string;
  readonly created: number;
  /** Name of its role: a profile has one at most. */
  readonly role?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

const profileArn = (ctx: Context<any>, profile: { path: string; name: string }): string =>
  arn("iam", "", ctx.account, `instance-profile${profile.path}${profile.name}`);

const on =
  (action: string) =>
  async (input: any, ctx: Context<any>): Promise<Permission[]> => {
    const name = String(input.InstanceProfileName);
    const stored = await ctx.globalRecords.get<InstanceProfile>("instance-profile", nameKey(name));
    const where = stored?.value ?? { path: String(input.Path ?? "/"), name };
    return [{ action: `iam:${action}`, resource: profileArn(ctx, where) }];
  };

async function existing(ctx: Context<any>, name: string | undefined): Promise<InstanceProfile> {
  const stored = await ctx.globalRecords.get<InstanceProfile>("instance-profile", nameKey(String(name)));
  if (!stored) throw noSuchEntity(`Instance Profile ${name} cannot be found.`);
  return stored.value;
}

async function change(
  ctx: Context<any>,
  name: string | undefined,
  make: (profile: InstanceProfile) => InstanceProfile,
): Promise<void> {
  if (!(await ctx.globalRecords.update<InstanceProfile>("instance-profile", nameKey(String(name)), make)))
    throw noSuchEntity(`Instance Profile ${name} cannot be found.`);
}

async function view(ctx: Context<any>, profile: InstanceProfile) {
  const role = profile.role && (await ctx.globalRecords.get<Role>("role", nameKey(profile.role)))?.value;
  return {
    Path: profile.path,
    InstanceProfileName: profile.name,
    InstanceProfileId: profile.id,
    Arn: profileArn(ctx, profile),
    CreateDate: new Date(profile.created),
    Roles: role ? [roleView(ctx, role)] : [],
    ...(profile.tags ? { Tags: tagList(profile.tags) } : {}),
  };
}

/** The profiles that hold a role. */
export async function instanceProfilesOf(ctx: Context<any>, role: string) {
  const stored = await ctx.globalRecords.list<InstanceProfile>("instance-profile");
  const holding = stored.map((s) => s.value).filter((p) => p.role && nameKey(p.role) === nameKey(role));
  return Promise.all(holding.map((p) => view(ctx, p)));
}

/** Containers of a role for an instance. No instance runs here: templates and tools that make them work all the same. */
export const instanceProfiles = operations<typeof Iam, any>()({
  CreateInstanceProfile: {
    permissions: on("CreateInstanceProfile"),
    async run(ctx, input) {
      const name = String(input.InstanceProfileName);
      const profile: InstanceProfile = {
        name,
        id: `AIPA${ctx.platform.ids.text(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")}`,
        path: input.Path ?? "/",
        created: ctx.now(),
        ...(input.Tags?.length ? { tags: tagRecord(input.Tags) } : {}),
      };
      await checkQuota(ctx, "instance-profile");
      if (!(await ctx.globalRecords.create("instance-profile", nameKey(name), profile)))
        throw alreadyExists(`Instance Profile ${name} already exists.`);
      return { InstanceProfile: await view(ctx, profile) };
    },
  },
  GetInstanceProfile: {
    permissions: on("GetInstanceProfile"),
    run: async (ctx, input) => ({ InstanceProfile: await view(ctx, await existing(ctx, input.InstanceProfileName)) }),
  },
  DeleteInstanceProfile: {
    permissions: on("DeleteInstanceProfile"),
    async run(ctx, input) {
      const profile = await existing(ctx, input.InstanceProfileName);
      if (profile.role) throw deleteConflict("Cannot delete entity, must remove roles from instance profile first.");
      await ctx.globalRecords.write(ctx.globalRecords.remove("instance-profile", nameKey(profile.name)));
      return {};
    },
  },
  AddRoleToInstanceProfile: {
    permissions: async (input, ctx) => {
      const role = (await ctx.globalRecords.get<Role>("role", nameKey(String(input.RoleName))))?.value;
      const handed = role ? passRole(entityArn("role", ctx.account, role), "ec2.amazonaws.com") : [];
      return [...(await on("AddRoleToInstanceProfile")(input, ctx)), ...handed];
    },
    async run(ctx, input) {
      await existing(ctx, input.InstanceProfileName);
      const { name: role } = await entity<Role>(ctx, "role", input.RoleName);
      await change(ctx, input.InstanceProfileName, (profile) => {
        if (profile.role) throw limitExceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
        return { ...profile, role };
      });
      return {};
    },
  },
  RemoveRoleFromInstanceProfile: {
    permissions: on("RemoveRoleFromInstanceProfile"),
    async run(ctx, input) {
      await change(ctx, input.InstanceProfileName, ({ role, ...profile }) => {
        if (!role || nameKey(role) !== nameKey(String(input.RoleName)))
          throw noSuchEntity(`Role ${input.RoleName} in Instance Profile ${profile.name} cannot be found.`);
        return profile;
      });
      return {};
    },
  },
  ListInstanceProfiles: {
    permissions: onAll("ListInstanceProfiles"),
    async run(ctx, input) {
      const stored = await ctx.globalRecords.list<InstanceProfile>("instance-profile");
      const found = stored.map((s) => s.value).filter((p) => p.path.startsWith(input.PathPrefix ?? "/"));
      const { items, ...rest } = page(found, input);
      return { InstanceProfiles: await Promise.all(items.map((p) => view(ctx, p))), ...rest };
    },
  },
  ListInstanceProfilesForRole: {
    permissions: (input, ctx) => [
      {
        action: "iam:ListInstanceProfilesForRole",
        resource: entityArn("role", ctx.account, { path: "/", name: String(input.RoleName) }),
      },
    ],
    async run(ctx, input) {
      const { name } = await entity<Role>(ctx, "role", input.RoleName);
      const { items, ...rest } = page(await instanceProfilesOf(ctx, name), input);
      return { InstanceProfiles: items, ...rest };
    },
  },
  TagInstanceProfile: {
    permissions: on("TagInstanceProfile"),
    async run(ctx, input) {
      await change(ctx, input.InstanceProfileName, (p) => ({ ...p, ...tagsWith(p.tags, input.Tags) }));
      return {};
    },
  },
  UntagInstanceProfile: {
    permissions: on("UntagInstanceProfile"),
    async run(ctx, input) {
      await change(ctx, input.InstanceProfileName, (p) => ({ ...p, tags: tagsWithout(p.tags, input.TagKeys) }));
      return {};
    },
  },
  ListInstanceProfileTags: {
    permissions: on("ListInstanceProfileTags"),
    run: async (ctx, input) => tagPage((await existing(ctx, input.InstanceProfileName)).tags, input),
  },
});
