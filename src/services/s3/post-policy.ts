import { AwsError } from "../../kernel/aws-error.ts";
import { accessDenied } from "./errors.ts";

/**
 * The policy of a form upload: until when which fields may be sent with which values.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
export interface PostPolicy {
  /** Milliseconds since the epoch. */
  readonly expiration: number;
  readonly conditions: readonly Condition[];
  /** Bytes that the file must have at least and at most. */
  readonly length?: { readonly min: number; readonly max: number };
}

interface Condition {
  readonly kind: "eq" | "starts-with";
  readonly field: string;
  readonly value: string;
  /** As it was written, for messages. */
  readonly text: string;
}

const MAX_CONDITIONS = 1000;
/** Fields that no condition needs to name; the bucket is none that a form sends. */
const FREE = /^(?:x-ignore-.*|x-amz-signature|signature|awsaccesskeyid|policy|file|bucket)$/;

const invalid = (message: string): AwsError => new AwsError("InvalidPolicyDocument", `Invalid Policy: ${message}`, 400);

const denied = (why: string): AwsError => accessDenied(`Invalid according to Policy: ${why}`);

/** Reads a policy as the form carries it, in Base64. Throws InvalidPolicyDocument. */
export function parsePostPolicy(encoded: string): PostPolicy {
  const document = asJson(Buffer.from(encoded, "base64").toString("utf8"));
  const { expiration, conditions } = document;
  if (expiration === undefined) throw invalid("Policy missing expiration.");
  const ends =
    typeof expiration === "string" && /^\d{4}-\d\d-\d\dT/.test(expiration) ? Date.parse(expiration) : Number.NaN;
  if (Number.isNaN(ends)) throw invalid(`Invalid 'expiration' value: '${String(expiration).slice(0, 100)}'`);
  if (!Array.isArray(conditions)) throw invalid("Policy missing conditions.");
  if (conditions.length > MAX_CONDITIONS) throw invalid(`More than ${MAX_CONDITIONS} conditions.`);
  const read: Condition[] = [];
  let length: PostPolicy["length"];
  for (const condition of conditions as unknown[]) {
    if (Array.isArray(condition) && String(condition[0]).toLowerCase() === "content-length-range")
      length = lengthRange(condition);
    else read.push(...conditionsOf(condition));
  }
  return { expiration: ends, conditions: read, ...(length ? { length } : {}) };
}

function asJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw invalid("Invalid JSON.");
}

function lengthRange(condition: readonly unknown[]): { min: number; max: number } {
  const [min, max] = condition.slice(1).map((value) => (typeof value === "string" && value ? Number(value) : value));
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (Number.isNaN(min) || Number.isNaN(max))
    throw denied(`Policy Condition failed: ${spaced(condition).slice(0, 500)}`);
  if (condition.length !== 3 || !isSize(min) || !isSize(max))
    throw invalid("content-length-range needs two sizes in bytes.");
  return { min, max };
}

/** As S3's messages write a condition. */
const spaced = (condition: unknown): string =>
  Array.isArray(condition)
    ? `[${condition.map((part) => JSON.stringify(part)).join(", ")}]`
    : JSON.stringify(condition);

function conditionsOf(condition: unknown): Condition[] {
  const text = spaced(condition);
  if (Array.isArray(condition)) {
    const [kind, field, value] = condition as unknown[];
    const name = typeof kind === "string" ? kind.toLowerCase() : "";
    const isGood = condition.length === 3 && typeof field === "string" && typeof value === "string";
    if (!isGood || (name !== "eq" && name !== "starts-with")) throw invalid(`Invalid Condition: ${text.slice(0, 200)}`);
    // Without its `$` a field is none that a form could have.
    const named = field.startsWith("$") ? field.slice(1).toLowerCase() : "";
    return [{ kind: name, field: named, value, text }];
  }
  const entries = typeof condition === "object" && condition !== null ? Object.entries(condition) : [];
  if (entries.length !== 1)
    throw invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
  if (entries.some(([, value]) => typeof value !== "string"))
    throw invalid(`Invalid Simple-Condition: ${text.slice(0, 200)}`);
  return entries.map(([field, value]) => ({
    kind: "eq",
    field: field.toLowerCase(),
    value: value as string,
    text: spaced(["eq", `$${field}`, value]),
  }));
}

/** Throws AccessDenied where the form (names in lower case) is not what the policy lets be sent now. */
export function checkPostPolicy(policy: PostPolicy, form: ReadonlyMap<string, string>, now: number): void {
  if (policy.expiration < now) throw denied("Policy expired.");
  const named = new Set<string>();
  for (const { kind, field, value, text } of policy.conditions) {
    named.add(field);
    const sent = form.get(field) ?? "";
    if (!(kind === "eq" ? sent === value : startsWith(field, sent, value)))
      throw denied(`Policy Condition failed: ${text.slice(0, 500)}`);
  }
  const extra = [...form.keys()].filter((name) => !named.has(name) && !FREE.test(name));
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(", ").slice(0, 500)}`);
}

/** Several content types may be sent in one field; each must begin so. */
function startsWith(field: string, sent: string, prefix: string): boolean {
  const values = field === "content-type" ? sent.split(",") : [sent];
  return values.every((value) => value.startsWith(prefix));
}
