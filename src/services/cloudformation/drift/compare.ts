import { isDeepStrictEqual } from "node:util";
import type { PropertyDifference } from "@aws-sdk/client-cloudformation";

const MAX_DEPTH = 40;
/** Lists whose order means nothing, and what tells one of their items from another. */
const UNORDERED: Readonly<Record<string, string>> = {
  Tags: "Key",
  Policies: "PolicyName",
  Targets: "Id",
  ManagedPolicyArns: "",
};

type Json = unknown;
type JsonMap = Readonly<Record<string, Json>>;

/**
 * What of the properties that a template sets is otherwise now. Texts and the numbers, truth values or documents that they stand
 * for are the same.
 */
export function differences(expected: JsonMap, actual: JsonMap): PropertyDifference[] {
  const found: PropertyDifference[] = [];
  for (const [name, value] of Object.entries(expected))
    if (Object.hasOwn(actual, name)) compare(`/${name}`, value, actual[name], found, 0);
  return found;
}

function compare(path: string, expected: Json, actual: Json, found: PropertyDifference[], depth: number): void {
  if (isUnresolved(expected)) return;
  const [left, right] = [plain(path, expected), plain(path, actual)];
  if (isDeepStrictEqual(left, right) || depth > MAX_DEPTH) return;
  if (isMap(left) && isMap(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)]))
      compare(`${path}/${key}`, left[key], right[key], found, depth + 1);
  } else if (Array.isArray(left) && Array.isArray(right)) {
    for (let i = 0; i < Math.max(left.length, right.length); i++)
      compare(`${path}/${i}`, left[i], right[i], found, depth + 1);
  } else if (!areSame(left, right))
    found.push({
      PropertyPath: path,
      ExpectedValue: shown(left),
      ActualValue: shown(right),
      DifferenceType: left === undefined ? "ADD" : right === undefined ? "REMOVE" : "NOT_EQUAL",
    });
}

/** The value of a dynamic reference is not known to the stack. */
const isUnresolved = (value: Json): boolean => typeof value === "string" && value.includes("{{resolve:");

/** What is there now, with the dynamic references of the template in the place of their values: these may be secrets. */
export function withReferences(expected: Json, actual: Json): Json {
  if (isUnresolved(expected)) return expected;
  if (Array.isArray(expected) && Array.isArray(actual))
    return actual.map((item, i) => withReferences(expected[i], item));
  if (!isMap(expected) || !isMap(actual)) return actual;
  return Object.fromEntries(Object.entries(actual).map(([key, value]) => [key, withReferences(expected[key], value)]));
}

const isMap = (value: Json): value is JsonMap => typeof value === "object" && value !== null && !Array.isArray(value);

/** A value without what means nothing: documents as texts, the order of sets, members that are not there. */
function plain(path: string, value: Json): Json {
  if (typeof value === "string" && /^\s*[{[]/.test(value)) {
    try {
      return plain(path, JSON.parse(value));
    } catch {
      return value;
    }
  }
  const key = UNORDERED[path.slice(path.lastIndexOf("/") + 1)];
  if (Array.isArray(value) && key !== undefined) {
    const nameOf = (item: Json): string => String(key ? (item as JsonMap | null)?.[key] : item);
    return value
      .filter((item) => !nameOf(item).startsWith("aws:"))
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) as Json;
  }
  if (!isMap(value)) return value ?? undefined;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined && member !== null));
}

/** IAM takes one text for a list of one; everything that is set by texts is read as what it stands for. */
function areSame(left: Json, right: Json): boolean {
  const one = (value: Json): Json => (Array.isArray(value) && value.length === 1 ? (value[0] as Json) : value);
  const [a, b] = [one(left), one(right)];
  if (isEmpty(a) && isEmpty(b)) return true;
  // What a template leaves out and nobody switched on is as the template says.
  if (a === undefined && b === false) return true;
  return !isMap(a) && !isMap(b) && !Array.isArray(a) && !Array.isArray(b) && String(a) === String(b);
}

const isEmpty = (value: Json): boolean =>
  value === undefined ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (isMap(value) && Object.keys(value).length === 0);

const shown = (value: Json): string =>
  value === undefined ? "null" : typeof value === "string" ? value : JSON.stringify(value);
