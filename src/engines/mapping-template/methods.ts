import { TemplateFault } from "./syntax.ts";
import { fitsAll, patternCost, replacedBy, splitBy } from "./text-patterns.ts";

/** Methods that take the same time however large their target is. */
const QUICK: ReadonlySet<string> = new Set(["get", "set", "add", "put", "size", "isEmpty", "containsKey", "charAt"]);
/** Methods that take a pattern. */
const PATTERNS: ReadonlySet<string> = new Set(["replaceAll", "replaceFirst", "split", "matches"]);

/** How many steps of a template a method's call is worth: what looks through all of a text or list counts for more. */
export function costOf(target: unknown, name: string, given: readonly unknown[] = []): number {
  if (QUICK.has(name)) return 1;
  if (typeof target === "string" && PATTERNS.has(name)) return patternCost(target, name, given[0]);
  if (typeof target === "string") return 1 + target.length / 1000;
  const size = target instanceof Map ? target.size : Array.isArray(target) ? target.length : 0;
  return 1 + size / 100;
}

/** Methods of Java's strings, lists and maps that templates call. Throws TemplateFault where there is no such method. */
export function callMethod(target: unknown, name: string, given: readonly unknown[]): unknown {
  if (target instanceof Map) return onMap(target, name, given);
  if (Array.isArray(target)) return onList(target, name, given);
  if (typeof target === "string") return onText(target, name, given);
  if (name === "toString") return shown(target);
  if (name === "equals") return target === given[0];
  if (name === "intValue" && typeof target === "number") return Math.trunc(target);
  throw new TemplateFault(`there is no method ${name} here`);
}

const MAX_TEXT = 10 * 1024 * 1024;
const MAX_NESTING = 500;

/** The text of a value in an answer: maps as Java shows them. */
export function shown(value: unknown): string {
  if (typeof value === "string") return value;
  measure(value);
  return textOf(value);
}

function textOf(value: unknown): string {
  if (value instanceof Map) return `{${[...value].map(([key, one]) => `${key}=${textOf(one)}`).join(", ")}}`;
  if (Array.isArray(value)) return JSON.stringify(jsonOf(value));
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value as string);
}

/** A template's value as JSON has it. */
export function plain(value: unknown): unknown {
  measure(value);
  return jsonOf(value);
}

function jsonOf(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [key, jsonOf(one)]));
  return Array.isArray(value) ? value.map(jsonOf) : value;
}

/** Throws where a value that is written out would have no end: lists and maps may hold one another, and themselves. */
function measure(value: unknown): void {
  let size = 0;
  const visit = (one: unknown, depth: number): void => {
    size += typeof one === "string" ? one.length : 1;
    if (depth > MAX_NESTING) throw new TemplateFault("a value is nested too deeply");
    if (size > MAX_TEXT) throw new TemplateFault("a value has become too large");
    if (Array.isArray(one)) for (const item of one as unknown[]) visit(item, depth + 1);
    else if (one instanceof Map)
      for (const [key, item] of one) {
        size += String(key).length;
        visit(item, depth + 1);
      }
  };
  visit(value, 0);
}

/** JSON as templates have it: objects are maps, so that nothing of ours is among their members. */
export function templated(value: unknown, depth = 0): unknown {
  if (depth > MAX_NESTING) throw new TemplateFault("a value is nested too deeply");
  if (Array.isArray(value)) return value.map((one) => templated(one, depth + 1));
  if (typeof value !== "object" || value === null || value instanceof Map) return value;
  return new Map(Object.entries(value).map(([key, one]) => [key, templated(one, depth + 1)]));
}

function onMap(map: Map<string, unknown>, name: string, [first, second]: readonly unknown[]): unknown {
  const key = shown(first);
  switch (name) {
    case "get":
      return map.get(key) ?? null;
    case "put": {
      const before = map.get(key) ?? null;
      map.set(key, second);
      return before;
    }
    case "putAll":
      if (first instanceof Map) for (const [k, v] of first) map.set(shown(k), v);
      return null;
    case "remove": {
      const before = map.get(key) ?? null;
      map.delete(key);
      return before;
    }
    case "containsKey":
      return map.has(key);
    case "containsValue":
      return [...map.values()].includes(first);
    case "keySet":
      return [...map.keys()];
    case "values":
      return [...map.values()];
    case "entrySet":
      return [...map].map(
        ([k, value]) =>
          new Map<string, unknown>([
            ["key", k],
            ["value", value],
          ]),
      );
    case "getKey":
      return map.get("key");
    case "getValue":
      return map.get("value");
    case "size":
      return map.size;
    case "isEmpty":
      return map.size === 0;
    case "toString":
      return shown(map);
    default:
      throw new TemplateFault(`maps have no method ${name}`);
  }
}

function onList(list: unknown[], name: string, [first, second]: readonly unknown[]): unknown {
  switch (name) {
    case "get":
      return list[Number(first)] ?? null;
    case "set": {
      const before = list[Number(first)] ?? null;
      if (Number(first) in list) list[Number(first)] = second;
      return before;
    }
    case "add":
      if (list.length >= 100_000) throw new TemplateFault("a list has become too long");
      list.push(first);
      return true;
    case "addAll":
      if (Array.isArray(first) && list.length + first.length < 100_000) list.push(...(first as unknown[]));
      return true;
    case "remove":
      return list.splice(typeof first === "number" ? first : list.indexOf(first), 1)[0] ?? null;
    case "contains":
      return list.includes(first);
    case "indexOf":
      return list.indexOf(first);
    case "size":
      return list.length;
    case "isEmpty":
      return list.length === 0;
    case "toString":
      return shown(list);
    default:
      throw new TemplateFault(`lists have no method ${name}`);
  }
}

function onText(text: string, name: string, given: readonly unknown[]): unknown {
  const [first = "", second = ""] = given.map((one) => (typeof one === "number" ? one : shown(one)));
  const [a, b] = [String(first), String(second)];
  switch (name) {
    case "length":
      return text.length;
    case "isEmpty":
      return text === "";
    case "contains":
      return text.includes(a);
    case "startsWith":
      return text.startsWith(a);
    case "endsWith":
      return text.endsWith(a);
    case "equals":
      return text === given[0];
    case "equalsIgnoreCase":
      return text.toLowerCase() === a.toLowerCase();
    case "indexOf":
      return text.indexOf(a);
    case "lastIndexOf":
      return text.lastIndexOf(a);
    case "charAt":
      return text.charAt(Number(first));
    case "substring":
      return given.length > 1 ? text.slice(Number(first), Number(second)) : text.slice(Number(first));
    case "toLowerCase":
      return text.toLowerCase();
    case "toUpperCase":
      return text.toUpperCase();
    case "trim":
      return text.trim();
    case "concat":
      return bounded(text + a);
    case "replace":
      return replaced(text, a, b);
    case "replaceAll":
    case "replaceFirst":
      return replacedBy(text, { source: a, replacement: b, all: name === "replaceAll", longest: MAX_TEXT });
    case "split":
      return splitBy(text, a);
    case "matches":
      return fitsAll(text, a);
    case "toString":
      return text;
    default:
      throw new TemplateFault(`texts have no method ${name}`);
  }
}

function replaced(text: string, a: string, b: string): string {
  // Looked at before: the text would be made whole, however long it is.
  let length = text.length;
  if (b.length > a.length)
    for (let at = text.indexOf(a); at >= 0 && at <= text.length; at = text.indexOf(a, at + Math.max(1, a.length))) {
      length += b.length - a.length;
      if (length > MAX_TEXT) throw new TemplateFault("a text has become too long");
      if (a === "" && at === text.length) break;
    }
  return text.replaceAll(a, () => b);
}

/** The text, where it is not longer than a template may make one. */
export function bounded(text: string): string {
  if (text.length > MAX_TEXT) throw new TemplateFault("a text has become too long");
  return text;
}
