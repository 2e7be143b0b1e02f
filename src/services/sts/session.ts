import type { Context } from "../../aws/context.ts";
import { parsePolicy } from "../../engines/policy/index.ts";
import { AwsError } from "../../kernel/aws-error.ts";

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

interface PolicyInput {
  readonly Policy?: string | undefined;
  readonly PolicyArns?: readonly { readonly arn?: string | undefined }[] | undefined;
}

/** Characters of all session policies together. */
const POLICY_SPACE = 2_048;

/** Managed policies of a session; all that they say is in its token. */
const MAX_POLICIES = 10;
/** Tags of a session, those that it was handed included: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const MAX_SESSION_TAGS = 50;

export const validation = (message: string): AwsError => new AwsError("ValidationError", message, 400);
export const denied = (message: string): AwsError => new AwsError("AccessDenied", message, 403);
export const invalidParameter = (message: string): AwsError => new AwsError("InvalidParameterValue", message, 400);

/** The documents of a session: the one that is given, and the managed ones that are named. */
export async function sessionPolicies(ctx: Context<any>, input: PolicyInput): Promise<string[]> {
  if (input.Policy !== undefined) parsePolicy(input.Policy);
  const named = input.PolicyArns ?? [];
  if (named.length > MAX_POLICIES)
    throw validation(
      `1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to ${MAX_POLICIES}`,
    );
  const attached = await Promise.all(named.map((one) => ctx.platform.identity.policyDocument(String(one.arn))));
  return [...(input.Policy === undefined ? [] : [input.Policy]), ...attached];
}

/** How much of the space for policies and tags is taken, in percent; undefined where there are none. */
export function packedSize(input: PolicyInput, tags: Readonly<Record<string, string>>): number | undefined {
  if (input.Policy === undefined && !input.PolicyArns?.length && Object.keys(tags).length === 0) return undefined;
  const text = [
    input.Policy ?? "",
    ...(input.PolicyArns ?? []).map((one) => one.arn ?? ""),
    ...Object.entries(tags).flat(),
  ];
  return Math.min(100, Math.ceil((text.join("").length / POLICY_SPACE) * 100));
}

/** Tags of a session; keys that differ in case alone are the same. */
export function sessionTags(tags: readonly Tag[] | undefined): Record<string, string> {
  const keys = (tags ?? []).map((tag) => String(tag.Key).toLowerCase());
  if (new Set(keys).size !== keys.length)
    throw invalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  return Object.fromEntries((tags ?? []).map((tag) => [String(tag.Key), String(tag.Value)]));
}

/** What conditions of sts:TagSession test. */
export function tagConditions(tags: readonly Tag[] | undefined, transitive: readonly string[] | undefined) {
  return {
    ...Object.fromEntries((tags ?? []).map((tag) => [`aws:RequestTag/${tag.Key}`, String(tag.Value)])),
    ...(tags?.length ? { "aws:TagKeys": tags.map((tag) => String(tag.Key)) } : {}),
    ...(transitive?.length ? { "sts:TransitiveTagKeys": transitive } : {}),
  };
}

/** Whether the caller has proved that it holds its device; throws where it tried to and could not. */
export async function provesMfa(
  ctx: Context<any>,
  action: string,
  input: { SerialNumber?: string | undefined; TokenCode?: string | undefined },
): Promise<boolean> {
  const { SerialNumber, TokenCode } = input;
  if (SerialNumber === undefined && TokenCode === undefined) return false;
  if (SerialNumber === undefined || TokenCode === undefined)
    throw denied(`Cannot call ${action} with only one of SerialNumber and TokenCode: both are needed.`);
  if (!(await ctx.platform.identity.takeMfaCode(ctx.principal, SerialNumber, TokenCode)))
    throw denied("MultiFactorAuthentication failed with invalid MFA one time pass code.");
  return true;
}
