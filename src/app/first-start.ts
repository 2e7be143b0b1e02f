import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createContext, type Context } from "../aws/context.ts";
import type { Platform } from "../aws/platform.ts";
import type { Registry } from "../aws/registry.ts";
import { codeOf } from "../kernel/aws-error.ts";
import type { Config } from "./config.ts";

/** The keys of the first administrator, as `starling env` prints them. */
export interface AdminCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const ADMIN_USER = "admin";
const FILE = "admin-credentials.json";

/** The administrator of the first start: an IAM user with a key of its own, so that nobody works as root. */
export async function ensureAdministrator(
  platform: Platform,
  registry: Registry,
  config: Config,
): Promise<AdminCredentials> {
  const file = join(platform.settings.data, FILE);
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as AdminCredentials;
  const ctx = rootContext(platform, registry);
  await makeUser(ctx);
  const credentials = config.accessKeyId && config.secretAccessKey ? await givenKey(ctx, config) : await newKey(ctx);
  writeFileSync(`${file}.new`, JSON.stringify(credentials), { mode: 0o600, flush: true });
  chmodSync(`${file}.new`, 0o600);
  renameSync(`${file}.new`, file);
  return credentials;
}

/** Makes the administrator anew with the keys that it had before everything was removed. */
export async function restoreAdministrator(platform: Platform, registry: Registry, config: Config): Promise<void> {
  const file = join(platform.settings.data, FILE);
  const keys = JSON.parse(readFileSync(file, "utf8")) as AdminCredentials;
  const ctx = rootContext(platform, registry);
  await makeUser(ctx);
  await givenKey(ctx, { ...config, ...keys });
}

/** The account's root user, for what the platform itself sets up. */
export function rootContext(platform: Platform, registry: Registry): Context<any> {
  const { account, region } = platform.settings;
  const principal = { kind: "root", account, arn: `arn:aws:iam::${account}:root`, id: account } as const;
  return createContext(platform, registry, { service: "iam", account, region, principal });
}

async function makeUser(ctx: Context<any>): Promise<void> {
  await ctx.call("iam", "CreateUser", { UserName: ADMIN_USER }).catch((error: unknown) => {
    if (codeOf(error) !== "EntityAlreadyExists") throw error;
  });
  await ctx.call("iam", "AttachUserPolicy", {
    UserName: ADMIN_USER,
    PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess",
  });
}

async function newKey(ctx: Context<any>): Promise<AdminCredentials> {
  const { AccessKeyMetadata = [] } = await ctx.call("iam", "ListAccessKeys", { UserName: ADMIN_USER });
  // Killed between making the key and writing it down: nobody knows that key's secret.
  for (const key of AccessKeyMetadata)
    await ctx.call("iam", "DeleteAccessKey", { UserName: ADMIN_USER, AccessKeyId: key.AccessKeyId });
  const { AccessKey } = await ctx.call("iam", "CreateAccessKey", { UserName: ADMIN_USER });
  return { accessKeyId: String(AccessKey?.AccessKeyId), secretAccessKey: String(AccessKey?.SecretAccessKey) };
}

async function givenKey(ctx: Context<any>, config: Config): Promise<AdminCredentials> {
  const { accessKeyId, secretAccessKey } = config;
  const sealedSecret = ctx.platform.vault.seal("access-key", secretAccessKey);
  const key = { id: accessKeyId, user: ADMIN_USER, active: true, created: ctx.now(), sealedSecret };
  await ctx.globalRecords.write(ctx.globalRecords.put("access-key", accessKeyId, key));
  return { accessKeyId, secretAccessKey };
}
