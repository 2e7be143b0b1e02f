import { TemplateFault } from "./syntax.ts";

/** Methods of Java's strings, lists and maps that templates call; undefined where there is no such method. */
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

/** The text of a value in an answer: maps as Java shows them. */
export function shown(value: unknown): string {
  if (value instanceof Map) return `{${[...value].map(([key, one]) => `${key}=${shown(one)}`).join(", ")}}`;
  if (Array.isArray(value)) return JSON.stringify(plain(value));
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value as string);
}

/** A template's value as JSON has it. */
export function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [key, plain(one)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

/** JSON as templates have it: objects are maps, so that nothing of ours is among their members. */
export function templated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(templated);
  if (typeof value !== "object" || value === null || value instanceof Map) return value;
  return new Map(Object.entries(value).map(([key, one]) => [key, templated(one)]));
}

function onMap(map: Map<string, unknown>, name: string, [first, second]: readonly unknown[]): unknown {
  const key = String(first as string);
  switch (name) {
    case "get":
      return map.get(key) ?? null;
    case "put": {
      const before = map.get(key) ?? null;
      map.set(key, second);
      return before;
    }
    case "putAll":
      if (first instanceof Map) for (const [k, v] of first) map.set(String(k), v);
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
  const [first = "", second = ""] = given.map((one) => (typeof one === "number" ? one : String(one as string)));
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
      return bounded(text.replaceAll(a, () => b));
    case "toString":
      return text;
    default:
      throw new TemplateFault(`texts have no method ${name}`);
  }
}

function bounded(text: string): string {
  if (text.length > MAX_TEXT) throw new TemplateFault("a text has become too long");
  return text;
}
