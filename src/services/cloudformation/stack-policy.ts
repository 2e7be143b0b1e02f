import { isObject, readJson, type JsonObject, type JsonValue } from "../../engines/yaml/index.ts";
import { validation } from "./errors.ts";

const list = (value: JsonValue | undefined): string[] =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);

/** Checks the form of a stack policy; answers its statements, `undefined` where the policy is empty and protects nothing. */
export function checkStackPolicy(text: string): JsonObject[] | undefined {
  const read = readJson(text);
  const invalid = validation("Error validating stack policy: Invalid stack policy");
  if ("fault" in read || !isObject(read.value)) throw invalid;
  if (Object.keys(read.value).length === 0) return undefined;
  const raw = read.value.Statement;
  if (raw === undefined) throw invalid;
  const statements = Array.isArray(raw) ? raw : [raw];
  for (const s of statements) {
    if (!isObject(s) || (s.Effect !== "Allow" && s.Effect !== "Deny")) throw invalid;
    const principals = [...list(s.Principal), ...list(s.NotPrincipal)];
    if (principals.length === 0) throw validation("Error validating stack policy: Missing required field Principal");
    if (principals.some((p) => p !== "*")) throw invalid;
    if ((s.Action === undefined) === (s.NotAction === undefined)) throw invalid;
    const actions = [...list(s.Action), ...list(s.NotAction)];
    if (actions.some((a) => !/^Update:(\*|Modify|Replace|Delete)$/.test(a))) throw invalid;
  }
  return statements as JsonObject[];
}

/** What an update is about to do to a resource. */
export type UpdateAction = "Update:Modify" | "Update:Replace" | "Update:Delete";

/** Why a stack's policy does not allow a change of a resource; `undefined` where it does. What it does not name is denied. */
export function deniedByPolicy(
  policy: string | undefined,
  action: UpdateAction,
  resource: { readonly logicalId: string; readonly type: string },
): string | undefined {
  const statements = policy ? checkStackPolicy(policy) : undefined;
  if (!statements) return undefined;
  const about = statements.filter((s) => concerns(s, action, resource));
  const denied = about.find((s) => s.Effect === "Deny");
  if (!denied && about.length > 0) return undefined;
  const by = denied
    ? `Statement [#${statements.indexOf(denied) + 1}] does not allow [${action}]`
    : `no statement allows [${action}]`;
  return `Action denied by stack policy: ${by} for resource [LogicalResourceId/${resource.logicalId}]`;
}

function concerns(
  statement: JsonObject,
  action: string,
  { logicalId, type }: { readonly logicalId: string; readonly type: string },
): boolean {
  const matchesAction = (patterns: JsonValue | undefined): boolean =>
    list(patterns).some((p) => p === "Update:*" || p === action);
  if (statement.Action !== undefined ? !matchesAction(statement.Action) : matchesAction(statement.NotAction))
    return false;
  const resource = `LogicalResourceId/${logicalId}`;
  const matchesResource = (patterns: JsonValue | undefined): boolean => list(patterns).some((p) => glob(p, resource));
  // A statement that names no resource is about none.
  if (statement.Resource !== undefined ? !matchesResource(statement.Resource) : statement.NotResource === undefined)
    return false;
  if (statement.NotResource !== undefined && matchesResource(statement.NotResource)) return false;
  return conditionHolds(statement.Condition, type);
}

function conditionHolds(condition: JsonValue | undefined, type: string): boolean {
  if (condition === undefined || !isObject(condition)) return true;
  return Object.entries(condition).every(([operator, test]) => {
    const values = isObject(test) ? list(test.ResourceType) : [];
    return operator === "StringLike" ? values.some((v) => glob(v, type)) : values.includes(type);
  });
}

/** `*` only, matched without backtracking. */
function glob(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === text;
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
