import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import type { KeyUse } from "../../../aws/identity.ts";
import { operations } from "../../../aws/service.ts";
import { UPPER_ALPHANUMERIC } from "../../../kernel/ids.ts";
import { limitExceeded, noSuchEntity } from "../errors.ts";
import { ACCESS_KEYS_PER_USER, SERVICE_CREDENTIALS_PER_USER } from "../limits.ts";
import { ROOT_USER, type AccessKey, type ServiceCredential, type User } from "../model.ts";
import { callersName, changed, entity, on, onAll, page, required } from "../store.ts";

const SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const callerOr = (input: { UserName?: string | undefined }, ctx: Context<any>) =>
  input.UserName ?? (ctx.principal.kind === "user" ? ctx.principal.name : undefined);

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

const status = (active: boolean): Iam.StatusType => (active ? "Active" : "Inactive");

/** The one answer that shows a key's secret. */
const newKeyView = (key: AccessKey, secret: string | undefined) => ({
  UserName: key.user,
  AccessKeyId: key.id,
  Status: status(key.active),
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
          Status: status(key.active),
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

const credentialView = (c: ServiceCredential) => ({
  UserName: c.user,
  ServiceName: c.service,
  ServiceUserName: c.userName,
  ServiceSpecificCredentialId: c.id,
  Status: status(c.active),
  CreateDate: new Date(c.created),
});

async function credentialOf(
  ctx: Context<any>,
  input: { UserName?: string | undefined; ServiceSpecificCredentialId?: string | undefined },
) {
  const user = await owner(ctx, input);
  const found = (
    await ctx.globalRecords.get<ServiceCredential>("service-credential", String(input.ServiceSpecificCredentialId))
  )?.value;
  if (!found || found.user !== user)
    throw noSuchEntity(`No such credential ${input.ServiceSpecificCredentialId} exists`);
  return found;
}

/** User name and password for git over HTTPS with CodeCommit. */
export const serviceCredentials = operations<typeof Iam, any>()({
  CreateServiceSpecificCredential: {
    permissions: on("user", "CreateServiceSpecificCredential", callerOr),
    async run(ctx, input) {
      const user = await owner(ctx, { UserName: required(input.UserName, "userName") });
      if (input.ServiceName !== "codecommit.amazonaws.com") {
        throw noSuchEntity(`No such service ${input.ServiceName} is supported for Service Specific Credentials`);
      }
      const all = (await ctx.globalRecords.list<ServiceCredential>("service-credential")).map((s) => s.value);
      const held = all.filter((c) => c.user === user).length;
      if (held >= SERVICE_CREDENTIALS_PER_USER)
        throw limitExceeded(
          `Cannot exceed quota for ServiceSpecificCredentialsPerUser: ${SERVICE_CREDENTIALS_PER_USER}`,
        );
      const password = `${ctx.platform.ids.text(43, SECRET_ALPHABET)}=`;
      const suffix = all.some((c) => c.userName === `${user}-at-${ctx.account}`) ? `+${held}` : "";
      const credential: ServiceCredential = {
        id: `ACCA${ctx.platform.ids.text(17, UPPER_ALPHANUMERIC)}`,
        user,
        service: input.ServiceName,
        userName: `${user}${suffix}-at-${ctx.account}`,
        sealedPassword: ctx.platform.vault.seal("service-credential", password),
        active: true,
        created: ctx.now(),
      };
      await ctx.globalRecords.create("service-credential", credential.id, credential);
      return { ServiceSpecificCredential: { ...credentialView(credential), ServicePassword: password } };
    },
  },
  ListServiceSpecificCredentials: {
    permissions: on("user", "ListServiceSpecificCredentials", callerOr),
    async run(ctx, input) {
      const user = await owner(ctx, input);
      const all = (await ctx.globalRecords.list<ServiceCredential>("service-credential")).map((s) => s.value);
      const own = all.filter((c) => c.user === user && (!input.ServiceName || c.service === input.ServiceName));
      return { ServiceSpecificCredentials: own.map(credentialView) };
    },
  },
  UpdateServiceSpecificCredential: {
    permissions: on("user", "UpdateServiceSpecificCredential", callerOr),
    async run(ctx, input) {
      const { id } = await credentialOf(ctx, input);
      await ctx.globalRecords.update<ServiceCredential>("service-credential", id, (c) => ({
        ...c,
        active: input.Status === "Active",
      }));
      return {};
    },
  },
  DeleteServiceSpecificCredential: {
    permissions: on("user", "DeleteServiceSpecificCredential", callerOr),
    async run(ctx, input) {
      const { id } = await credentialOf(ctx, input);
      await ctx.globalRecords.write(ctx.globalRecords.remove("service-credential", id));
      return {};
    },
  },
});

export const account = operations<typeof Iam, any>()({
  CreateAccountAlias: {
    permissions: onAll("CreateAccountAlias"),
    async run(ctx, input) {
      // An account has one alias: another takes its place.
      await ctx.globalRecords.write(ctx.globalRecords.put("account", "alias", { alias: String(input.AccountAlias) }));
      return {};
    },
  },
  DeleteAccountAlias: {
    permissions: onAll("DeleteAccountAlias"),
    async run(ctx, input) {
      const stored = await ctx.globalRecords.get<{ alias: string }>("account", "alias");
      if (stored?.value.alias !== input.AccountAlias)
        throw noSuchEntity(`The account alias ${input.AccountAlias} cannot be found.`);
      await ctx.globalRecords.write(ctx.globalRecords.remove("account", "alias"));
      return {};
    },
  },
  ListAccountAliases: {
    permissions: onAll("ListAccountAliases"),
    async run(ctx) {
      const stored = await ctx.globalRecords.get<{ alias: string }>("account", "alias");
      return { AccountAliases: stored ? [stored.value.alias] : [], IsTruncated: false };
    },
  },
  GetAccountSummary: {
    permissions: onAll("GetAccountSummary"),
    async run(ctx) {
      const count = (kind: string) => ctx.globalRecords.count(kind);
      return {
        SummaryMap: {
          Users: await count("user"),
          Groups: await count("group"),
          Roles: await count("role"),
          Policies: await count("policy"),
          AccessKeysPerUserQuota: ACCESS_KEYS_PER_USER,
        } as Record<string, number>,
      };
    },
  },
});
