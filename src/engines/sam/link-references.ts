import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext } from "./context.ts";

/**
 * Rewrites references to what the transform renamed: `!Ref Function.Alias`, `!Ref Api.Stage`, and layers, whose
 * logical ids follow their content; in Ref, GetAtt and Sub.
 */
export function linkReferences(context: SamContext, template: JsonObject): JsonObject {
  return { ...template, ...rewriteSections(context, template) };
}

function rewriteSections(context: SamContext, template: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const name of ["Resources", "Outputs", "Conditions"]) {
    const section = template[name];
    if (isObject(section)) result[name] = rewrite(context, section);
  }
  return result;
}

function rewrite(context: SamContext, value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => rewrite(context, item));
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  if (keys.length === 1) {
    if (typeof value.Ref === "string") return { Ref: rename(context, value.Ref) };
    const sub = value["Fn::Sub"];
    if (sub !== undefined) return { "Fn::Sub": rewriteSub(context, sub) };
    const target = value["Fn::GetAtt"];
    if (Array.isArray(target)) return { "Fn::GetAtt": rewriteGetAtt(context, target) };
  }
  const result: JsonObject = {};
  for (const key of keys)
    result[key] =
      key === "DependsOn" ? dependencies(context, value[key] ?? null) : rewrite(context, value[key] ?? null);
  return result;
}

function rename(context: SamContext, name: string): string {
  const dot = name.indexOf(".");
  if (dot < 0) return context.renamed.get(name) ?? name;
  return context.aliases.get(name.slice(0, dot))?.[name.slice(dot + 1)] ?? name;
}

/** `[Function.Version, Version]` and `[Function, Version.Version]` both name the generated version. */
function rewriteGetAtt(context: SamContext, target: readonly JsonValue[]): JsonValue {
  const [first, ...rest] = target.map((part) => (typeof part === "string" ? part : rewrite(context, part)));
  if (typeof first !== "string") return [first ?? "", ...rest];
  if (first.includes(".")) return [rename(context, first), ...rest];
  const attribute = rest.every((part) => typeof part === "string") ? rest.join(".") : "";
  const dot = attribute.indexOf(".");
  const made = dot > 0 ? context.aliases.get(first)?.[attribute.slice(0, dot)] : undefined;
  if (made) return [made, attribute.slice(dot + 1)];
  return [context.renamed.get(first) ?? first, ...rest];
}

function rewriteSub(context: SamContext, sub: JsonValue): JsonValue {
  if (typeof sub === "string") return subText(context, sub);
  if (!Array.isArray(sub)) return rewrite(context, sub);
  return sub.map((part, i) => (i === 0 && typeof part === "string" ? subText(context, part) : rewrite(context, part)));
}

function subText(context: SamContext, text: string): string {
  return text.replace(/\$\{([^!}][^}]*)\}/g, (whole, inner: string) => {
    const name = inner.trim();
    const [first = "", second = "", ...rest] = name.split(".");
    const made = second ? context.aliases.get(first)?.[second] : undefined;
    if (made) return `\${${[made, ...rest].join(".")}}`;
    const renamed = context.renamed.get(first);
    return renamed ? `\${${[renamed, ...name.split(".").slice(1)].join(".")}}` : whole;
  });
}

function dependencies(context: SamContext, value: JsonValue): JsonValue {
  if (typeof value === "string") return context.renamed.get(value) ?? value;
  return Array.isArray(value)
    ? value.map((id) => (typeof id === "string" ? (context.renamed.get(id) ?? id) : id))
    : value;
}
