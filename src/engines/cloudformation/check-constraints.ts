import { boundedMatcher, type BoundedMatch } from "../../kernel/bounded-match.ts";
import { characters } from "../../kernel/characters.ts";
import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import rawConstraints from "./generated/resource-constraints.json" with { type: "json" };
import { KNOWN_AFTER_APPLY } from "./scope.ts";

type Bounds = readonly [minimum: number | null, maximum: number | null];

/** What a published schema demands of a value beyond its type. */
interface Constraint {
  readonly ref?: string;
  readonly pattern?: string;
  readonly length?: Bounds;
  readonly range?: Bounds;
  readonly multiple?: number;
  readonly count?: Bounds;
  readonly unique?: boolean;
  readonly size?: Bounds;
  readonly anyOf?: readonly (readonly string[])[];
  readonly oneOf?: readonly (readonly string[])[];
  readonly properties?: Readonly<Record<string, Constraint>>;
  readonly items?: Constraint;
  readonly values?: Constraint;
}

interface TypeConstraints extends Constraint {
  readonly definitions?: Readonly<Record<string, Constraint>>;
}

const CONSTRAINTS = rawConstraints as unknown as Readonly<Record<string, TypeConstraints>>;
const MOST_MESSAGES = 50;
const MOST_PATTERN_MS = 250;

/**
 * What of a resource's resolved and coerced properties breaks a length, range, pattern, count or choice of its type's
 * published schema, in the words of CloudFormation, which repeat no value. Functions and dynamic references that are
 * still there pass, and so does what takes too long to match: the service decides about it.
 */
export function brokenConstraints(type: string, properties: JsonObject): string[] {
  const root = Object.hasOwn(CONSTRAINTS, type) ? CONSTRAINTS[type] : undefined;
  if (!root) return [];
  const check: Check = { definitions: root.definitions ?? {}, matches: boundedMatcher(MOST_PATTERN_MS), found: [] };
  checkValue(check, root, properties, "#");
  return check.found;
}

interface Check {
  readonly definitions: Readonly<Record<string, Constraint>>;
  readonly matches: BoundedMatch;
  readonly found: string[];
}

function report(check: Check, pointer: string, message: string): void {
  if (check.found.length < MOST_MESSAGES) check.found.push(`${pointer}: ${message}`);
}

function checkValue(check: Check, constraint: Constraint, value: JsonValue, pointer: string): void {
  const target = constraint.ref === undefined ? undefined : check.definitions[constraint.ref];
  if (target) checkValue(check, target, value, pointer);
  if (typeof value === "string") checkText(check, constraint, value, pointer);
  else if (typeof value === "number") checkNumber(check, constraint, value, pointer);
  else if (Array.isArray(value)) checkList(check, constraint, value, pointer);
  else if (isObject(value)) checkObject(check, constraint, value, pointer);
}

function checkText(check: Check, { length, pattern }: Constraint, text: string, pointer: string): void {
  if (text.includes(KNOWN_AFTER_APPLY) || text.includes("{{resolve:")) return;
  const [minimum, maximum] = length ?? [null, null];
  const actual = length ? characters(text) : 0;
  if (minimum !== null && actual < minimum) {
    report(check, pointer, `expected minLength: ${minimum}, actual: ${actual}`);
  } else if (maximum !== null && actual > maximum) {
    report(check, pointer, `expected maxLength: ${maximum}, actual: ${actual}`);
  }
  if (pattern === undefined) return;
  const expression = new RegExp(pattern, "u");
  // Java's `$`, which these patterns are written for, also holds before a line's end that ends the text.
  const texts = text.endsWith("\n") ? [text, text.slice(0, -1)] : [text];
  if (texts.every((candidate) => check.matches(expression, candidate) === false)) broken(check, pointer, "pattern");
}

function broken(check: Check, pointer: string, keyword: string): void {
  report(check, pointer, `failed validation constraint for keyword [${keyword}]`);
}

function checkNumber(check: Check, { range, multiple }: Constraint, value: number, pointer: string): void {
  const [minimum, maximum] = range ?? [null, null];
  if (minimum !== null && value < minimum) broken(check, pointer, "minimum");
  if (maximum !== null && value > maximum) broken(check, pointer, "maximum");
  if (multiple !== undefined && value % multiple !== 0) broken(check, pointer, "multipleOf");
}

function checkList(
  check: Check,
  { count, unique, items }: Constraint,
  list: readonly JsonValue[],
  pointer: string,
): void {
  const [minimum, maximum] = count ?? [null, null];
  if (minimum !== null && list.length < minimum) {
    report(check, pointer, `expected minimum item count: ${minimum}, found: ${list.length}`);
  }
  if (maximum !== null && list.length > maximum) {
    report(check, pointer, `expected maximum item count: ${maximum}, found: ${list.length}`);
  }
  if (unique && new Set(list.map(canonical)).size < list.length && !list.some(isUnknown)) {
    report(check, pointer, "array items are not unique");
  }
  if (items) for (const [index, item] of list.entries()) checkValue(check, items, item, `${pointer}/${index}`);
}

const isUnknown = (value: JsonValue): boolean => JSON.stringify(value).includes(KNOWN_AFTER_APPLY);

/** JSON text that does not depend on the order of keys. */
function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_key, item: JsonValue) =>
    isObject(item) ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
}

function checkObject(check: Check, constraint: Constraint, value: JsonObject, pointer: string): void {
  const entries = Object.entries(value);
  if (entries.length === 1 && (entries[0]![0] === "Ref" || entries[0]![0].startsWith("Fn::"))) return;
  const { size, anyOf, oneOf, properties, values } = constraint;
  const [minimum, maximum] = size ?? [null, null];
  if (minimum !== null && entries.length < minimum)
    report(check, pointer, `minimum size: [${minimum}], found: [${entries.length}]`);
  if (maximum !== null && entries.length > maximum)
    report(check, pointer, `maximum size: [${maximum}], found: [${entries.length}]`);
  const holds = (required: readonly string[]): boolean => required.every((name) => value[name] !== undefined);
  if (anyOf && !anyOf.some(holds))
    report(check, pointer, `#: no subschema matched out of the total ${anyOf.length} subschemas`);
  const matching = oneOf?.filter(holds).length;
  if (oneOf && matching !== 1) report(check, pointer, `#: ${matching} subschemas matched instead of one`);
  for (const [name, item] of entries) {
    const member = properties && Object.hasOwn(properties, name) ? properties[name] : values;
    if (member) checkValue(check, member, item, `${pointer}/${name}`);
  }
}
