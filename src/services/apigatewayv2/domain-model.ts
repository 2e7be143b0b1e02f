import type { Context } from "../../aws/context.ts";
import { isIP } from "node:net";
import { AwsError } from "../../kernel/aws-error.ts";
import { isAwsName } from "../../kernel/aws-zones.ts";
import { badRequest } from "./model.ts";

/** A name of the user's own that leads to stages of APIs, REST and HTTP alike. */
export interface DomainName {
  readonly name: string;
  /** What the platform calls it: `d-<id>.execute-api.<host>`. */
  readonly targetId: string;
  readonly endpointType: string;
  readonly certificateArn?: string;
  readonly certificateName?: string;
  readonly securityPolicy: string;
  readonly created: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Which stage the paths under `key` of a domain name lead to. */
export interface Mapping {
  readonly id: string;
  readonly domain: string;
  /** Without slashes at its ends; empty is the whole name. */
  readonly key: string;
  readonly apiId: string;
  /** Empty where the path's next part names it (base path mappings of REST APIs may leave it out). */
  readonly stage: string;
}

/** Whose a domain name is: there is each only once. */
export interface DomainClaim {
  readonly account: string;
  readonly region: string;
  readonly name: string;
}

/** The service of REST APIs shows domain names too. */
export const REST_APIS = ["apigateway.amazonaws.com"];

export const noDomain = (): AwsError =>
  new AwsError("NotFoundException", "Invalid domain name identifier specified", 404, {
    ResourceType: "DomainName",
  });

export async function domainOf(ctx: Context<any>, name: string | undefined): Promise<DomainName> {
  const stored = await ctx.records.get<DomainName>("domain", String(name));
  if (!stored) throw noDomain();
  return stored.value;
}

/** All mappings of a domain name, by their key. */
export async function mappingsOf(ctx: Context<any>, domain: string): Promise<Mapping[]> {
  return (await ctx.records.list<Mapping>("mapping", { prefix: `${domain}/` })).map((s) => s.value);
}

export const mappingRecord = (domain: string, key: string): string => `${domain}/${key}`;

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const NAME = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`, "i");

const REGION = /^[a-z]{2}(-[a-z]+)+-\d+$/;

/** Refuses names that are none, and those that the platform itself answers to. */
export function checkDomainName(ctx: Context<any>, given: string): void {
  const name = given.toLowerCase();
  if (name.length > 253 || !NAME.test(name) || isIP(name) !== 0 || isAwsName(name))
    throw badRequest(`The domain name ${name.slice(0, 253)} is not a valid domain name`);
  const { hostname } = new URL(ctx.platform.settings.publicUrl);
  const own = ["localhost", hostname].find((zone) => name === zone || name.endsWith(`.${zone}`));
  if (own === undefined) return;
  const labels = name.slice(0, -own.length).split(".").filter(Boolean);
  const taken = new Set([...ctx.registry.services.map((s) => s.name), "execute-api", "lambda-url", "s3-website"]);
  const clash = labels.find((label) => taken.has(label) || label.startsWith("s3-"));
  if (clash !== undefined)
    throw badRequest(`The domain name ${name} is one of the platform's own; choose one without "${clash}"`);
  // Below a region are the services of it: `*.us-east-1.localhost` would take what is sent to all of them.
  if (REGION.test(labels.at(-1) ?? "") || (labels[0] === "*" && labels.some((label) => REGION.test(label))))
    throw badRequest(`The domain name ${name} is one of the platform's own; choose one without a region`);
  // `<project>.localhost` is a project's page.
  if (labels.length < 2) throw badRequest(`The domain name ${name} is a project's; choose one like api.shop.${own}`);
}

const CERTIFICATE = /^arn:[\w-]+:(acm:[\w-]+:\d{12}:certificate\/[\w-]+|iam::\d{12}:server-certificate\/[\w+=,.@/-]+)$/;

export function checkCertificate(arn: string | undefined): void {
  if (arn !== undefined && !CERTIFICATE.test(arn)) throw badRequest(`Invalid certificate ARN: ${arn.slice(0, 200)}`);
}
