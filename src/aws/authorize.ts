import {
  evaluate,
  explainDenial,
  type AccessRequest,
  type Principal as PolicyPrincipal,
  type RequestContext,
} from "../engines/policy/index.ts";
import { AwsError } from "../kernel/aws-error.ts";
import type { Context } from "./context.ts";
import { OF_CALLER, type KnownPolicy } from "./policy-cache.ts";
import type { Principal, TokenFacts } from "./principal.ts";
import type { Operation, Permission } from "./service.ts";

/** Longer values of conditions are not kept. */
const MAX_VALUE = 128;

/**
 * Lets a call through, or throws AccessDenied in AWS's words. Deny by default: identity policies, the resource's own
 * policy, the boundary and session policies are evaluated for every permission that the operation asks for. Answers
 * whether the decision holds for every call of this kind until something is written.
 */
export async function authorize(ctx: Context, operation: Operation<any, any, any>, input: unknown): Promise<boolean> {
  const { principal } = ctx;
  if (operation.permissions === "anyone") return true;
  if (principal.kind === "anonymous" && operation.permissions === "authenticated") throw missingToken();
  if (principal.kind === "service" && operation.callers?.includes(principal.service)) return true;
  if (operation.permissions === "authenticated") return true;
  if (ctx.service === "iam" && isLent(principal)) throw invalidToken();
  const permissions = await operation.permissions(input, ctx);
  let isLasting = true;
  for (const permission of permissions) isLasting = (await check(ctx, permission)) && isLasting;
  return isLasting;
}

/** Whether the caller has one more permission, for operations that filter what they show. */
export async function isAllowed(ctx: Context, permission: Permission): Promise<boolean> {
  try {
    await check(ctx, permission);
    return true;
  } catch (error) {
    if (error instanceof AwsError && error.status === 403) return false;
    throw error;
  }
}

/** Whether any policy that counts for the caller asks for a condition key that begins so (in lower case): else nobody need look it up. */
export async function asksFor(ctx: Context, { resourcePolicy }: Pick<Permission, "resourcePolicy">, prefix: string) {
  const { policies } = ctx.registry;
  const { identity, boundary, session = [] } = await ctx.platform.identity.policies(ctx.principal);
  const asks = (document: string | undefined, kind: "identity" | "resource"): boolean =>
    document !== undefined && policies.compiled(document, kind).asks.some((name) => name.startsWith(prefix));
  return (
    asks(resourcePolicy, "resource") ||
    [...identity, boundary, ...session].some((document) => asks(document, "identity"))
  );
}

/** Answers whether the decision is made of nothing but caller, documents, action and resource. */
async function check(ctx: Context, permission: Permission): Promise<boolean> {
  const { principal } = ctx;
  const { policies } = ctx.registry;
  const bounds = await ctx.platform.identity.policies(principal);
  const known = (document: string): KnownPolicy => policies.compiled(document, "identity");
  const resource =
    permission.resourcePolicy === undefined ? undefined : policies.compiled(permission.resourcePolicy, "resource");
  const boundary = bounds.boundary === undefined ? undefined : known(bounds.boundary);
  const [identity, session] = [bounds.identity.map(known), bounds.session?.map(known)];
  const all = { identity, resource, boundary, session };
  const key = decisionKey(ctx, permission, all);
  if (key !== undefined && policies.isAllowed(key)) return !permission.conditions;
  const request: AccessRequest = {
    principal: policyPrincipal(principal),
    action: permission.action,
    resource: permission.resource,
    resourceAccount: permission.owner ?? ctx.account,
    context: {
      ...globalConditions(ctx),
      "aws:ResourceAccount": permission.owner ?? ctx.account,
      ...bounds.context,
      ...permission.conditions,
    } as RequestContext,
    identityPolicies: identity.map(({ policy }) => policy),
    ...(resource ? { resourcePolicy: resource.policy } : {}),
    ...(boundary ? { boundary: boundary.policy } : {}),
    ...(session ? { sessionPolicies: session.map(({ policy }) => policy) } : {}),
  };
  decide(ctx, permission, request);
  if (key !== undefined) policies.allow(key);
  return key !== undefined && !permission.conditions;
}

interface Deciding {
  readonly identity: readonly KnownPolicy[];
  readonly resource: KnownPolicy | undefined;
  readonly boundary: KnownPolicy | undefined;
  readonly session: readonly KnownPolicy[] | undefined;
}

/** All that a decision is made of; undefined where a document asks for more (the time, an address, a tag) than the permission says. */
function decisionKey(ctx: Context, permission: Permission, policies: Deciding): string | undefined {
  const { identity, resource, boundary, session = [] } = policies;
  const given = conditionsOf(permission);
  if (given === "unknown") return undefined;
  const documents: (number | string)[] = [];
  const asked: string[] = [];
  for (const policy of [...identity, "|", resource, "|", boundary, "|", ...session]) {
    for (const name of typeof policy === "object" ? policy.asks : []) {
      const value = given?.get(name);
      if (value === undefined) return undefined;
      asked.push(name, value);
    }
    documents.push(typeof policy === "object" ? policy.id : (policy ?? "-"));
  }
  const { principal } = ctx;
  // No part holds a line break but the last.
  return [
    documents.join(" "),
    permission.action,
    permission.owner ?? ctx.account,
    JSON.stringify(asked),
    `${permission.resourcePolicyMustAllow ?? false} ${permission.granted ?? false}`,
    principalKey(principal),
    permission.resource,
  ].join("\n");
}

/** What a permission says of conditions, where all of it is text and none of it is the caller's; names in lower case. */
function conditionsOf({ conditions }: Permission): Map<string, string> | undefined | "unknown" {
  if (!conditions) return undefined;
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(conditions)) {
    const key = name.toLowerCase();
    if (typeof value !== "string" || value.length > MAX_VALUE || OF_CALLER.has(key)) return "unknown";
    given.set(key, value);
  }
  return given;
}

function principalKey(principal: Principal): string {
  const { kind, account } = principal;
  switch (kind) {
    case "service":
      return JSON.stringify([kind, account, principal.service, principal.sourceArn]);
    case "anonymous":
      return JSON.stringify([kind, account]);
    case "user":
      return JSON.stringify([kind, account, principal.arn, principal.id, principal.name]);
    case "role":
      return JSON.stringify([kind, account, principal.arn, principal.id, principal.roleArn]);
    case "root":
    case "federated":
      return JSON.stringify([kind, account, principal.arn, principal.id]);
  }
}

/** Throws AccessDenied where the policies do not allow the request. */
function decide(ctx: Context, permission: Permission, request: AccessRequest): void {
  const decision = evaluate(request);
  if (decision.decision === "allow" && (!permission.resourcePolicyMustAllow || isNamed(request))) return;
  if (decision.decision === "implicitDeny" && permission.granted) return;
  throw accessDenied(
    ctx,
    ctx.principal.kind === "anonymous"
      ? "Access Denied"
      : explainDenial(
          request,
          decision.decision === "allow" ? { decision: "implicitDeny", by: { source: "resource" } } : decision,
        ),
  );
}

/** Whether the resource's policy allows it: naming the caller itself, or its account and then the caller's policies too. */
function isNamed(request: AccessRequest): boolean {
  const direct = evaluate({ ...request, identityPolicies: [] });
  return direct.decision === "allow" || evaluate({ ...request, resourceAccount: "another" }).decision === "allow";
}

/** Temporary credentials that IAM does not take, so that nobody makes lasting ones of them: a user's own without a device's code, and all of a federated user. */
const isLent = (principal: Principal): boolean =>
  principal.kind === "federated" ||
  ((principal.kind === "user" || principal.kind === "root") && principal.token?.mfa === false);

function invalidToken(): AwsError {
  return new AwsError("InvalidClientTokenId", "The security token included in the request is invalid", 403);
}

function missingToken(): AwsError {
  return new AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
}

/** `AccessDenied` where the protocol is XML, `AccessDeniedException` where it is JSON. */
function accessDenied(ctx: Context, message: string): AwsError {
  const { protocol } = ctx.registry.models.load(ctx.service);
  const xml = protocol === "restXml" || protocol === "awsQuery" || protocol === "ec2Query";
  return new AwsError(
    xml ? "AccessDenied" : "AccessDeniedException",
    message,
    xml || protocol.startsWith("rest") ? 403 : 400,
  );
}

function policyPrincipal(principal: Principal): PolicyPrincipal {
  switch (principal.kind) {
    case "root":
    case "user":
      return { type: principal.kind, account: principal.account, arn: principal.arn, userId: principal.id };
    case "role":
      return {
        type: "assumed-role",
        account: principal.account,
        arn: principal.arn,
        roleArn: principal.roleArn,
        userId: principal.id,
      };
    case "federated":
      return { type: "federated-user", account: principal.account, arn: principal.arn, userId: principal.id };
    case "service":
      return { type: "service", account: "", arn: "", service: principal.service };
    case "anonymous":
      return { type: "anonymous", account: "", arn: "" };
  }
}

function globalConditions(ctx: Context): Record<string, unknown> {
  const { principal, http } = ctx;
  const now = new Date(ctx.now());
  const common: Record<string, unknown> = {
    "aws:CurrentTime": now,
    "aws:EpochTime": Math.floor(now.getTime() / 1000),
    "aws:RequestedRegion": ctx.region,
    "aws:PrincipalType": {
      root: "Account",
      user: "User",
      role: "AssumedRole",
      federated: "FederatedUser",
      service: "Service",
      anonymous: "Anonymous",
    }[principal.kind],
    "aws:PrincipalIsAWSService": principal.kind === "service",
    // A call that comes over plain HTTP on the loopback interface never leaves the machine: it counts as secure, or no bucket policy that AWS's own templates write could be met.
    "aws:SecureTransport": http ? http.secure || isLoopback(http.sourceIp) : true,
  };
  if (http) Object.assign(common, { "aws:SourceIp": http.sourceIp, "aws:UserAgent": http.userAgent });
  if (principal.kind === "service") {
    const [, , , , sourceAccount] = principal.sourceArn?.split(":") ?? [];
    Object.assign(common, {
      "aws:PrincipalServiceName": principal.service,
      "aws:SourceArn": principal.sourceArn,
      "aws:SourceAccount": sourceAccount || principal.account,
    });
  } else if (principal.kind !== "anonymous") {
    Object.assign(common, {
      "aws:PrincipalAccount": principal.account,
      "aws:PrincipalArn": principal.kind === "role" ? principal.roleArn : principal.arn,
      "aws:userid": principal.id,
    });
    if (principal.kind === "user") common["aws:username"] = principal.name;
    if (principal.kind === "role") common["aws:SourceIdentity"] = principal.sourceIdentity;
    if (principal.token) Object.assign(common, tokenConditions(principal.token, now));
  }
  return common;
}

/** What only temporary credentials have: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
function tokenConditions({ issued, mfa }: TokenFacts, now: Date): Record<string, unknown> {
  return {
    "aws:TokenIssueTime": new Date(issued),
    "aws:MultiFactorAuthPresent": mfa,
    ...(mfa ? { "aws:MultiFactorAuthAge": Math.floor((now.getTime() - issued) / 1000) } : {}),
  };
}

const isLoopback = (address: string): boolean =>
  address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
