import {
  replacedOf,
  resolveProperties,
  resolveValue,
  scopeWithout,
  type ResourceChange,
  type StackView,
} from "../../../engines/cloudformation/index.ts";
import type { JsonValue } from "../../../engines/yaml/index.ts";
import { ownValue } from "../../../kernel/own-value.ts";
import type { Difference } from "../difference.ts";
import type { Imports } from "./imports.ts";
import type { KeptChange } from "./shown.ts";

/** AWS's order: by name, a longer one before what it begins with. */
const orderOf = ({ logicalId }: ResourceChange): string => `${logicalId}~`;

/** The changes of a difference with the properties before and after, as a change set keeps them. */
export function kept({ changes, before, after, resources }: Difference, imports: Imports): KeptChange[] {
  const scope = scopeWithout(after.scope, replacedOf(changes));
  const ordered = changes.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  return ordered.map((change) => {
    const was = before?.template.resources[change.logicalId];
    const is = after.template.resources[change.logicalId];
    const imported = ownValue(imports, change.logicalId);
    const physicalId = imported ?? resources.get(change.logicalId)?.physicalId;
    const added = change.action === "Add";
    return {
      ...change,
      ...policyOf(change, resolved(was?.deletionPolicy, before), resolved(was?.updateReplacePolicy, before)),
      ...(imported === undefined ? {} : { action: "Import" as const }),
      ...(physicalId === undefined || (added && imported === undefined) ? {} : { physicalId }),
      ...(was && before && !added ? { before: { Properties: resolveProperties(was.properties, before.scope) } } : {}),
      ...(is && change.action !== "Remove" ? { after: { Properties: resolveProperties(is.properties, scope) } } : {}),
    };
  });
}

const resolved = (value: JsonValue | undefined, view: StackView | undefined): JsonValue | undefined =>
  value === undefined || !view ? value : resolveValue(value, view.scope);

/** What becomes of the resource that is removed or replaced. */
function policyOf(
  { action, replacement }: ResourceChange,
  deletion: JsonValue | undefined,
  replace: JsonValue | undefined,
): Pick<KeptChange, "policyAction"> {
  const word = (policy: JsonValue | undefined): string =>
    /^(Retain|Snapshot)/.exec(typeof policy === "string" ? policy : "")?.[1] ?? "Delete";
  if (action === "Remove") return { policyAction: word(deletion) };
  return replacement === "True" ? { policyAction: `ReplaceAnd${word(replace)}` } : {};
}
