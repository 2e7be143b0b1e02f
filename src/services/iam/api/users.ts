import type * as Iam from "@aws-sdk/client-iam";
import { operations } from "../../../aws/service.ts";
import { alreadyExists, deleteConflict } from "../errors.ts";
import { MFA_DEVICE } from "../mfa.ts";
import { nameKey, type User } from "../model.ts";
import { callerOr, callersName, changed, changeEntity, checkQuota, entity, on, onAll, onBoth, page } from "../store.ts";
import { bare, base, checkedBoundary, list, mustBeBare, userView } from "./entities.ts";
import { SIGNING_CERTIFICATE } from "./signing-certificates.ts";
import { SSH_KEY } from "./ssh-public-keys.ts";

/** Kinds of records that name their user; the others have the user's id, which no change of the name touches. */
const NAMED = ["access-key", "service-credential"];

interface Belonging {
  readonly kind: string;
  readonly isOf: (value: { user?: string; owner?: string }, user: User) => boolean;
  readonly message: string;
}

const byName: Belonging["isOf"] = (value, user) => value.user === user.name;
const byId: Belonging["isOf"] = (value, user) => value.owner === user.id;
const referenced = "Cannot delete entity, must remove referenced objects first.";

/** What keeps a user from being deleted. */
const BELONGINGS: readonly Belonging[] = [
  { kind: "access-key", isOf: byName, message: "Cannot delete entity, must delete access keys first." },
  { kind: MFA_DEVICE, isOf: byId, message: "Cannot delete entity, must delete MFA device first." },
  { kind: SIGNING_CERTIFICATE, isOf: byId, message: "Cannot delete entity, must delete signing certificate first." },
  { kind: SSH_KEY, isOf: byId, message: referenced },
  { kind: "service-credential", isOf: byName, message: referenced },
];

export const users = operations<typeof Iam, any>()({
  CreateUser: {
    permissions: async (input, ctx) => [
      ...(await on("user", "CreateUser", (i) => i.UserName)(input, ctx)),
      ...(input.Tags?.length ? await on("user", "TagUser", (i) => i.UserName)(input, ctx) : []),
    ],
    async run(ctx, input) {
      const name = String(input.UserName);
      const user: User = {
        ...base(ctx, "user", input, name),
        groups: [],
        ...(await checkedBoundary(ctx, input.PermissionsBoundary)),
      };
      await checkQuota(ctx, "user");
      if (!(await ctx.globalRecords.create("user", nameKey(name), user)))
        throw alreadyExists(`User with name ${name} already exists.`);
      return { User: userView(ctx, user) };
    },
  },
  GetUser: {
    permissions: on("user", "GetUser", callerOr),
    async run(ctx, input) {
      const name = input.UserName ?? callersName(ctx);
      if (name) return { User: userView(ctx, await entity<User>(ctx, "user", name)) };
      const { account } = ctx;
      return {
        User: {
          Path: "/",
          UserName: "root",
          UserId: account,
          Arn: `arn:aws:iam::${account}:root`,
          CreateDate: new Date(0),
        },
      };
    },
  },
  ListUsers: {
    permissions: onAll("ListUsers"),
    async run(ctx, input) {
      const { items, ...rest } = page(await list<User>(ctx, "user", input), input);
      return { Users: items.map((user) => userView(ctx, bare(user))), ...rest };
    },
  },
  UpdateUser: {
    permissions: onBoth("user", "UpdateUser", (i) => [i.UserName, i.NewUserName]),
    async run(ctx, input) {
      const user = await entity<User>(ctx, "user", input.UserName);
      const name = input.NewUserName ?? user.name;
      const next = { ...user, name, path: input.NewPath ?? user.path };
      if (nameKey(name) === nameKey(user.name))
        await changeEntity<User>(ctx, "user", user.name, (u) => ({ ...u, name, path: next.path }));
      else {
        const removal = ctx.globalRecords.remove("user", nameKey(user.name));
        const moved = (
          await Promise.all(
            NAMED.map(async (kind) =>
              (await ctx.globalRecords.list<{ user: string }>(kind))
                .filter(({ value }) => value.user === user.name)
                .map(({ id, value }) => ctx.globalRecords.put(kind, id, { ...value, user: name })),
            ),
          )
        ).flat();
        if (!(await ctx.globalRecords.create("user", nameKey(name), next, removal, ...moved)))
          throw alreadyExists(`User with name ${name} already exists.`);
        changed(ctx);
      }
      return {};
    },
  },
  DeleteUser: {
    permissions: on("user", "DeleteUser", (i) => i.UserName),
    async run(ctx, input) {
      const user = await entity<User>(ctx, "user", input.UserName);
      mustBeBare(user);
      if (user.groups.length) throw deleteConflict("Cannot delete entity, must remove users from group first.");
      if (user.login) throw deleteConflict("Cannot delete entity, must delete login profile first.");
      for (const { kind, isOf, message } of BELONGINGS) {
        const stored = await ctx.globalRecords.list<any>(kind);
        if (stored.some(({ value }) => isOf(value, user))) throw deleteConflict(message);
      }
      await ctx.globalRecords.write(ctx.globalRecords.remove("user", nameKey(user.name)));
      changed(ctx);
      return {};
    },
  },
});
