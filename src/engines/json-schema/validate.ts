import { characters } from "../../kernel/characters.ts";

/** A schema, as JSON says it; `true` and the empty object take everything. */
export type JsonSchema = Readonly<Record<string, any>>;

export interface SchemaOptions {
  /** The schema that a reference names; undefined where there is none. */
  readonly resolve: (reference: string) => JsonSchema | undefined;
  /** Whether a pattern of the schema's is found in a text. */
  readonly fits: (text: string, pattern: string) => boolean;
}

const MAX_STEPS = 100_000;
const MAX_DEPTH = 100;
const MAX_FAULTS = 20;

interface Run extends SchemaOptions {
  steps: number;
  readonly faults: string[];
}

/**
 * What is wrong with a value by a JSON schema of draft 4; an empty list where it is valid. Bounded: a schema that asks for more
 * work than that is not met.
 */
export function schemaFaults(value: unknown, schema: JsonSchema, options: SchemaOptions): string[] {
  const run: Run = { ...options, steps: 0, faults: [] };
  check(run, value, schema, 0);
  return run.faults;
}

function fault(run: Run, message: string): false {
  if (run.faults.length < MAX_FAULTS) run.faults.push(message);
  return false;
}

/** Checks without keeping what is found: for the alternatives of `anyOf`, `oneOf` and `not`. */
function fitsSchema(run: Run, value: unknown, schema: JsonSchema, depth: number): boolean {
  const inner: Run = { ...run, faults: [] };
  const ok = check(inner, value, schema, depth);
  run.steps = inner.steps;
  return ok;
}

/** What a value costs to look at as a whole: its members one by one would be steps too. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length / 1000;
  if (Array.isArray(value)) return value.length / 100;
  return isObject(value) ? Object.keys(value).length / 100 : 0;
}

function check(run: Run, value: unknown, schema: JsonSchema, depth: number): boolean {
  run.steps += 1 + sizeOf(value);
  if (run.steps > MAX_STEPS || depth > MAX_DEPTH) return fault(run, "the schema asks for too much work");
  if (typeof schema !== "object" || schema === null) return true;
  const reference: unknown = schema["$ref"];
  if (typeof reference === "string") {
    const target = run.resolve(reference);
    return target ? check(run, value, target, depth + 1) : fault(run, `unknown reference ${reference}`);
  }
  const results = [
    checkType(run, value, schema),
    checkCombined(run, value, schema, depth),
    typeof value === "string" ? checkText(run, value, schema) : true,
    typeof value === "number" ? checkNumber(run, value, schema) : true,
    Array.isArray(value) ? checkList(run, value, schema, depth) : true,
    isObject(value) ? checkObject(run, value, schema, depth) : true,
  ];
  return results.every(Boolean);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function checkType(run: Run, value: unknown, { type, enum: allowed }: JsonSchema): boolean {
  const found = typeOf(value);
  const types: unknown[] = type === undefined ? [] : [type].flat();
  const typed = types.length === 0 || types.includes(found) || (found === "integer" && types.includes("number"));
  if (!typed)
    return fault(
      run,
      `instance type (${found}) does not match any allowed primitive type (allowed: ${JSON.stringify(types)})`,
    );
  run.steps += Array.isArray(allowed) ? allowed.length / 100 : 0;
  if (Array.isArray(allowed) && !allowed.some((one) => same(one, value)))
    return fault(
      run,
      `instance value (${JSON.stringify(value)}) not found in enum (possible values: ${JSON.stringify(allowed)})`,
    );
  return true;
}

/** Equality of JSON values. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => same(one, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

function checkCombined(run: Run, value: unknown, schema: JsonSchema, depth: number): boolean {
  const { allOf, anyOf, oneOf, not } = schema;
  const fits = (one: JsonSchema): boolean => fitsSchema(run, value, one, depth + 1);
  let ok = true;
  for (const one of (allOf ?? []) as JsonSchema[]) ok = check(run, value, one, depth + 1) && ok;
  if (Array.isArray(anyOf) && !anyOf.some(fits))
    ok = fault(run, "instance failed to match at least one required schema among " + anyOf.length);
  if (Array.isArray(oneOf)) {
    const matched = oneOf.filter(fits).length;
    if (matched !== 1)
      ok = fault(run, `instance failed to match exactly one schema (matched ${matched} out of ${oneOf.length})`);
  }
  if (isObject(not) && fits(not)) ok = fault(run, "instance matched a schema which it should not have");
  return ok;
}

function checkText(run: Run, value: string, { minLength, maxLength, pattern }: JsonSchema): boolean {
  const length = minLength === undefined && maxLength === undefined ? 0 : characters(value);
  if (typeof minLength === "number" && length < minLength)
    return fault(
      run,
      `string "${value.slice(0, 100)}" is too short (length: ${length}, required minimum: ${minLength})`,
    );
  if (typeof maxLength === "number" && length > maxLength)
    return fault(run, `string "${value.slice(0, 100)}" is too long (length: ${length}, maximum allowed: ${maxLength})`);
  if (typeof pattern === "string" && !run.fits(value, pattern))
    return fault(run, `ECMA 262 regex "${pattern}" does not match input string "${value.slice(0, 100)}"`);
  return true;
}

function checkNumber(run: Run, value: number, schema: JsonSchema): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (typeof minimum === "number" && (value < minimum || (exclusiveMinimum === true && value === minimum)))
    return fault(run, `numeric instance is lower than the required minimum (minimum: ${minimum}, found: ${value})`);
  if (typeof maximum === "number" && (value > maximum || (exclusiveMaximum === true && value === maximum)))
    return fault(run, `numeric instance is greater than the required maximum (maximum: ${maximum}, found: ${value})`);
  if (typeof multipleOf === "number" && multipleOf > 0 && !isMultiple(value, multipleOf))
    return fault(run, `remainder of division is not zero (${value} / ${multipleOf})`);
  return true;
}

function isMultiple(value: number, of: number): boolean {
  const quotient = value / of;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9;
}

function checkList(run: Run, value: readonly unknown[], schema: JsonSchema, depth: number): boolean {
  const { items, additionalItems, minItems, maxItems, uniqueItems } = schema;
  if (typeof minItems === "number" && value.length < minItems)
    return fault(
      run,
      `array is too short: must have at least ${minItems} elements but instance has ${value.length} elements`,
    );
  if (typeof maxItems === "number" && value.length > maxItems)
    return fault(
      run,
      `array is too long: must have at most ${maxItems} elements but instance has ${value.length} elements`,
    );
  if (uniqueItems === true) run.steps += value.length;
  if (uniqueItems === true && new Set(value.map((one) => canonical(one))).size < value.length)
    return fault(run, "array must not contain duplicate elements");
  const tuple = Array.isArray(items) ? (items as JsonSchema[]) : undefined;
  if (tuple && additionalItems === false && value.length > tuple.length)
    return fault(run, "array has more elements than its schema allows");
  return value.every((one, i) => {
    const schemaOfOne = tuple ? (tuple[i] ?? additionalItems) : items;
    return isObject(schemaOfOne) ? check(run, one, schemaOfOne, depth + 1) : true;
  });
}

/** The same text for the same JSON value, whatever the order of its members. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) =>
    isObject(one) ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1))) : one,
  );

function checkObject(run: Run, value: Readonly<Record<string, unknown>>, schema: JsonSchema, depth: number): boolean {
  const { properties = {}, patternProperties = {}, additionalProperties, required } = schema;
  const { minProperties, maxProperties, dependencies = {} } = schema;
  const names = Object.keys(value);
  let ok = true;
  const missing = (Array.isArray(required) ? (required as string[]) : []).filter((name) => !Object.hasOwn(value, name));
  if (missing.length) ok = fault(run, `object has missing required properties (${JSON.stringify(missing)})`);
  if (typeof minProperties === "number" && names.length < minProperties)
    ok = fault(run, "object has too few properties");
  if (typeof maxProperties === "number" && names.length > maxProperties)
    ok = fault(run, "object has too many properties");
  const strange: string[] = [];
  const patterns = Object.entries(patternProperties as Record<string, JsonSchema>);
  run.steps += names.length * patterns.length;
  if (run.steps > MAX_STEPS) return fault(run, "the schema asks for too much work");
  for (const name of names) {
    const own = Object.hasOwn(properties as object, name) ? [properties[name] as JsonSchema] : [];
    const byPattern = patterns.filter(([p]) => run.fits(name, p));
    const all = [...own, ...byPattern.map(([, one]) => one)];
    if (all.length === 0 && additionalProperties === false) strange.push(name);
    if (all.length === 0 && isObject(additionalProperties)) all.push(additionalProperties);
    for (const one of all) ok = check(run, value[name], one, depth + 1) && ok;
  }
  if (strange.length)
    ok = fault(run, `object instance has properties which are not allowed by the schema: ${JSON.stringify(strange)}`);
  for (const [name, needed] of Object.entries(dependencies as Record<string, JsonSchema | string[]>)) {
    if (!Object.hasOwn(value, name)) continue;
    if (!Array.isArray(needed)) ok = check(run, value, needed, depth + 1) && ok;
    else if (needed.some((one) => !Object.hasOwn(value, one)))
      ok = fault(run, `property "${name}" of object has missing property dependencies`);
  }
  return ok;
}
