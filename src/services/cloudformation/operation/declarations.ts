import {
  resolveValue,
  TemplateError,
  type ResourceDeclaration,
  type Scope,
} from "../../../engines/cloudformation/index.ts";
import { StepFailed } from "./failure.ts";

/** A resource with what functions say of its metadata and policies. */
export const resolvedDeclaration = (declared: ResourceDeclaration, scope: Scope): ResourceDeclaration =>
  withPolicies(withMetadata(declared, scope), scope);

const POLICIES = new Set(["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"]);

/** A resource with what its functions say that becomes of it. */
function withPolicies(declared: ResourceDeclaration, scope: Scope): ResourceDeclaration {
  const { deletionPolicy, updateReplacePolicy, ...rest } = declared;
  const given = { deletionPolicy, updateReplacePolicy };
  const resolved = Object.entries(given).flatMap(([name, value]) => {
    const policy = value === undefined ? undefined : resolveValue(value, scope);
    if (policy === undefined) return [];
    if (typeof policy === "string" && POLICIES.has(policy)) return [[name, policy]];
    const word = name === "deletionPolicy" ? "DeletionPolicy" : "UpdateReplacePolicy";
    const text = typeof policy === "string" ? policy : JSON.stringify(policy);
    throw new StepFailed(`Template format error: Unrecognized ${word} ${text} for resource ${declared.logicalId}`);
  });
  const creationPolicy = rest.creationPolicy === undefined ? undefined : resolveValue(rest.creationPolicy, scope);
  return { ...rest, ...Object.fromEntries(resolved), ...(creationPolicy === undefined ? {} : { creationPolicy }) };
}

/** A resource with its metadata as it is shown; what is not known yet, stays as the template says it. */
function withMetadata(declared: ResourceDeclaration, scope: Scope): ResourceDeclaration {
  if (declared.metadata === undefined) return declared;
  try {
    const metadata = resolveValue(declared.metadata, scope);
    return metadata === undefined ? declared : { ...declared, metadata };
  } catch (error) {
    if (error instanceof TemplateError) return declared;
    throw error;
  }
}
