import { Readable } from "node:stream";

/** A value in a form that can be compared as JSON: dates, bytes and streams become text with a mark. */
export async function comparable(value: unknown): Promise<unknown> {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (hasTransform(value)) return bytesText(Buffer.from(await value.transformToByteArray()));
  if (value instanceof Readable) return bytesText(await collect(value));
  if (value instanceof Uint8Array) return bytesText(Buffer.from(value));
  if (typeof value === "bigint") return `bigint ${value}`;
  if (Array.isArray(value)) return Promise.all(value.map(comparable));
  if (typeof value !== "object") return value;
  const object: Record<string, unknown> = {};
  for (const name of Object.keys(value).sort()) {
    if (name === "$metadata") continue;
    const item = await comparable((value as Record<string, unknown>)[name]);
    if (item !== undefined) object[name] = item;
  }
  return object;
}

function hasTransform(value: unknown): value is { transformToByteArray(): Promise<Uint8Array> } {
  return typeof value === "object" && value !== null && "transformToByteArray" in value;
}

function bytesText(bytes: Buffer): string {
  return `bytes ${bytes.toString("base64")}`;
}

async function collect(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts);
}

/** Without empty lists, maps and structures, which XML and forms cannot tell from absent ones. */
export function withoutEmpty(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(withoutEmpty).filter((item) => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  const entries = Object.entries(value)
    .map(([name, item]) => [name, withoutEmpty(item)] as const)
    .filter(([, item]) => item !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** Where and how two comparable values differ; `undefined` where they do not. */
export function difference(expected: unknown, actual: unknown, path = ""): string | undefined {
  if (JSON.stringify(expected) === JSON.stringify(actual)) return undefined;
  if (isObject(expected) && isObject(actual)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const found = difference(expected[name], actual[name], `${path}.${name}`);
      if (found) return found;
    }
    return undefined;
  }
  return `${path}: expected ${shorten(expected)}, found ${shorten(actual)}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function shorten(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
