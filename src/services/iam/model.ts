import { arn } from "../../kernel/arn.ts";
import { invalidInput } from "./errors.ts";
import type { Login } from "./password.ts";

/** What users, groups and roles have in common: who they are and which policies they hold. */
export interface Entity {
  readonly name: string;
  /** `AIDA...`, `AGPA...`, `AROA...`. */
  readonly id: string;
  readonly path: string;
  readonly created: number;
  /** Inline policies: name to document (JSON as it was given). */
  readonly inline: Readonly<Record<string, string>>;
  /** ARNs of attached managed policies. */
  readonly attached: readonly string[];
  readonly boundary?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface User extends Entity {
  readonly groups: readonly string[];
  readonly login?: Login;
}

export type Group = Entity;

export interface Role extends Entity {
  /** The trust policy. */
  readonly trust: string;
  readonly description?: string;
  /** Seconds. */
  readonly maxSessionDuration: number;
}

export interface ManagedPolicy {
  readonly name: string;
  readonly id: string;
  readonly path: string;
  readonly arn: string;
  readonly description?: string;
  readonly created: number;
  readonly updated: number;
  readonly defaultVersion: string;
  readonly versions: readonly { readonly id: string; readonly document: string; readonly created: number }[];
  readonly nextVersion: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface AccessKey {
  readonly id: string;
  /** Name of the user, or `root`. */
  readonly user: string;
  readonly active: boolean;
  readonly created: number;
  /** Sealed by the vault for the purpose `access-key`. */
  readonly sealedSecret: string;
}

export interface ServiceCredential {
  readonly id: string;
  readonly user: string;
  readonly service: string;
  /** `<user>-at-<account>`. */
  readonly userName: string;
  readonly sealedPassword: string;
  readonly active: boolean;
  readonly created: number;
}

export type EntityKind = "user" | "group" | "role";

export const ROOT_USER = "root";
/** What secret keys and passwords that IAM makes are made of. */
export const SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function entityArn(
  kind: EntityKind | "policy",
  account: string,
  entity: { path: string; name: string },
): string {
  return arn("iam", "", account, `${kind}${entity.path}${entity.name}`);
}

/** IAM compares names without regard to case; they are kept by their lower-case form. */
export const nameKey = (name: string): string => name.toLowerCase();

/** The name of a role in its ARN, without the path. */
export function roleNameOf(roleArn: string): string | undefined {
  return /^arn:aws[\w-]*:iam::\d{12}:role\/(?:[\x21-\x7e]*\/)?([\w+=,.@-]+)$/.exec(roleArn)?.[1];
}

/** How IAM calls a credential that counts, or does not. */
export const statusOf = (active: boolean): "Active" | "Inactive" => (active ? "Active" : "Inactive");

export const tagList = (tags: Readonly<Record<string, string>> | undefined): { Key: string; Value: string }[] =>
  Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));

/** Tags as they are kept; keys that differ in case alone are the same to IAM. */
export function tagRecord(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Record<string, string> {
  const keys = (tags ?? []).map((tag) => String(tag.Key).toLowerCase());
  if (new Set(keys).size !== keys.length)
    throw invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""]));
}
