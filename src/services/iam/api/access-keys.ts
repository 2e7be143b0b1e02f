import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import type { KeyUse } from "../../../aws/identity.ts";
import { operations } from "../../../aws/service.ts";
import { UPPER_ALPHANUMERIC } from "../../../kernel/ids.ts";
import { limitExceeded, noSuchEntity } from "../errors.ts";
import { ACCESS_KEYS_PER_USER } from "../limits.ts";
import { ROOT_USER, SECRET_ALPHABET, statusOf, type AccessKey, type User } from "../model.ts";
import { callerOr, callersName, changed, entity, on, onAll, page } from "../store.ts";

/** The user an access-key call is about: named, or the caller; the account's root where root calls. */
async function owner(ctx: Context<any>, input: { UserName?: string | undefined }): Promise<string> {
  const name = input.UserName ?? callersName(ctx);
  return name ? (await entity<User>(ctx, "user", name)).name : ROOT_USER;
}

async function keysOf(ctx: Context<any>, user: string): Promise<AccessKey[]> {
  const all = await ctx.globalRecords.list<AccessKey>("access-key");
  return all.map((stored) => stored.value).filter((key) => key.user === user);
}

async function keyOf(
  ctx: Context<any>,
  input: { UserName?: string | undefined; AccessKeyId?: string | undefined },
): Promise<AccessKey> {
  const user = await owner(ctx, input);
  const key = (await ctx.globalRecords.get<AccessKey>("access-key", String(input.AccessKeyId)))?.value;
  if (!key || key.user !== user) throw noSuchEntity(`The Access Key with id ${input.AccessKeyId} cannot be found.`);
  return key;
}

/** Writes down when keys were used last. */
export async function rememberUses(ctx: Context<any>): Promise<void> {
  const uses = ctx.platform.identity.takeUses();
  if (uses.length === 0) return;
  await ctx.globalRecords.write(...uses.map(([id, use]) => ctx.globalRecords.put("access-key-use", id, use)));
}

/** The one answer that shows a key's secret. */
const newKeyView = (key: AccessKey, secret: string | undefined) => ({
  UserName: key.user,
  AccessKeyId: key.id,
  Status: statusOf(key.active),
  SecretAccessKey: secret,
  CreateDate: new Date(key.created),
});

export const accessKeys = operations<typeof Iam, any>()({
  CreateAccessKey: {
    permissions: on("user", "CreateAccessKey", callerOr),
    async run(ctx, input) {
      const user = await owner(ctx, input);
      const id = `AKIA${ctx.ids.text(16, UPPER_ALPHANUMERIC)}`;
      const made = ctx.once ? (await ctx.globalRecords.get<AccessKey>("access-key", id))?.value : undefined;
      if (made?.user === user)
        return { AccessKey: newKeyView(made, ctx.platform.vault.open("access-key", made.sealedSecret)) };
      if ((await keysOf(ctx, user)).length >= ACCESS_KEYS_PER_USER)
        throw limitExceeded(`Cannot exceed quota for AccessKeysPerUser: ${ACCESS_KEYS_PER_USER}`);
      const secret = ctx.platform.ids.text(40, SECRET_ALPHABET);
      const key: AccessKey = {
        id,
        user,
        active: true,
        created: ctx.now(),
        sealedSecret: ctx.platform.vault.seal("access-key", secret),
      };
      await ctx.globalRecords.create("access-key", id, key);
      changed(ctx);
      return { AccessKey: newKeyView(key, secret) };
    },
  },
  ListAccessKeys: {
    permissions: on("user", "ListAccessKeys", callerOr),
    async run(ctx, input) {
      const user = await owner(ctx, input);
      const { items, ...rest } = page(await keysOf(ctx, user), input);
      return {
        AccessKeyMetadata: items.map((key) => ({
          UserName: user,
          AccessKeyId: key.id,
          Status: statusOf(key.active),
          CreateDate: new Date(key.created),
        })),
        ...rest,
      };
    },
  },
  UpdateAccessKey: {
    permissions: on("user", "UpdateAccessKey", callerOr),
    async run(ctx, input) {
      const key = await keyOf(ctx, input);
      await ctx.globalRecords.update<AccessKey>("access-key", key.id, (k) => ({
        ...k,
        active: input.Status === "Active",
      }));
      changed(ctx);
      return {};
    },
  },
  GetAccessKeyLastUsed: {
    permissions: onAll("GetAccessKeyLastUsed"),
    async run(ctx, input) {
      const id = String(input.AccessKeyId);
      const key = (await ctx.globalRecords.get<AccessKey>("access-key", id))?.value;
      if (!key) throw noSuchEntity(`The Access Key with id ${id} cannot be found.`);
      await rememberUses(ctx);
      const use = (await ctx.globalRecords.get<KeyUse>("access-key-use", id))?.value;
      return {
        UserName: key.user,
        AccessKeyLastUsed: {
          ...(use ? { LastUsedDate: new Date(use.at) } : {}),
          ServiceName: use?.service ?? "N/A",
          Region: use?.region ?? "N/A",
        } as Iam.AccessKeyLastUsed,
      };
    },
  },
  DeleteAccessKey: {
    permissions: on("user", "DeleteAccessKey", callerOr),
    async run(ctx, input) {
      const key = await keyOf(ctx, input);
      await ctx.globalRecords.write(
        ctx.globalRecords.remove("access-key", key.id),
        ctx.globalRecords.remove("access-key-use", key.id),
      );
      changed(ctx);
      return {};
    },
  },
});
