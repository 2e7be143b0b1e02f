import type { JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";

/** A `{{resolve:service:key}}` in a value. */
export interface DynamicReference {
  /** The whole text, braces included. */
  readonly text: string;
  readonly service: "ssm" | "ssm-secure" | "secretsmanager";
  readonly key: string;
}

const PATTERN = /\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]{1,2048})\}\}/g;

/** The dynamic references in resolved properties, each once. */
export function findDynamicReferences(value: JsonValue): DynamicReference[] {
  const found = new Map<string, DynamicReference>();
  walk(value, (text) => {
    for (const match of text.matchAll(PATTERN)) {
      found.set(match[0], { text: match[0], service: match[1] as DynamicReference["service"], key: match[2] ?? "" });
    }
    return text;
  });
  return [...found.values()];
}

/** Puts values in place of dynamic references; `values` is keyed by their whole text. */
export function substituteDynamicReferences(value: JsonValue, values: ReadonlyMap<string, string>): JsonValue {
  return walk(value, (text) => text.replace(PATTERN, (whole) => values.get(whole) ?? whole));
}

function walk(value: JsonValue, change: (text: string) => string): JsonValue {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => walk(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, change)]));
}
