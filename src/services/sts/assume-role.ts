import type * as Sts from "@aws-sdk/client-sts";
import type { Context } from "../../aws/context.ts";
import type { Principal } from "../../aws/principal.ts";
import type { OperationInput, OperationOutput } from "../../aws/sdk-types.ts";
import type { Operation, Permission } from "../../aws/service.ts";
import { codeOf, type AwsError } from "../../kernel/aws-error.ts";
import { credentialsView } from "./credentials-view.ts";
import {
  denied,
  invalidParameter,
  MAX_SESSION_TAGS,
  packedSize,
  provesMfa,
  sessionPolicies,
  sessionTags,
  tagConditions,
  validation,
} from "./session.ts";
import type { StsState } from "./web-identity.ts";

type Input = OperationInput<typeof Sts, "AssumeRole">;

const DEFAULT_SECONDS = 3600;
/** A role that assumes a role gets an hour at most: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html */
const CHAINED_SECONDS = 3600;

const mayNot = (caller: string, roleArn: string): AwsError =>
  denied(`User: ${caller} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`);

function mustBeArn(roleArn: string): void {
  const [arn, partition, service, , , ...rest] = roleArn.split(":");
  if (arn !== "arn" || !partition || !service || rest.join(":") === "") throw validation(`${roleArn} is invalid`);
}

/** Tags and transitive keys that the caller's own session hands on. */
function handedOn(principal: Principal): { tags: Record<string, string>; transitive: readonly string[] } {
  if (principal.kind !== "role" || !principal.transitive) return { tags: {}, transitive: [] };
  const { tags = {}, transitive } = principal;
  return { tags: Object.fromEntries(transitive.map((key) => [key, tags[key] ?? ""])), transitive };
}

/** The tags of the new session: the caller's transitive ones, and those that are given. */
function tagsOf(ctx: Context<any>, input: Input) {
  const given = sessionTags(input.Tags);
  const known = new Map(Object.keys(given).map((key) => [key.toLowerCase(), key]));
  // As the tags write them: case does not count.
  const transitive = (input.TransitiveTagKeys ?? []).flatMap((key) => known.get(String(key).toLowerCase()) ?? []);
  if (transitive.length !== (input.TransitiveTagKeys ?? []).length)
    throw invalidParameter("The specified transitive tag key must be included in the requested tags.");
  const handed = handedOn(ctx.principal);
  if (handed.transitive.some((key) => known.has(key.toLowerCase())))
    throw invalidParameter(
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    );
  const tags = { ...given, ...handed.tags };
  if (Object.keys(tags).length > MAX_SESSION_TAGS)
    throw invalidParameter(`A session has at most ${MAX_SESSION_TAGS} tags, those of the calling session included.`);
  return { tags, transitive: [...handed.transitive, ...transitive] };
}

/** AssumeRole: the trust policy must name the caller, and the caller's own policies must not forbid it. */
export const assumeRole: Operation<Input, OperationOutput<typeof Sts, "AssumeRole">, StsState> = {
  async permissions(input, ctx): Promise<Permission[]> {
    const roleArn = String(input.RoleArn);
    mustBeArn(roleArn);
    const caller = "arn" in ctx.principal ? ctx.principal.arn : ctx.principal.kind;
    // Who was given a part of somebody's permissions does not take more: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
    if (ctx.principal.kind === "federated") throw mayNot(caller, roleArn);
    // Who may not assume a role does not learn whether it exists.
    const role = await ctx.platform.identity.role(roleArn).catch((error: unknown) => {
      throw codeOf(error) === "NoSuchEntity" ? mayNot(caller, roleArn) : error;
    });
    const sourceIdentity = sourceOf(ctx, input);
    const mfa = await provesMfa(ctx, "AssumeRole", input);
    if (mfa) ctx.state.proved.add(input);
    const conditions = {
      "sts:ExternalId": input.ExternalId,
      "sts:RoleSessionName": input.RoleSessionName,
      "sts:SourceIdentity": sourceIdentity,
      ...(mfa ? { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0" } : {}),
      ...tagConditions(input.Tags, input.TransitiveTagKeys?.map(String)),
    };
    const may = (action: string): Permission => ({
      action: `sts:${action}`,
      resource: roleArn,
      resourcePolicy: role.trust,
      resourcePolicyMustAllow: true,
      conditions,
    });
    return [
      may("AssumeRole"),
      ...(input.Tags?.length ? [may("TagSession")] : []),
      ...(sourceIdentity ? [may("SetSourceIdentity")] : []),
    ];
  },
  async run(ctx, input) {
    const { identity } = ctx.platform;
    const role = await identity.role(String(input.RoleArn));
    const seconds = input.DurationSeconds ?? DEFAULT_SECONDS;
    if (seconds > role.maxSessionDuration)
      throw validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    if (ctx.principal.kind === "role" && seconds > CHAINED_SECONDS)
      throw validation(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
      );
    const sourceIdentity = sourceOf(ctx, input);
    const { tags, transitive } = tagsOf(ctx, input);
    const credentials = identity.issueForRole(role, {
      sessionName: String(input.RoleSessionName),
      durationSeconds: seconds,
      sessionPolicies: await sessionPolicies(ctx, input),
      mfa: ctx.state.proved.has(input),
      transitive,
      ...(Object.keys(tags).length ? { tags } : {}),
      ...(sourceIdentity ? { sourceIdentity } : {}),
    });
    const { principal } = credentials;
    const PackedPolicySize = packedSize(input, tags);
    return {
      Credentials: credentialsView(credentials),
      AssumedRoleUser: principal.kind === "role" ? { Arn: principal.arn, AssumedRoleId: principal.id } : undefined,
      ...(PackedPolicySize === undefined ? {} : { PackedPolicySize }),
      ...(sourceIdentity ? { SourceIdentity: sourceIdentity } : {}),
    };
  },
};

/** The source identity of a session stays the same through a chain of roles. */
function sourceOf(ctx: Context<any>, input: Input): string | undefined {
  const own = ctx.principal.kind === "role" ? ctx.principal.sourceIdentity : undefined;
  if (own && input.SourceIdentity && input.SourceIdentity !== own)
    throw denied("The source identity of a session cannot be changed by role chaining.");
  return own ?? input.SourceIdentity;
}
