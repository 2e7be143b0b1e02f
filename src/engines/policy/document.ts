import { AwsError } from "../../kernel/aws-error.ts";

/** Where a policy is attached; it decides which elements a statement must and must not have. */
export type PolicyKind = "identity" | "trust" | "resource";

/** Who a statement is about: `"*"` or lists by kind of principal. */
export type PolicyPrincipal = "*" | Readonly<Record<string, readonly string[]>>;

/** Operator -> context key -> expected values, as text. */
export type PolicyCondition = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** A statement with every "one or many" element made a list. */
export interface PolicyStatement {
  readonly sid?: string;
  readonly effect: "Allow" | "Deny";
  readonly actions?: readonly string[];
  readonly notActions?: readonly string[];
  readonly resources?: readonly string[];
  readonly notResources?: readonly string[];
  readonly principal?: PolicyPrincipal;
  readonly notPrincipal?: PolicyPrincipal;
  readonly condition?: PolicyCondition;
}

/** A checked policy document. */
export interface PolicyDocument {
  readonly version: "2008-10-17" | "2012-10-17";
  readonly id?: string;
  readonly statements: readonly PolicyStatement[];
}

const VERSIONS = new Set(["2008-10-17", "2012-10-17"]);
const TOP_FIELDS = new Set(["Version", "Id", "Statement"]);
const STATEMENT_FIELDS = new Set(
  "Sid Effect Action NotAction Resource NotResource Principal NotPrincipal Condition".split(" "),
);
const PRINCIPAL_TYPES = new Set(["AWS", "Service", "Federated", "CanonicalUser"]);
const OPERATOR =
  /^(ForAllValues:|ForAnyValue:)?(StringEquals|StringNotEquals|StringEqualsIgnoreCase|StringNotEqualsIgnoreCase|StringLike|StringNotLike|Numeric(?:Not)?Equals|Numeric(?:Less|Greater)Than(?:Equals)?|Date(?:Not)?Equals|Date(?:Less|Greater)Than(?:Equals)?|Bool|BinaryEquals|(?:Not)?IpAddress|Arn(?:Not)?Equals|Arn(?:Not)?Like|Null)(IfExists)?$/i;
const MAX_TEXT = 131_072;
const MAX_STATEMENTS = 2_000;
const MAX_VALUES = 20_000;

const malformed = (message: string): AwsError => new AwsError("MalformedPolicyDocument", message, 400);
const syntax = (): AwsError => malformed("Syntax errors in policy.");

/**
 * Reads and checks a policy, JSON text or already parsed. Throws `MalformedPolicyDocument` in IAM's words; services
 * that name the fault differently (S3: `MalformedPolicy`) translate the code.
 */
export function parsePolicy(input: string | object, kind: PolicyKind = "identity"): PolicyDocument {
  const raw = typeof input === "string" ? parseJson(input) : input;
  if (!isRecord(raw)) throw syntax();
  for (const key of Object.keys(raw)) if (!TOP_FIELDS.has(key)) throw syntax();
  const version = readVersion(raw.Version);
  const list = Array.isArray(raw.Statement) ? raw.Statement : [raw.Statement];
  if (raw.Statement === undefined || list.length > MAX_STATEMENTS) throw syntax();
  const budget = { values: MAX_VALUES };
  const statements = list.map((statement) => readStatement(statement, kind, budget));
  const sids = new Set<string>();
  for (const { sid } of statements) {
    if (!sid) continue;
    if (sids.has(sid)) throw malformed("Statement IDs (SID) in a single policy must be unique.");
    sids.add(sid);
  }
  return { version, statements, ...(typeof raw.Id === "string" && { id: raw.Id }) };
}

function parseJson(text: string): unknown {
  if (text.length > MAX_TEXT) throw malformed("The policy document is larger than 131072 characters.");
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("This policy contains invalid Json");
  }
}

/** YAML readers turn an unquoted date into a `Date`, which is why templates may hand one over. */
function readVersion(value: unknown): PolicyDocument["version"] {
  if (value === undefined || value === null) return "2008-10-17";
  const text = value instanceof Date ? value.toISOString().slice(0, 10) : value;
  if (typeof text !== "string" || !VERSIONS.has(text)) throw syntax();
  return text as PolicyDocument["version"];
}

interface Budget {
  values: number;
}

function readStatement(raw: unknown, kind: PolicyKind, budget: Budget): PolicyStatement {
  if (!isRecord(raw)) throw syntax();
  for (const key of Object.keys(raw)) if (!STATEMENT_FIELDS.has(key)) throw syntax();
  if (raw.Effect !== "Allow" && raw.Effect !== "Deny") throw syntax();
  const sid = raw.Sid;
  if (sid !== undefined && typeof sid !== "string") throw syntax();
  if (sid && kind !== "resource" && !/^[0-9A-Za-z]*$/.test(sid)) {
    throw malformed(
      "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
    );
  }
  const statement: PolicyStatement = {
    effect: raw.Effect,
    ...(sid && { sid }),
    ...pick("actions", readStrings(raw.Action, budget)),
    ...pick("notActions", readStrings(raw.NotAction, budget)),
    ...pick("resources", readStrings(raw.Resource, budget)),
    ...pick("notResources", readStrings(raw.NotResource, budget)),
    ...pick("principal", readPrincipal(raw.Principal, budget)),
    ...pick("notPrincipal", readPrincipal(raw.NotPrincipal, budget)),
    ...pick("condition", readCondition(raw.Condition, budget)),
  };
  checkElements(statement, kind);
  return statement;
}

function pick<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function checkElements(s: PolicyStatement, kind: PolicyKind): void {
  const actions = s.actions ?? s.notActions;
  if ((s.actions && s.notActions) || (s.resources && s.notResources) || (s.principal && s.notPrincipal)) throw syntax();
  if (!actions || actions.length === 0) {
    throw malformed(kind === "trust" ? "Missing required field Action" : "Policy statement must contain actions.");
  }
  for (const action of actions) checkAction(action);
  if (kind === "identity") {
    if (s.principal || s.notPrincipal) throw malformed("Policy document should not specify a principal.");
    const resources = s.resources ?? s.notResources;
    if (!resources || resources.length === 0) throw malformed("Policy statement must contain resources.");
    for (const resource of resources) checkResource(resource);
    return;
  }
  if (!s.principal && !s.notPrincipal) throw malformed("Missing required field Principal");
  if (kind === "trust") {
    if (s.resources || s.notResources) throw malformed("Has prohibited field Resource");
    if (s.actions?.some((action) => action !== "*" && !/^sts:/i.test(action))) {
      throw malformed("AssumeRole policy may only specify STS AssumeRole actions.");
    }
  }
}

function checkAction(action: string): void {
  if (action === "*") return;
  const colon = action.indexOf(":");
  if (colon < 0) throw malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
  const vendor = action.slice(0, colon);
  // IAM takes names of actions that no service has, as long as it can tell the vendor.
  if (!/^[A-Za-z0-9.-]+$/.test(vendor)) throw malformed(`Vendor ${vendor} is not valid`);
  if (action.includes(":", colon + 1)) throw malformed("Actions/Conditions can contain only one colon.");
}

function checkResource(resource: string): void {
  if (/^\*+$/.test(resource)) return;
  if (!/^arn:/i.test(resource)) {
    // A pattern such as "a*" or "*:foo" can still match an ARN only where it begins with a wildcard.
    if (/^[*?]/.test(resource)) return;
    throw malformed(`Resource ${resource} must be in ARN format or "*".`);
  }
  const [, partition = "", vendor = ""] = resource.split(":");
  if (partition !== "*" && !/^(aws|aws-[a-z-]+|\$\{.*)$/.test(partition)) {
    throw malformed(`Partition "${partition}" is not valid for resource "${resource}".`);
  }
  if (/[*?]/.test(vendor) && vendor !== "*") {
    throw malformed("Resource vendor must be fully qualified and cannot contain regexes.");
  }
}

function readStrings(value: unknown, budget: Budget): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list: unknown[] = Array.isArray(value) ? value : [value];
  budget.values -= list.length;
  if (budget.values < 0 || !list.every((item) => typeof item === "string")) throw syntax();
  return list as string[];
}

function readPrincipal(value: unknown, budget: Budget): PolicyPrincipal | undefined {
  if (value === undefined) return undefined;
  if (value === "*") return "*";
  if (!isRecord(value)) throw malformed("Invalid principal in policy.");
  const result: Record<string, readonly string[]> = {};
  for (const [type, ids] of Object.entries(value)) {
    if (!PRINCIPAL_TYPES.has(type)) throw malformed(`Invalid principal in policy: "${type}"`);
    const list = readStrings(ids, budget) ?? [];
    for (const id of list) checkPrincipal(type, id);
    result[type] = list;
  }
  if (Object.keys(result).length === 0) throw malformed("Invalid principal in policy.");
  return result;
}

function checkPrincipal(type: string, id: string): void {
  const invalid = (): AwsError => malformed(`Invalid principal in policy: "${type.toUpperCase()}":"${id}"`);
  if (type === "AWS") {
    const known = /^(\*|\d{12}|A[A-Z]{3}[A-Z0-9]{12,}|arn:aws[a-z-]*:(iam|sts)::(\d{12}|cloudfront):.+)$/.test(id);
    if (!known || (id !== "*" && /[*?]/.test(id))) throw invalid();
  } else if (type === "Service") {
    if (!/^[A-Za-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|amazonaws\.eu)$/.test(id)) throw invalid();
  } else if (id === "" || /[\s]/.test(id)) throw invalid();
}

function readCondition(value: unknown, budget: Budget): PolicyCondition | undefined {
  if (value === undefined) return undefined;
  if (!isRecord(value)) throw syntax();
  const result: Record<string, Record<string, readonly string[]>> = {};
  for (const [operator, keys] of Object.entries(value)) {
    if (!isRecord(keys)) throw syntax();
    // An operator with nothing to test is never looked at.
    if (Object.keys(keys).length === 0) continue;
    if (!OPERATOR.test(operator) || /NullIfExists$/i.test(operator)) {
      throw malformed(`Invalid Condition type : ${operator}.`);
    }
    const entries: Record<string, readonly string[]> = (result[operator] = {});
    for (const [key, expected] of Object.entries(keys)) {
      const list = (Array.isArray(expected) ? expected : [expected]).map(conditionText);
      budget.values -= list.length;
      if (budget.values < 0) throw syntax();
      entries[key] = list;
    }
  }
  return result;
}

function conditionText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Date) return value.toISOString();
  throw syntax();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
