import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";

/** What is wrong with a buildspec, and where. */
export class Fault extends Error {
  readonly path: string;
  constructor(message: string, path: string) {
    super(message);
    this.path = path;
  }
}

/** A section that is a map; empty where it is not there. */
export function map(value: JsonValue | undefined, path: string): JsonObject {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new Fault(`Expected ${path.slice(1)} to be a map`, path);
  return value;
}

/** A list of texts; one text stands for a list of it. */
export function list(value: JsonValue | undefined, path: string): string[] {
  if (value === undefined || value === null) return [];
  const items = Array.isArray(value) ? value : [value];
  return items.map((item, i) => {
    if (typeof item === "object")
      throw new Fault(`Expected ${path.slice(1)}[${i}] to be of string type`, `${path}/${i}`);
    return String(item);
  });
}

/** A map of texts. */
export function texts(value: JsonValue | undefined, path: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, item] of Object.entries(map(value, path))) {
    if (typeof item === "object" && item !== null)
      throw new Fault(`Expected ${path.slice(1)}/${name} to be of string type`, `${path}/${name}`);
    result[name] = item === null ? "" : String(item);
  }
  return result;
}

/** A text, where there is one. */
export function optionalText(value: JsonValue | undefined, path: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "object") throw new Fault(`Expected ${path.slice(1)} to be of string type`, path);
  return String(value);
}

/** Yes or no, in the words that buildspecs use. */
export function flag(value: JsonValue | undefined): boolean {
  return value === true || String(value).toLowerCase() === "yes" || String(value).toLowerCase() === "true";
}
