import type { ResourceChange } from "../../engines/cloudformation/index.ts";
import { isObject, readJson, type JsonObject, type JsonValue } from "../../engines/yaml/index.ts";
import { validation } from "./errors.ts";

const list = (value: JsonValue | undefined): string[] =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);

/** Checks the form of a stack policy. */
export function checkStackPolicy(text: string): JsonObject[] {
  const read = readJson(text);
  const invalid = validation("Error validating stack policy: Invalid stack policy");
  if ("fault" in read || !isObject(read.value)) throw invalid;
  const raw = read.value.Statement;
  const statements = Array.isArray(raw) ? raw : raw === undefined ? [] : [raw];
  for (const s of statements) {
    if (!isObject(s) || (s.Effect !== "Allow" && s.Effect !== "Deny")) throw invalid;
    if (s.Principal === undefined && s.NotPrincipal === undefined)
      throw validation("Error validating stack policy: Missing required field Principal");
    if ((s.Action === undefined) === (s.NotAction === undefined)) throw invalid;
    const actions = [...list(s.Action), ...list(s.NotAction)];
    if (actions.some((a) => !/^Update:(\*|Modify|Replace|Delete)$/.test(a))) throw invalid;
  }
  return statements as JsonObject[];
}

/** What a stack policy looks at in a change. */
type Changed = Pick<ResourceChange, "logicalId" | "type" | "replacement"> & { readonly action: string };

/** Refuses changes that a stack's policy does not allow; what a policy does not name is denied. */
export function checkUpdateAllowed(policy: string | undefined, changes: readonly Changed[]): void {
  if (!policy) return;
  const statements = checkStackPolicy(policy);
  for (const change of changes) {
    const action =
      change.action === "Modify"
        ? change.replacement === "True"
          ? "Update:Replace"
          : "Update:Modify"
        : change.action === "Remove"
          ? "Update:Delete"
          : undefined;
    if (!action) continue;
    const about = statements.filter((s) => concerns(s, action, change));
    const denied = about.find((s) => s.Effect === "Deny");
    if (denied || about.length === 0) {
      const by = denied
        ? `Statement [#${statements.indexOf(denied) + 1}] does not allow [${action}]`
        : `no statement allows [${action}]`;
      throw validation(`Action denied by stack policy: ${by} for resource [LogicalResourceId/${change.logicalId}]`);
    }
  }
}

function concerns(statement: JsonObject, action: string, change: Changed): boolean {
  const matchesAction = (patterns: JsonValue | undefined): boolean =>
    list(patterns).some((p) => p === "Update:*" || p === action);
  if (statement.Action !== undefined ? !matchesAction(statement.Action) : matchesAction(statement.NotAction))
    return false;
  const resource = `LogicalResourceId/${change.logicalId}`;
  const matchesResource = (patterns: JsonValue | undefined): boolean => list(patterns).some((p) => glob(p, resource));
  if (statement.Resource !== undefined && !matchesResource(statement.Resource)) return false;
  if (statement.NotResource !== undefined && matchesResource(statement.NotResource)) return false;
  return conditionHolds(statement.Condition, change.type);
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
