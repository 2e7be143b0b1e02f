import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { arn } from "../../kernel/arn.ts";
import { AwsError, notImplemented } from "../../kernel/aws-error.ts";
import { MAX_LEVELS, MAX_NAME } from "./limits.ts";

export type ParameterType = "String" | "StringList" | "SecureString";
export type Tier = "Standard" | "Advanced";

/** A parameter's head: what belongs to it, not to one of its versions. */
export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly tier: Tier;
  readonly latest: number;
  /** Versions before this one were dropped. */
  readonly oldest: number;
  /** Label to version. */
  readonly labels: Readonly<Record<string, number>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** One version of a parameter, which never changes. */
export interface Version {
  readonly version: number;
  readonly type: ParameterType;
  readonly tier: Tier;
  /** Plain, or sealed by the vault where the type is SecureString. */
  readonly value: string;
  readonly dataType: string;
  readonly description?: string;
  readonly allowedPattern?: string;
  readonly policies?: readonly ParameterPolicy[];
  readonly modified: number;
  readonly user: string;
}

/** One of an advanced parameter's policies, as it was given. */
export interface ParameterPolicy {
  readonly type: "Expiration" | "ExpirationNotification" | "NoChangeNotification";
  readonly text: string;
  /** When it does what it is for. */
  readonly due: number;
}

export const VAULT = "ssm-parameter";
export const DEFAULT_KEY = "alias/aws/ssm";

type Place = Pick<Context<any>, "account" | "region">;

export const parameterArn = (place: Place, name: string): string =>
  arn("ssm", place.region, place.account, `parameter/${name.replace(/^\//, "")}`);
/** Names hold no colon, and versions sort by number. */
export const versionId = (name: string, version: number): string => `${name}:${String(version).padStart(10, "0")}`;

export const invalid = (message: string): AwsError => new AwsError("ValidationException", message, 400);
export const notFound = (name: string): AwsError =>
  new AwsError("ParameterNotFound", `Parameter ${name} not found.`, 400);
export const versionNotFound = (name: string, version: number | string): AwsError =>
  new AwsError(
    "ParameterVersionNotFound",
    `Systems Manager could not find version ${version} of ${name}. Verify the version and try again.`,
    400,
  );

/** What a name or an ARN means, with the version or label behind its colon. */
export interface ParsedName {
  readonly name: string;
  /** A name with one level is the same with and without the slash that begins it: this is the other way to write it. */
  readonly otherName?: string;
  /** It was an ARN, which does not say how the name is written. */
  readonly isArn?: boolean;
  readonly selector?: string;
}

export function parseName(given: string | undefined): ParsedName {
  const text = given ?? "";
  const [, inArn] = /^arn:[\w-]+:ssm:[\w-]*:\d*:parameter\/(.*)$/s.exec(text) ?? [];
  // Only names with further slashes must begin with one.
  const full = inArn === undefined ? text : inArn.includes("/") ? `/${inArn}` : inArn;
  const colon = full.indexOf(":");
  const [name, selector] = colon < 0 ? [full, undefined] : [full.slice(0, colon), full.slice(colon + 1)];
  if (/^\/?aws\/(service|reference)\//.test(name)) throw notImplemented(`the public parameter ${name.slice(0, 200)}`);
  return {
    name,
    ...otherWay(name),
    ...(inArn === undefined ? {} : { isArn: true }),
    ...(selector === undefined ? {} : { selector }),
  };
}

const badPath = (): AwsError =>
  invalid(
    `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`,
  );

/** Refuses a name that no parameter can have, where one is asked for. */
export function checkPath({ name }: ParsedName): void {
  if (name.includes("//") || (name.includes("/") && !name.startsWith("/"))) throw badPath();
}

function otherWay(name: string): { otherName?: string } {
  if (!name.startsWith("/")) return { otherName: `/${name}` };
  return name.lastIndexOf("/") === 0 ? { otherName: name.slice(1) } : {};
}

/** Refuses the name of a new parameter in AWS's words. */
export function checkNewName(name: string): void {
  if (!/^[\w./-]+$/.test(name) || name.length > MAX_NAME || name.includes("//") || name.endsWith("/")) {
    throw badPath();
  }
  if (/^\/?aws(\/|$)/i.test(name))
    throw new AwsError("AccessDeniedException", `No access to reserved parameter name: ${name}.`, 400);
  if (/^\/?aws/i.test(name)) throw invalid(`Parameter name: can't be prefixed with "aws" (case-insensitive).`);
  if (/^\/?ssm/i.test(name)) {
    throw badPath();
  }
  if (name.includes("/") && !name.startsWith("/")) throw invalid("Parameter name must be a fully qualified name.");
  if (name.split("/").length - 1 > MAX_LEVELS) {
    throw new AwsError(
      "HierarchyLevelLimitExceededException",
      `A hierarchy can have a maximum of ${MAX_LEVELS} levels.`,
      400,
    );
  }
}

/** The permission for an action on the parameters that `names` finds in the input. */
export const onParameters =
  (action: string, names: (input: any) => readonly (string | undefined)[] = (input) => [input.Name]) =>
  (input: any, ctx: Context<any>): Permission[] =>
    names(input).map((name) => ({ action: `ssm:${action}`, resource: parameterArn(ctx, parseName(name).name) }));

/** The name under which the parameter that is meant was made. */
export async function nameOf(ctx: Context<any>, { name, otherName }: ParsedName): Promise<string> {
  if (otherName === undefined || (await ctx.records.get("parameter", name))) return name;
  return (await ctx.records.get("parameter", otherName)) ? otherName : name;
}

export async function existing(ctx: Context<any>, name: string): Promise<{ value: Parameter; rev: number }> {
  const stored = await ctx.records.get<Parameter>("parameter", name);
  if (!stored) throw notFound(name);
  return stored;
}

/** A version as Get operations show it. */
export function parameterView(
  ctx: Context<any>,
  name: string,
  version: Version,
  options: { decrypt?: boolean | undefined; selector?: string | undefined },
) {
  return {
    Name: name,
    Type: version.type,
    Value: plainValue(ctx, version, options.decrypt),
    Version: version.version,
    ...(options.selector === undefined ? {} : { Selector: `:${options.selector}` }),
    LastModifiedDate: new Date(version.modified),
    ARN: parameterArn(ctx, name),
    DataType: version.dataType,
  };
}

export function plainValue(ctx: Context<any>, version: Version, decrypt: boolean | undefined): string {
  if (version.type !== "SecureString" || !decrypt) return version.value;
  const open = ctx.platform.vault.open(VAULT, version.value);
  if (open === undefined)
    throw new AwsError(
      "InvalidKeyId",
      "The parameter cannot be decrypted: it was encrypted by another installation's key.",
      400,
    );
  return open;
}
