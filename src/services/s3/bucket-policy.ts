import { parsePolicy } from "../../engines/policy/index.ts";
import { AwsError, messageOf } from "../../kernel/aws-error.ts";
import { MAX_POLICY_BYTES } from "./limits.ts";

interface PolicyStatement {
  readonly Effect?: unknown;
  readonly Principal?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

const malformed = (message: string): AwsError => new AwsError("MalformedPolicy", message, 400);
const listOf = (value: unknown): unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

/** Checks a bucket policy as PutBucketPolicy does. Answers it as it is stored. */
export function checkedPolicy(text: string, bucket: string): string {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) throw malformed("Policy exceeds the maximum allowed document size.");
  let policy: { Version?: unknown; Statement?: unknown };
  try {
    policy = JSON.parse(text) as typeof policy;
  } catch {
    throw malformed("Policies must be valid JSON and the first byte must be '{'");
  }
  if (typeof policy !== "object" || policy === null || Array.isArray(policy)) {
    throw malformed("Policies must be valid JSON and the first byte must be '{'");
  }
  const statements = listOf(policy.Statement) as PolicyStatement[];
  if (statements.length === 0) throw malformed("Missing required field Statement");
  for (const statement of statements) checkStatement(statement, bucket);
  try {
    parsePolicy(text, "resource");
  } catch (error) {
    throw malformed(messageOf(error));
  }
  return text;
}

function checkStatement(statement: PolicyStatement, bucket: string): void {
  if (typeof statement !== "object" || statement === null) throw malformed("Statement must be an object");
  if (statement.Effect !== "Allow" && statement.Effect !== "Deny")
    throw malformed("Missing required field Effect cannot be empty!");
  if (statement.Principal === undefined && !("NotPrincipal" in statement))
    throw malformed("Missing required field Principal");
  if (statement.Action === undefined && statement.NotAction === undefined)
    throw malformed("Missing required field Action");
  const resources = [...listOf(statement.Resource), ...listOf(statement.NotResource)].map(String);
  if (resources.length === 0) throw malformed("Missing required field Resource");
  if (!resources.every((resource) => canMatch(resource, `arn:aws:s3:::${bucket}`)))
    throw malformed("Policy has invalid resource");
}

/** Whether a pattern can match the bucket or something in it, as far as its text before the first wildcard tells. */
function canMatch(pattern: string, arn: string): boolean {
  const literal = pattern.split(/[*?]|\$\{/)[0] ?? "";
  if (literal.length <= arn.length) return literal === pattern ? literal === arn : arn.startsWith(literal);
  return literal.startsWith(`${arn}/`);
}

/** Keys whose fixed values keep a statement for everybody from being public. */
const FIXED_KEYS =
  /^(aws:(principalorgid|principalarn|principalaccount|sourcearn|sourceaccount|sourcevpc|sourcevpce|sourceip|sourceorgid|userid|username)|s3:(dataaccesspointarn|dataaccesspointaccount))$/i;

/** Whether a policy gives anything to everybody, as AWS's "block public access" understands it. */
export function isPublicPolicy(text: string): boolean {
  const { Statement: statements } = JSON.parse(text) as { Statement?: unknown };
  return (listOf(statements) as PolicyStatement[]).some((statement) => {
    if (statement.Effect !== "Allow" || !isEverybody(statement)) return false;
    const conditions = Object.entries(statement.Condition ?? {});
    return !conditions.some(
      ([operator, keys]) =>
        /^(String|Arn|IpAddress)/.test(operator) && !operator.includes("Not") && Object.entries(keys).some(isFixed),
    );
  });
}

function isEverybody(statement: PolicyStatement): boolean {
  const { Principal: principal } = statement;
  if (principal === undefined) return true; // NotPrincipal with Allow
  if (principal === "*") return true;
  return (
    typeof principal === "object" && principal !== null && listOf((principal as { AWS?: unknown }).AWS).includes("*")
  );
}

function isFixed([key, values]: [string, unknown]): boolean {
  return (
    FIXED_KEYS.test(key) &&
    listOf(values).every((value) => typeof value === "string" && !/^\*|^0\.0\.0\.0\/0$|^::\/0$/.test(value))
  );
}
