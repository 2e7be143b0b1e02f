import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext } from "./context.ts";
import { compact, isIntrinsic, resolveParameters, SamFault } from "./context.ts";
import { expandPolicyTemplate, isPolicyTemplate } from "./policy-templates.ts";

/** What an execution role is made of. */
export interface RoleParts {
  /** The serverless resource it is for. */
  readonly id: string;
  readonly roleId: string;
  readonly trust: JsonValue;
  readonly managed: readonly JsonValue[];
  /** The Policies property: names, ARNs, documents, templates, one or many. */
  readonly policies: JsonValue | undefined;
  readonly inline: readonly JsonObject[];
  readonly tags?: readonly JsonValue[];
  readonly path?: JsonValue | undefined;
  readonly boundary?: JsonValue | undefined;
}

/** The trust policy of a service. */
export function trustPolicy(service: string): JsonObject {
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["sts:AssumeRole"], Principal: { Service: [service] } }],
  };
}

/** The properties of an execution role. */
export function roleProperties(context: SamContext, parts: RoleParts): JsonObject {
  const managed: JsonValue[] = [...parts.managed];
  const documents: JsonObject[] = [...parts.inline];
  const list = Array.isArray(parts.policies) ? parts.policies : parts.policies === undefined ? [] : [parts.policies];
  list.forEach((policy, index) => {
    addPolicy(context, parts, policy, index, managed, documents);
  });
  return compact({
    AssumeRolePolicyDocument: parts.trust,
    Path: parts.path,
    ManagedPolicyArns: managed,
    Policies: documents.length > 0 ? documents : undefined,
    PermissionsBoundary: parts.boundary,
    Tags: parts.tags?.length ? [...parts.tags] : undefined,
  });
}

function addPolicy(
  context: SamContext,
  parts: RoleParts,
  policy: JsonValue,
  index: number,
  managed: JsonValue[],
  documents: JsonObject[],
): void {
  const name = `${parts.roleId}Policy${index}`;
  const late = isObject(policy) && isIntrinsic(policy) && policy["Fn::If"] === undefined;
  if (typeof policy === "string" || late) {
    addManaged(managed, resolveManaged(context, policy));
    return;
  }
  const unknown = (): SamFault =>
    new SamFault(parts.id, `Policy at index ${index} in the 'Policies' property is not valid`);
  if (!isObject(policy)) throw unknown();
  const keys = Object.keys(policy);
  if (keys.length === 1 && isPolicyTemplate(keys[0] ?? "")) {
    const PolicyDocument = expandPolicyTemplate(parts.id, keys[0] ?? "", policy[keys[0] ?? ""] ?? null);
    documents.push({ PolicyName: name, PolicyDocument });
  } else if (Array.isArray(policy["Fn::If"])) {
    addConditional(context, parts, policy["Fn::If"], name, managed, documents);
  } else if (policy.Statement !== undefined) documents.push({ PolicyName: name, PolicyDocument: policy });
  else throw unknown();
}

/** `Fn::If` around policies: documents stay inline, names and ARNs become managed policies. */
function addConditional(
  context: SamContext,
  parts: RoleParts,
  branches: readonly JsonValue[],
  name: string,
  managed: JsonValue[],
  documents: JsonObject[],
): void {
  const [condition = "", ...both] = branches;
  const filled = both.map((branch) => {
    const key = isObject(branch) ? (Object.keys(branch)[0] ?? "") : "";
    return isObject(branch) && isPolicyTemplate(key)
      ? expandPolicyTemplate(parts.id, key, branch[key] ?? null)
      : branch;
  });
  if (filled.some((branch) => isObject(branch) && branch.Statement !== undefined)) {
    const entries = filled.map((branch) =>
      isObject(branch) && branch.Statement !== undefined ? { PolicyName: name, PolicyDocument: branch } : branch,
    );
    documents.push({ "Fn::If": [condition, ...entries] });
  } else addManaged(managed, { "Fn::If": [condition, ...filled.map((branch) => resolveManaged(context, branch))] });
}

function addManaged(list: JsonValue[], policy: JsonValue): void {
  if (!list.some((known) => JSON.stringify(known) === JSON.stringify(policy))) list.push(policy);
}

/** How the names of AWS's own managed policies begin; the caller knows those that have a path. */
const AWS_NAME = /^(Amazon|AWS|CloudWatch|CloudFront|IAM|Comprehend|Translate)[A-Z][A-Za-z0-9_-]+$/;

function resolveManaged(context: SamContext, policy: JsonValue): JsonValue {
  const value = isIntrinsic(policy) ? resolveParameters(context, policy) : policy;
  if (typeof value !== "string" || value.startsWith("arn:")) return typeof value === "string" ? value : policy;
  return (
    context.managedPolicies[value] ??
    (AWS_NAME.test(value) ? `arn:${context.partition}:iam::aws:policy/${value}` : value)
  );
}
