import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject, readJson, readYaml } from "../yaml/index.ts";
import { TemplateError } from "./diagnostic.ts";
import { resolveValue } from "./intrinsics.ts";
import { findReferences } from "./references.ts";
import { KNOWN_AFTER_APPLY, type Scope } from "./scope.ts";

const MAX_NODES = 100_000;

/**
 * The `AWS::LanguageExtensions` transform: unfolds `Fn::ForEach`, and computes `Fn::Length` and `Fn::ToJsonString`
 * where they do not wait for resources (the resolver does the rest), `Fn::Sub` where a loop has left nothing to fill in, and
 * intrinsic functions in DeletionPolicy.
 */
export function expandLanguageExtensions(template: JsonObject, scope: Scope): JsonObject {
  const budget = { nodes: MAX_NODES };
  const expanded = computed(unfold(template, {}, scope, budget, 0), { ...scope, partial: true }, hiddenOf(template));
  if (!isObject(expanded)) return template;
  for (const resource of Object.values(isObject(expanded.Resources) ? expanded.Resources : {})) {
    if (!isObject(resource)) continue;
    for (const name of ["DeletionPolicy", "UpdateReplacePolicy"]) {
      const policy = resource[name];
      if (isObject(policy)) resource[name] = resolveValue(policy, scope) ?? "Delete";
    }
  }
  return expanded;
}

/** Parameters whose value is not to be seen in a template. */
const hiddenOf = ({ Parameters }: JsonObject): ReadonlySet<string> =>
  new Set(
    Object.entries(isObject(Parameters) ? Parameters : {})
      .filter(([, declared]) => isObject(declared) && String(declared.NoEcho) === "true")
      .map(([name]) => name),
  );

/** The template with `Fn::Length` and `Fn::ToJsonString` as their values, where these are known and may be shown. */
function computed(value: JsonValue, scope: Scope, hidden: ReadonlySet<string>): JsonValue {
  if (Array.isArray(value)) return value.map((item) => computed(item, scope, hidden));
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  const calls = keys.length === 1 && (keys[0] === "Fn::Length" || keys[0] === "Fn::ToJsonString" || isPlainText(value));
  if (calls && !findReferences(value).some((ref) => hidden.has(ref.name))) {
    const result = resolveValue(value, scope);
    if (result !== undefined && !String(result).includes(KNOWN_AFTER_APPLY)) return result;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, computed(item, scope, hidden)]));
}

/** A text to fill in that says nothing of the template any more: its loop's names are in place, others are AWS's own. */
const isPlainText = (value: JsonObject): boolean =>
  typeof value["Fn::Sub"] === "string" && findReferences(value).every((ref) => ref.name.startsWith("AWS::"));

type Bindings = Readonly<Record<string, string>>;

function unfold(value: JsonValue, bound: Bindings, scope: Scope, budget: { nodes: number }, depth: number): JsonValue {
  if (--budget.nodes < 0) throw new TemplateError("Template error: Fn::ForEach makes the template too large");
  if (depth > 200) throw new TemplateError("Template error: the template is nested too deeply");
  if (typeof value === "string") return bindText(value, bound);
  if (Array.isArray(value)) return value.map((item) => unfold(item, bound, scope, budget, depth + 1));
  if (!isObject(value)) return value;
  if (typeof value.Ref === "string" && Object.hasOwn(bound, value.Ref)) return bound[value.Ref] ?? "";
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (!key.startsWith("Fn::ForEach::")) {
      result[bindText(key, bound)] = unfold(item, bound, scope, budget, depth + 1);
      continue;
    }
    for (const member of unfoldLoop(key, item, bound, scope, budget, depth)) {
      for (const [name, made] of Object.entries(member)) {
        if (Object.hasOwn(result, name))
          throw new TemplateError(`Template error: ${key} produces the key ${name} twice`);
        result[name] = made;
      }
    }
  }
  return withNames(result, scope);
}

/** What a Ref or Fn::GetAtt names, where a function says that. */
function withNames(value: JsonObject, scope: Scope): JsonObject {
  const name = (part: JsonValue): JsonValue => {
    const text = isObject(part) ? resolveValue(part, scope) : part;
    return typeof text === "string" ? text : part;
  };
  if (Object.keys(value).length !== 1) return value;
  if (isObject(value.Ref)) return { Ref: name(value.Ref) };
  const path = value["Fn::GetAtt"];
  return Array.isArray(path) && path.some(isObject) ? { "Fn::GetAtt": path.map(name) } : value;
}

function* unfoldLoop(
  key: string,
  loop: JsonValue,
  bound: Bindings,
  scope: Scope,
  budget: { nodes: number },
  depth: number,
): Generator<JsonObject> {
  const [name, collection, body] = Array.isArray(loop) && loop.length === 3 ? loop : [];
  if (typeof name !== "string" || !/^[A-Za-z0-9]+$/.test(name) || collection === undefined || !isObject(body)) {
    throw new TemplateError(
      `Template error: ${key} requires three parameters: an identifier, a collection and a fragment to repeat`,
    );
  }
  const items = resolveValue(unfold(collection, bound, scope, budget, depth + 1), scope);
  if (!Array.isArray(items)) throw new TemplateError(`Template error: the collection of ${key} must be a list`);
  for (const item of new Set(items.map(String))) {
    yield unfold(body, { ...bound, [name]: item }, scope, budget, depth + 1) as JsonObject;
  }
}

function bindText(text: string, bound: Bindings): string {
  if (!text.includes("${") && !text.includes("&{")) return text;
  return text.replace(/[$&]\{([A-Za-z0-9]+)\}/g, (whole, name: string) => {
    if (!Object.hasOwn(bound, name)) return whole;
    const value = bound[name] ?? "";
    return whole.startsWith("&") ? value.replace(/[^A-Za-z0-9]/g, "") : value;
  });
}

/** The places (`s3://...`) that `AWS::Include` transforms in a template name, parameters resolved. */
export function findIncludes(template: JsonObject, scope: Scope): string[] {
  const found = new Set<string>();
  replaceIncludes(template, scope, (location) => {
    found.add(location);
    return {};
  });
  return [...found];
}

/** Puts the texts of included files in place; `texts` is keyed by location. */
export function applyIncludes(template: JsonObject, scope: Scope, texts: ReadonlyMap<string, string>): JsonObject {
  return replaceIncludes(template, scope, (location) => {
    const text = texts.get(location);
    if (text === undefined)
      throw new TemplateError(`Transform AWS::Include failed with: S3 location ${location} could not be read`);
    const read = /^\s*[{[]/.test(text) ? readJson(text) : readYaml(text, includeTags);
    if ("fault" in read) {
      throw new TemplateError(
        `Transform AWS::Include failed with: the specified S3 object's content should be valid Yaml/JSON (${location} line ${read.fault.line})`,
      );
    }
    return read.value;
  }) as JsonObject;
}

/** Included files may not use short forms, as on AWS. */
const includeTags = (): undefined => undefined;

function replaceIncludes(value: JsonValue, scope: Scope, load: (location: string) => JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => replaceIncludes(item, scope, load));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const call = key === "Fn::Transform" || (key === "Transform" && isObject(item)) ? item : undefined;
    if (!isObject(call) || call.Name !== "AWS::Include") {
      result[key] = replaceIncludes(item, scope, load);
      continue;
    }
    const parameters = isObject(call.Parameters) ? call.Parameters : {};
    const location = resolveValue(parameters.Location ?? "", scope);
    if (typeof location !== "string" || !location.startsWith("s3://")) {
      throw new TemplateError("Transform AWS::Include failed with: The location parameter is not a valid S3 uri.");
    }
    const loaded = load(location);
    if (!isObject(loaded)) return loaded;
    for (const [name, made] of Object.entries(loaded)) if (!Object.hasOwn(value, name)) result[name] = made;
  }
  return result;
}
