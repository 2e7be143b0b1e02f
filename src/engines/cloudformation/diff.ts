import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "../yaml/index.ts";
import { TemplateError } from "./diagnostic.ts";
import { resolveProperties, resolveValue } from "./intrinsics.ts";
import type { Reference } from "./references.ts";
import { findReferences } from "./references.ts";
import { propertySchema, resourceSchema } from "./resource-schemas.ts";
import type { Scope } from "./scope.ts";
import type { ResourceDeclaration, Template } from "./template.ts";

/** A stack as its template and inputs describe it, before or after a change. */
export interface StackView {
  readonly template: Template;
  /** Resolved parameters, conditions and mappings; `partial` should be set. */
  readonly scope: Scope;
  /** Parameters as they were given, where that may differ from what they resolve to. */
  readonly given?: Readonly<Record<string, string>>;
}

export type Attribute =
  | "Properties"
  | "Metadata"
  | "CreationPolicy"
  | "UpdatePolicy"
  | "DeletionPolicy"
  | "UpdateReplacePolicy"
  | "Tags";
export type Recreation = "Never" | "Conditionally" | "Always";

/** Why a resource changes, as a change set shows it. */
export interface ChangeDetail {
  readonly target: { readonly attribute: Attribute; readonly name?: string; readonly requiresRecreation: Recreation };
  readonly evaluation: "Static" | "Dynamic";
  readonly changeSource:
    | "DirectModification"
    | "ParameterReference"
    | "ResourceReference"
    | "ResourceAttribute"
    | "Automatic";
  readonly causingEntity?: string;
}

export interface ResourceChange {
  readonly action: "Add" | "Modify" | "Remove";
  readonly logicalId: string;
  readonly type: string;
  /** Of a Modify. */
  readonly replacement?: "True" | "False" | "Conditional";
  readonly scope: readonly Attribute[];
  readonly details: readonly ChangeDetail[];
}

/** What going from one template to another does to each resource, in the order of the new template. */
export function diffTemplates(before: StackView | undefined, after: StackView): ResourceChange[] {
  const old = before ? activeResources(before) : new Map<string, ResourceDeclaration>();
  const now = activeResources(after);
  refuseTypeChanges(old, now);
  const modified = new Map<string, ResourceChange>();
  if (before) findModified(before, after, old, now, modified);
  const changes: ResourceChange[] = [];
  for (const [logicalId, resource] of now) {
    const change = modified.get(logicalId);
    if (change) changes.push(change);
    else if (!old.has(logicalId))
      changes.push({ action: "Add", logicalId, type: resource.type, scope: [], details: [] });
  }
  for (const [logicalId, resource] of old) {
    if (!now.has(logicalId)) changes.push({ action: "Remove", logicalId, type: resource.type, scope: [], details: [] });
  }
  return changes;
}

/** The resources whose condition holds. */
export function activeResources({ template, scope }: StackView): Map<string, ResourceDeclaration> {
  const active = Object.entries(template.resources).filter(([, r]) => !r.condition || scope.conditions[r.condition]);
  return new Map(active);
}

function refuseTypeChanges(
  old: ReadonlyMap<string, ResourceDeclaration>,
  now: ReadonlyMap<string, ResourceDeclaration>,
): void {
  const changed = [...now].filter(([id, r]) => old.has(id) && old.get(id)?.type !== r.type).map(([id]) => id);
  if (changed.length === 0) return;
  throw new TemplateError(
    `Update of resource type is not permitted. The new template modifies resource type of the following resources: [${changed.join(", ")}]`,
  );
}

/** Repeats until nothing new changes: a replaced resource changes those that refer to it. */
function findModified(
  before: StackView,
  after: StackView,
  old: ReadonlyMap<string, ResourceDeclaration>,
  now: ReadonlyMap<string, ResourceDeclaration>,
  modified: Map<string, ResourceChange>,
): void {
  for (let round = 0; round <= now.size; round++) {
    let grew = false;
    for (const [id, resource] of now) {
      const was = old.get(id);
      if (!was) continue;
      const details = compareResource(was, resource, before, after, modified);
      if (details.length === (modified.get(id)?.details.length ?? 0)) continue;
      modified.set(id, summary(id, resource.type, details));
      grew = true;
    }
    if (!grew) return;
  }
}

/** The resources that are sure to be replaced. */
export const replacedOf = (changes: Iterable<ResourceChange>): ReadonlySet<string> =>
  new Set([...changes].filter((change) => change.replacement === "True").map((change) => change.logicalId));

/** A scope in which these resources are not there yet: what they will give is known after their replacement only. */
export const scopeWithout = (scope: Scope, ids: ReadonlySet<string>): Scope =>
  ids.size === 0
    ? scope
    : {
        ...scope,
        ref: (id) => (ids.has(id) ? undefined : scope.ref?.(id)),
        getAtt: (id, name) => (ids.has(id) ? undefined : scope.getAtt?.(id, name)),
      };

function summary(logicalId: string, type: string, details: readonly ChangeDetail[]): ResourceChange {
  const certain = details.some((d) => d.target.requiresRecreation === "Always" && d.evaluation === "Static");
  const possible = details.some((d) => d.target.requiresRecreation !== "Never");
  const scope = [...new Set(details.map((d) => d.target.attribute))];
  return {
    action: "Modify",
    logicalId,
    type,
    replacement: certain ? "True" : possible ? "Conditional" : "False",
    scope,
    details,
  };
}

const valueOf = (resource: ResourceDeclaration, member: Policy): JsonValue => resource[member] ?? null;

type Policy = "creationPolicy" | "updatePolicy" | "deletionPolicy" | "updateReplacePolicy";
const OTHERS: readonly [Attribute, Policy][] = [
  ["CreationPolicy", "creationPolicy"],
  ["UpdatePolicy", "updatePolicy"],
  ["DeletionPolicy", "deletionPolicy"],
  ["UpdateReplacePolicy", "updateReplacePolicy"],
];

function compareResource(
  was: ResourceDeclaration,
  is: ResourceDeclaration,
  before: StackView,
  after: StackView,
  modified: ReadonlyMap<string, ResourceChange>,
): ChangeDetail[] {
  const details: ChangeDetail[] = [];
  const replaced = replacedOf(modified.values());
  const oldValues = resolveProperties(was.properties, before.scope);
  const newValues = resolveProperties(is.properties, scopeWithout(after.scope, replaced));
  const names = new Set([...Object.keys(was.properties), ...Object.keys(is.properties)]);
  for (const name of names) {
    const target = targetOf(is.type, name);
    const differs = !isDeepStrictEqual(oldValues[name], newValues[name]);
    const refs = findReferences(is.properties[name] ?? null);
    if (differs) details.push(...staticDetails(refs, target, before, after, replaced));
    details.push(...dynamicDetails(refs, target, modified));
  }
  const [oldData, newData] = [was.metadata ?? null, is.metadata ?? null];
  const about: ChangeDetail["target"] = { attribute: "Metadata", requiresRecreation: "Never" };
  if (!isDeepStrictEqual(resolveValue(oldData, before.scope), resolveValue(newData, after.scope)))
    details.push(...staticDetails(findReferences(newData), about, before, after, replaced));
  for (const [attribute, member] of OTHERS) {
    const values = [resolveValue(valueOf(was, member), before.scope), resolveValue(valueOf(is, member), after.scope)];
    if (isDeepStrictEqual(values[0], values[1])) continue;
    details.push({
      target: { attribute, requiresRecreation: "Never" },
      evaluation: "Static",
      changeSource: "DirectModification",
    });
  }
  return details;
}

function staticDetails(
  refs: readonly Reference[],
  target: ChangeDetail["target"],
  before: StackView,
  after: StackView,
  replaced: ReadonlySet<string>,
): ChangeDetail[] {
  const parameters = refs.filter((ref) => ref.kind === "Ref" && parameterChanged(ref.name, before, after));
  const causes = [...new Set(parameters.map((ref) => ref.name))];
  const details = causes.map((name): ChangeDetail => ({
    target,
    evaluation: "Static",
    changeSource: "ParameterReference",
    causingEntity: name,
  }));
  // What a parameter's new value or another resource makes of a property counts as a change of its own, too.
  if (causes.length > 0 || refs.some((ref) => replaced.has(ref.name)))
    details.push({ target, evaluation: "Dynamic", changeSource: "DirectModification" });
  else details.push({ target, evaluation: "Static", changeSource: "DirectModification" });
  return details;
}

function parameterChanged(name: string, before: StackView, after: StackView): boolean {
  const value: JsonValue | undefined = after.scope.parameters[name];
  // Another value in the parameter store is no change of the parameter that names it.
  if (before.given && after.given && before.given[name] === after.given[name]) return false;
  return value !== undefined && !isDeepStrictEqual(value, before.scope.parameters[name]);
}

function dynamicDetails(
  refs: readonly Reference[],
  target: ChangeDetail["target"],
  modified: ReadonlyMap<string, ResourceChange>,
): ChangeDetail[] {
  const details = new Map<string, ChangeDetail>();
  for (const ref of refs) {
    const cause = modified.get(ref.name);
    if (!cause) continue;
    // What is replaced is sure to have other attributes.
    const evaluation = cause.replacement === "True" ? "Static" : "Dynamic";
    if (ref.kind === "GetAtt") {
      const causingEntity = `${ref.name}.${ref.attribute}`;
      details.set(causingEntity, { target, evaluation, changeSource: "ResourceAttribute", causingEntity });
    } else if (ref.kind === "Ref" && cause.replacement !== "False") {
      details.set(ref.name, {
        target,
        evaluation,
        changeSource: "ResourceReference",
        causingEntity: ref.name,
      });
    }
  }
  return [...details.values()];
}

function targetOf(type: string, name: string): ChangeDetail["target"] {
  const schema = resourceSchema(type);
  const replacement = schema && propertySchema(schema.properties, name)?.replacement;
  const requiresRecreation = replacement === "yes" ? "Always" : replacement === "maybe" ? "Conditionally" : "Never";
  return { attribute: "Properties", name, requiresRecreation };
}
