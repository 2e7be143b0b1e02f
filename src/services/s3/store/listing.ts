import type { Context } from "../../../aws/context.ts";
import type { ObjectVersion } from "../model.ts";
import { allVersions, keyBytes } from "./objects.ts";

/** One line of a listing: something with a key, or what several keys have in common up to a delimiter. */
export type Entry<T> = { readonly item: T } | { readonly commonPrefix: string };

export interface Listing<T> {
  readonly entries: readonly Entry<T>[];
  readonly truncated: boolean;
}

export interface ListRange {
  readonly prefix: string;
  readonly delimiter?: string | undefined;
  readonly max: number;
}

/** Reads items behind a position, in order; `from` is inclusive where it is a key that a skip leads to. */
export type ReadPage<T> = (position: Position<T>, limit: number) => Promise<T[]>;

export interface Position<T> {
  /** Behind this item. */
  readonly after?: T;
  /** At or behind these bytes. */
  readonly from?: Buffer;
}

const PAGE = 1000;

/** The first bytes behind everything that begins with `prefix`; undefined where there is no end. */
export function endOf(prefix: Buffer): Buffer | undefined {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] ?? 255;
    if (byte < 255) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return undefined;
}

/**
 * Lists up to `max` entries. Keys that share what precedes the delimiter become one entry, and the search goes on
 * behind all of them without reading them.
 */
export async function collect<T>(
  range: ListRange,
  keyOf: (item: T) => string,
  read: ReadPage<T>,
  start: Position<T>,
  skipPrefix?: string,
): Promise<Listing<T>> {
  const entries: Entry<T>[] = [];
  let position = start;
  let lastPrefix = skipPrefix;
  for (;;) {
    const page = await read(position, Math.min(PAGE, range.max + 1));
    let skipped = false;
    for (const item of page) {
      const key = keyOf(item);
      const cut = range.delimiter ? key.indexOf(range.delimiter, range.prefix.length) : -1;
      const commonPrefix = cut < 0 || !range.delimiter ? undefined : key.slice(0, cut + range.delimiter.length);
      if (commonPrefix !== undefined && commonPrefix === lastPrefix) {
        const end = endOf(keyBytes(commonPrefix));
        if (!end) return { entries, truncated: false };
        position = { from: end };
        skipped = true;
        break;
      }
      if (entries.length >= range.max) return { entries, truncated: true };
      if (commonPrefix === undefined) entries.push({ item });
      else {
        entries.push({ commonPrefix });
        lastPrefix = commonPrefix;
      }
      position = { after: item };
    }
    if (!skipped && page.length < Math.min(PAGE, range.max + 1)) return { entries, truncated: false };
  }
}

/** Bounds of the keys with a prefix, as a condition in SQL. */
function within(prefix: string): { where: string; parameters: unknown[] } {
  if (prefix === "") return { where: "1 = 1", parameters: [] };
  const end = endOf(keyBytes(prefix));
  return end
    ? { where: "key >= ? and key < ?", parameters: [keyBytes(prefix), end] }
    : { where: "key >= ?", parameters: [keyBytes(prefix)] };
}

/** Latest versions that are no delete markers, by key. */
export function readObjects(ctx: Context<any>, bucket: string, prefix: string): ReadPage<ObjectVersion> {
  const bounds = within(prefix);
  return (position, limit) => {
    const [where, parameters] = position.from
      ? ["key >= ?", [position.from]]
      : position.after
        ? ["key > ?", [keyBytes(position.after.key)]]
        : ["1 = 1", []];
    const query = {
      where: `latest = 1 and marker = 0 and ${bounds.where} and ${where}`,
      parameters: [...bounds.parameters, ...parameters],
    };
    return allVersions(ctx, { ...query, order: "key", limit }, bucket);
  };
}

/** All versions and delete markers, by key and then the newest first. */
export function readVersions(ctx: Context<any>, bucket: string, prefix: string): ReadPage<ObjectVersion> {
  const bounds = within(prefix);
  return (position, limit) => {
    const [where, parameters] = position.from
      ? ["key >= ?", [position.from]]
      : position.after
        ? [
            "key >= ? and (key > ? or seq < ?)",
            [keyBytes(position.after.key), keyBytes(position.after.key), position.after.seq],
          ]
        : ["1 = 1", []];
    const query = { where: `${bounds.where} and ${where}`, parameters: [...bounds.parameters, ...parameters] };
    return allVersions(ctx, { ...query, order: "key, seq desc", limit }, bucket);
  };
}
