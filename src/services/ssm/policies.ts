import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Statement } from "../../ports/database.ts";
import { removeParameter } from "./api/manage-parameters.ts";
import { invalid, versionId, type Parameter, type ParameterPolicy, type Tier, type Version } from "./model.ts";
import { policyEvent } from "./store-events.ts";

export const POLICIES = "ssm-parameter-policies";

const MAX_POLICIES = 10;
/** Days or hours of a policy: a time so far ahead that no date has it is none. */
const MAX_SPAN = 1_000_000;
const UNIT_MS = { hours: 3_600_000, days: 86_400_000 } as const;
const TYPES = ["Expiration", "ExpirationNotification", "NoChangeNotification"] as const;

type Attributes = Readonly<Record<string, unknown>>;
interface GivenPolicy {
  readonly Type?: string;
  readonly Version?: string;
  readonly Attributes?: Attributes;
}

/**
 * The policies of a parameter's new version, from the JSON of PutParameter; `undefined` where the call names none and
 * those of the version before hold. https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
 */
export function policiesOf(text: string | undefined, tier: Tier, now: number): readonly ParameterPolicy[] | undefined {
  if (text === undefined) return undefined;
  const given = listIn(text);
  if (!given.length) return [];
  if (tier !== "Advanced")
    throw invalid("Parameter policies are only supported for parameters of the advanced-parameter tier.");
  if (given.length > MAX_POLICIES)
    throw new AwsError(
      "PoliciesLimitExceededException",
      `You specified more than the maximum number of allowed policies for the parameter. The maximum is ${MAX_POLICIES}.`,
      400,
    );
  if (given.filter(({ Type }) => Type === "Expiration").length > 1)
    throw new AwsError("IncompatiblePolicyException", "A parameter can have only one Expiration policy.", 400);
  const expires = given.flatMap(({ Type, Attributes }) => (Type === "Expiration" ? [timestampIn(Attributes)] : []))[0];
  return given.map((policy) => ({
    type: typeOf(policy),
    text: JSON.stringify(policy),
    due: dueOf(policy, now, expires),
  }));
}

function listIn(text: string): GivenPolicy[] {
  if (!text.trim() || text.trim() === "{}") return [];
  try {
    const value: unknown = JSON.parse(text);
    // How Parameter Store's guide takes all policies off.
    if (JSON.stringify(value) === "[{}]") return [];
    if (Array.isArray(value) && value.every((one) => typeof one === "object" && one !== null)) return value;
  } catch {
    // told below
  }
  throw invalid("The Policies parameter must be a JSON list of policies with Type, Version and Attributes.");
}

function typeOf({ Type, Version }: GivenPolicy): ParameterPolicy["type"] {
  const type = TYPES.find((one) => one === Type);
  if (!type || Version !== "1.0")
    throw new AwsError(
      "InvalidPolicyTypeException",
      "The policy type is not supported. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and NoChangeNotification, of version 1.0.",
      400,
    );
  return type;
}

const badAttribute = (why: string): AwsError => new AwsError("InvalidPolicyAttributeException", why, 400);

function timestampIn(attributes: Attributes | undefined): number {
  const time = Date.parse(String(attributes?.["Timestamp"] ?? ""));
  if (Number.isNaN(time)) throw badAttribute("The Timestamp of an Expiration policy must be a time in ISO 8601.");
  return time;
}

function spanIn(attributes: Attributes | undefined, amount: string): number {
  const unit = String(attributes?.["Unit"] ?? "").toLowerCase();
  const number = Number(attributes?.[amount]);
  if (!(unit === "days" || unit === "hours") || !Number.isInteger(number) || number < 1 || number > MAX_SPAN)
    throw badAttribute(`A policy needs the attributes ${amount}, a whole number, and Unit, Days or Hours.`);
  return number * UNIT_MS[unit];
}

function dueOf(policy: GivenPolicy, now: number, expires: number | undefined): number {
  const type = typeOf(policy);
  if (type === "NoChangeNotification") return now + spanIn(policy.Attributes, "After");
  if (type === "Expiration") {
    const time = timestampIn(policy.Attributes);
    if (time <= now) throw badAttribute("The Timestamp of an Expiration policy must be in the future.");
    return time;
  }
  if (expires === undefined)
    throw new AwsError("IncompatiblePolicyException", "An ExpirationNotification needs an Expiration policy.", 400);
  return expires - spanIn(policy.Attributes, "Before");
}

/** When a policy of the version before is due for a new version. */
export function dueAgain(policy: ParameterPolicy, now: number): number {
  return policy.type === "NoChangeNotification"
    ? dueOf(JSON.parse(policy.text) as GivenPolicy, now, undefined)
    : policy.due;
}

/** Messages that do at its time what each policy of a version is for. */
export const policyTimers = (ctx: Context<any>, name: string, { version, policies = [] }: Version): Statement[] =>
  policies.flatMap((policy, index) =>
    ctx.enqueue(POLICIES, { name, version, index }, { delayMs: Math.max(0, policy.due - ctx.now()) }),
  );

/** Does what a policy is for, where its version is still the latest. */
export const policyWorker: QueueWorker<any> = {
  topic: POLICIES,
  concurrency: 4,
  leaseMs: 30_000,
  async run(ctx, body) {
    const { name, version, index } = body as { name: string; version: number; index: number };
    const head = (await ctx.records.get<Parameter>("parameter", name))?.value;
    const stored = await ctx.records.get<Version>("version", versionId(name, version));
    const policy = stored?.value.policies?.[index];
    if (!head || head.latest !== version || !policy || policy.due > ctx.now()) return;
    if (policy.type === "Expiration") await removeParameter(ctx, name);
    await ctx.records.write(policyEvent(ctx, head, policy));
  },
};
