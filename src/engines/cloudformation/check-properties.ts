import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { ResourceSchema } from "./resource-schemas.ts";
import { isResourceType, propertySchema, resourceSchema } from "./resource-schemas.ts";
import { KNOWN_AFTER_APPLY } from "./scope.ts";
import type { ResourceDeclaration, Template } from "./template.ts";

/** Properties with the types that the schema asks for, and what cannot be. */
export interface CheckedProperties {
  readonly properties: JsonObject;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Checks a resource's properties against its type's schema and coerces as CloudFormation does: numbers and booleans
 * where text is due, text where numbers and booleans are due, one value where a list is due, JSON text where an
 * object is due. Intrinsic functions that are still there pass unchecked, so it serves before and after resolving.
 */
export function checkProperties(
  resource: Pick<ResourceDeclaration, "logicalId" | "type">,
  properties: JsonObject,
  lineOf: (pointer: string) => number | undefined = () => undefined,
): CheckedProperties {
  const schema = resourceSchema(resource.type);
  if (!schema || resource.type.endsWith("CustomResource")) return { properties, diagnostics: [] };
  const base = `/Resources/${resource.logicalId}/Properties`;
  const check: Check = { schema, base, lineOf, logicalId: resource.logicalId, found: [] };
  const checked = checkMembers(check, schema.properties, properties, "");
  return { properties: checked, diagnostics: check.found };
}

/** Checks the types and declared properties of all resources of a template. */
export function checkResources(
  template: Template,
  lineOf: (pointer: string) => number | undefined = () => undefined,
  knows: (type: string) => boolean = isResourceType,
): Diagnostic[] {
  const resources = Object.values(template.resources);
  const strange = [
    ...new Set(resources.map((r) => r.type).filter((type) => !type.startsWith("Custom::") && !knows(type))),
  ];
  const found: Diagnostic[] = [];
  if (strange.length > 0) {
    const first = resources.find((r) => strange.includes(r.type));
    const path = `/Resources/${first?.logicalId}/Type`;
    const line = lineOf(path);
    found.push({
      path,
      message: `Template format error: Unrecognized resource types: [${strange.join(", ")}]`,
      ...(line !== undefined && { line }),
    });
  }
  for (const resource of resources) found.push(...checkProperties(resource, resource.properties, lineOf).diagnostics);
  return found;
}

/** CloudFormation's status reason for a resource whose properties are refused. */
export function propertiesFailure(logicalId: string, messages: readonly string[]): string {
  return `Properties validation failed for resource ${logicalId} with message:\n${messages.join("\n")}`;
}

interface Check {
  readonly schema: ResourceSchema;
  readonly base: string;
  readonly lineOf: (pointer: string) => number | undefined;
  readonly logicalId: string;
  readonly found: Diagnostic[];
}

function report(check: Check, pointer: string, message: string): void {
  if (check.found.length >= 50) return;
  const path = check.base + pointer;
  const line = check.lineOf(path);
  check.found.push({ path, message, logicalId: check.logicalId, ...(line !== undefined && { line }) });
}

function checkMembers(
  check: Check,
  properties: ResourceSchema["properties"],
  value: JsonObject,
  pointer: string,
): JsonObject {
  const result: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    const schema = propertySchema(properties, name);
    if (!schema) {
      if (name.startsWith("Fn::")) return value;
      report(check, `${pointer}/${name}`, `Encountered unsupported property ${name}`);
      continue;
    }
    const at = `${pointer}/${name}`;
    const coerced = coerce(check, schema.type, member, at);
    result[name] = coerced;
    if (schema.values && typeof coerced === "string" && !coerced.includes(KNOWN_AFTER_APPLY)) {
      const known = schema.values.map(String);
      // Some types take the words of an enum in any case (CodePipeline's toolchain templates rely on it).
      const match = known.find((word) => word === coerced) ?? known.find((word) => same(word, coerced));
      if (match !== undefined) result[name] = match;
      else report(check, at, `#${at}: ${coerced} is not a valid enum value`);
    }
  }
  for (const name of Object.keys(properties)) {
    if (!propertySchema(properties, name)?.required || value[name] !== undefined) continue;
    if (Object.keys(value).some((key) => key.startsWith("Fn::"))) continue;
    report(check, pointer, `#${pointer}: required key [${name}] not found`);
  }
  return result;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase().replace(/[_-]/g, "") === b.toLowerCase().replace(/[_-]/g, "");
}

function isIntrinsic(value: JsonValue): boolean {
  if (!isObject(value)) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === "Ref" || (keys[0] ?? "").startsWith("Fn::"));
}

function coerce(check: Check, type: string, value: JsonValue, pointer: string): JsonValue {
  if (isIntrinsic(value) || value === KNOWN_AFTER_APPLY) return value;
  const options = splitTypes(type);
  if (options.length > 1) {
    for (const option of options) {
      const trial: Check = { ...check, found: [] };
      const coerced = coerce(trial, option, value, pointer);
      if (trial.found.length === 0) return coerced;
    }
    return coerce(check, options[0] ?? "json", value, pointer);
  }
  const element = /^(list|map)<(.*)>$/.exec(type);
  if (element?.[1] === "list") return coerceList(check, element[2] ?? "json", value, pointer);
  if (element?.[1] === "map") return coerceMap(check, element[2] ?? "json", value, pointer);
  if (type.startsWith("@")) {
    const definition = check.schema.definitions?.[type.slice(1)];
    if (!definition) return value;
    if (isObject(value)) return checkMembers(check, definition.properties, value, pointer);
    return wrongType(check, "JSONObject", value, pointer);
  }
  return coerceScalar(check, type, value, pointer);
}

function splitTypes(type: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= type.length; i++) {
    if (type[i] === "<") depth++;
    else if (type[i] === ">") depth--;
    else if (i === type.length || (type[i] === "|" && depth === 0)) {
      parts.push(type.slice(start, i));
      start = i + 1;
    }
  }
  return parts;
}

function coerceList(check: Check, element: string, value: JsonValue, pointer: string): JsonValue {
  if (Array.isArray(value)) return value.map((item, i) => coerce(check, element, item, `${pointer}/${i}`));
  if (typeof value === "object" && element === "tag") return wrongType(check, "JSONArray", value, pointer);
  return [coerce(check, element, value, pointer)];
}

function coerceMap(check: Check, element: string, value: JsonValue, pointer: string): JsonValue {
  if (!isObject(value)) return wrongType(check, "JSONObject", value, pointer);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, coerce(check, element, item, `${pointer}/${key}`)]),
  );
}

function coerceScalar(check: Check, type: string, value: JsonValue, pointer: string): JsonValue {
  if (type === "json" || type === "any") return coerceJson(value);
  if (type === "tag") {
    if (!isObject(value)) return wrongType(check, "JSONObject", value, pointer);
    for (const name of ["Key", "Value"]) {
      if (value[name] === undefined) report(check, pointer, `#${pointer}: required key [${name}] not found`);
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, v]) => [key, isIntrinsic(v) || typeof v === "object" ? v : String(v)]),
    );
  }
  if (typeof value === "object") {
    const named = { string: "String", integer: "Integer", number: "Number", boolean: "Boolean" }[type] ?? "String";
    return wrongType(check, named, value, pointer);
  }
  if (type === "boolean") {
    const text = String(value).toLowerCase();
    if (text === "true" || text === "false") return text === "true";
    return wrongType(check, "Boolean", value, pointer);
  }
  if (type === "integer" || type === "number") {
    const text = String(value).trim();
    const number = text === "" ? Number.NaN : Number(text);
    if (Number.isNaN(number) || typeof value === "boolean")
      return wrongType(check, type === "integer" ? "Integer" : "Number", value, pointer);
    if (type === "integer" && !Number.isInteger(number)) return wrongType(check, "Integer", value, pointer);
    return number;
  }
  return String(value);
}

function coerceJson(value: JsonValue): JsonValue {
  if (typeof value !== "string" || !/^\s*[{[]/.test(value)) return value;
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    return value;
  }
}

function wrongType(check: Check, expected: string, value: JsonValue, pointer: string): JsonValue {
  const found = Array.isArray(value)
    ? "JSONArray"
    : typeof value === "object"
      ? "JSONObject"
      : typeof value === "string"
        ? "String"
        : typeof value === "boolean"
          ? "Boolean"
          : "Number";
  report(check, pointer, `#${pointer}: expected type: ${expected}, found: ${found}`);
  return value;
}
