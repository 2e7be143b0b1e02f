import { AwsError } from "../../kernel/aws-error.ts";
import type { TimestampFormat } from "../model-pack.ts";
import type { Target } from "../model.ts";

/** A value of a request that its model does not allow; becomes a `SerializationException` that names the place. */
export class MalformedValue extends Error {
  /** Member names from the outermost inwards. */
  readonly path: string[] = [];

  /** The same error as seen from the holder of `member`. */
  inside(member: string): this {
    this.path.unshift(member);
    return this;
  }
}

/** Runs `read`, adding `member` to the path of what it throws. */
export function reading<T>(member: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof MalformedValue ? error.inside(member) : error;
  }
}

export function serializationError(message: string): AwsError {
  return new AwsError("SerializationException", message, 400);
}

/** What the client is told about anything thrown while its request was decoded. */
export function decodingError(error: unknown): unknown {
  if (!(error instanceof MalformedValue)) return error;
  const place = error.path.length > 0 ? ` at ${error.path.join(".").replaceAll(".[", "[")}` : "";
  return serializationError(`${error.message}${place}`);
}

/** Deepest nesting of a request's structures. */
export const MAX_DEPTH = 200;

export function tooDeep(): AwsError {
  return serializationError(`The request is nested more than ${MAX_DEPTH} levels deep.`);
}

/** Names what was found where something else was expected. */
export function expected(what: string, found: unknown): MalformedValue {
  const kind = found === null ? "null" : Array.isArray(found) ? "a list" : `a ${typeof found}`;
  return new MalformedValue(`Expected ${what}, found ${kind}`);
}

/** Sets a key that a client chose; `__proto__` becomes an ordinary key. */
export function setKey(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

export function parseNumber(text: string): number {
  switch (text) {
    case "NaN":
      return NaN;
    case "Infinity":
      return Infinity;
    case "-Infinity":
      return -Infinity;
  }
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/.test(text) || text.length > 400) {
    throw new MalformedValue(`Expected a number, found "${text.slice(0, 40)}"`);
  }
  return Number(text);
}

export function parseBigInteger(text: string): bigint {
  if (!/^[+-]?\d{1,400}$/.test(text)) throw new MalformedValue(`Expected an integer, found "${text.slice(0, 40)}"`);
  return BigInt(text);
}

export function parseBoolean(text: string): boolean {
  const lower = text.toLowerCase(); // old clients of the query protocol send True and False
  if (lower === "true") return true;
  if (lower === "false") return false;
  throw new MalformedValue(`Expected true or false, found "${text.slice(0, 40)}"`);
}

export function parseBase64(text: string): Buffer {
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) throw new MalformedValue("Expected base64 text");
  return Buffer.from(text, "base64");
}

/** A number as Java writes one that may have a fraction: `66.0`. */
export function formatDouble(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}

/** Lenient about the format, because old clients send another than the model says; strict about nonsense. */
export function parseTimestamp(value: unknown): Date {
  let milliseconds = NaN;
  if (typeof value === "number") milliseconds = value * 1000;
  else if (value instanceof Date) milliseconds = value.getTime();
  else if (typeof value === "string" && value.length <= 64) {
    milliseconds = /^-?\d+(\.\d+)?([eE][+-]?\d{1,3})?$/.test(value) ? Number(value) * 1000 : Date.parse(value);
  }
  if (Math.abs(milliseconds) <= 8.64e15) return new Date(Math.round(milliseconds));
  throw new MalformedValue("Expected a timestamp");
}

/** The format of a timestamp where it is used, or the protocol's own. */
export function timestampFormat(target: Target, byDefault: TimestampFormat): TimestampFormat {
  return target.traits.timestampFormat ?? byDefault;
}

export function formatTimestamp(value: unknown, format: TimestampFormat): string | number {
  const date = toDate(value);
  if (format === "epoch-seconds") return date.getTime() / 1000;
  if (format === "http-date") return date.toUTCString();
  const text = date.toISOString();
  return text.endsWith(".000Z") ? `${text.slice(0, -5)}Z` : text;
}

/** What a handler gave for a timestamp: a date, or seconds since the epoch, or text. */
export function toDate(value: unknown): Date {
  if (value instanceof Date) return value;
  return new Date(typeof value === "number" ? value * 1000 : String(value));
}

/** What a handler gave for a blob, as bytes; text is UTF-8. */
export function toBytes(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Buffer.from(String(value), "utf8");
}

export function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}
