import type { JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";

/** A place where a value names a resource, parameter or condition. */
export interface Reference {
  readonly kind: "Ref" | "GetAtt" | "Condition";
  readonly name: string;
  readonly attribute?: string;
  readonly path: string;
  /** It stands in the text of an Fn::Sub. */
  readonly inText?: boolean;
}

/** Every name that a value refers to, `Fn::Sub` texts included. */
export function findReferences(value: JsonValue, path = ""): Reference[] {
  const found: Reference[] = [];
  visit(value, path, found);
  return found;
}

function visit(value: JsonValue, path: string, found: Reference[]): void {
  if (Array.isArray(value)) {
    value.forEach((item, i) => visit(item, `${path}/${i}`, found));
    return;
  }
  if (!isObject(value)) return;
  const keys = Object.keys(value);
  const only = keys.length === 1 ? keys[0] : undefined;
  const inner = only === undefined ? null : (value[only] ?? null);
  if (only === "Ref" && typeof inner === "string") {
    found.push({ kind: "Ref", name: inner, path });
    return;
  }
  if (only === "Condition" && typeof inner === "string") {
    found.push({ kind: "Condition", name: inner, path });
    return;
  }
  if (only === "Fn::GetAtt") {
    const target = readGetAtt(inner);
    if (target) found.push({ kind: "GetAtt", name: target.name, path, attribute: target.attribute });
    visit(inner, `${path}/Fn::GetAtt`, found);
    return;
  }
  if (only === "Fn::If" && Array.isArray(inner) && typeof inner[0] === "string") {
    found.push({ kind: "Condition", name: inner[0], path });
  }
  if (only === "Fn::Sub") visitSub(inner, path, found);
  for (const key of keys) visit(value[key] ?? null, `${path}/${key}`, found);
}

function visitSub(inner: JsonValue, path: string, found: Reference[]): void {
  const [text, own] = Array.isArray(inner) ? inner : [inner];
  if (typeof text !== "string") return;
  for (const name of subNames(text)) {
    if (isObject(own) && Object.hasOwn(own, name)) continue;
    const dot = name.indexOf(".");
    if (dot < 0) found.push({ kind: "Ref", name, path });
    else found.push({ kind: "GetAtt", name: name.slice(0, dot), attribute: name.slice(dot + 1), path, inText: true });
  }
}

/** The names between `${` and `}` of a Sub text, literals (`${!x}`) left out. */
export function subNames(text: string): string[] {
  return [...text.matchAll(/\$\{([^!][^}]*)\}/g)].map((match) => (match[1] ?? "").trim());
}

/** The resource and attribute of a GetAtt; the attribute is empty where it is computed. */
export function readGetAtt(inner: JsonValue): { name: string; attribute: string } | undefined {
  if (typeof inner === "string") {
    const dot = inner.indexOf(".");
    return dot > 0 ? { name: inner.slice(0, dot), attribute: inner.slice(dot + 1) } : undefined;
  }
  if (!Array.isArray(inner) || typeof inner[0] !== "string" || inner.length < 2) return undefined;
  const rest = inner.slice(1);
  return { name: inner[0], attribute: rest.every((part) => typeof part === "string") ? rest.join(".") : "" };
}
