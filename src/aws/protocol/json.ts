import type { ValueFormat } from "./value-codec.ts";
import {
  expected,
  formatDouble,
  formatTimestamp,
  parseBase64,
  parseTimestamp,
  serializationError,
  toBytes,
} from "./values.ts";

/** JSON's text of a value as it is; TypeScript's library does not know it yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

const BASE: Omit<ValueFormat, "id" | "wireName"> = {
  readBlob(value) {
    if (typeof value !== "string") throw expected("base64 text", value);
    return parseBase64(value);
  },
  readTimestamp: parseTimestamp,
  writeBlob: (value) => toBytes(value).toString("base64"),
  writeTimestamp: formatTimestamp,
  writeDouble: (value) => (Number.isInteger(value) ? rawJSON(formatDouble(value)) : value),
  nonFiniteAsText: true,
};

/** JSON as the RPC protocols speak it: members by their own names. */
export const RPC_JSON: ValueFormat = { ...BASE, id: "json", wireName: (member) => member.name };

/** JSON as the REST protocol speaks it: members by `jsonName`. */
export const REST_JSON: ValueFormat = {
  ...BASE,
  id: "rest-json",
  wireName: (member) => member.traits.jsonName ?? member.name,
};

/** Parses a request body; an empty one is an empty structure. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw serializationError("The request body is not valid JSON.");
  }
}
