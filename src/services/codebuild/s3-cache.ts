import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Context } from "../../aws/context.ts";
import { unzipTo, type BuildCache } from "../../compute/build/index.ts";
import { pathMatcher, type Buildspec } from "../../engines/buildspec/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { MAX_CACHE_BYTES, MAX_SOURCE_ENTRIES } from "./limits.ts";
import type { Settings } from "./project-settings.ts";
import { placeOf } from "./sources.ts";

const MAX_OBJECTS = 100;
/** https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html */
const MAX_FALLBACKS = 5;
const DEFAULT_KEY = "default";

/**
 * The cache of a project in S3: a zip for each place that the buildspec names, below
 * `<location>/<namespace or project>/<key>/`.
 */
export class S3Cache {
  readonly #bucket: string;
  #prefix: string;
  readonly #folder: string;
  #key = DEFAULT_KEY;

  constructor(cache: NonNullable<Settings["cache"]>, project: string, folder: string) {
    const { Bucket, Key } = placeOf(`${cache.location}/`);
    this.#bucket = Bucket;
    this.#prefix = [Key.replace(/^\/+|\/+$/g, ""), cache.cacheNamespace ?? project].filter(Boolean).join("/");
    this.#folder = folder;
  }

  /** What the build restores and keeps; `role` is asked for when the build has one. */
  forBuild(role: () => Context<any>): BuildCache {
    return {
      folder: this.#folder,
      maxBytes: MAX_CACHE_BYTES,
      keep: async (name, zip) => {
        await role().call("s3", "PutObject", {
          Bucket: this.#bucket,
          Key: `${this.#placeOf(this.#key)}${name}.zip`,
          Body: createReadStream(zip),
          ContentLength: (await stat(zip)).size,
          ContentType: "application/zip",
        });
      },
    };
  }

  #placeOf(key: string): string {
    return `${this.#prefix}/${encodeURIComponent(key)}/`;
  }

  /** Fetches what the last build left; a cache that cannot be had fails no build. */
  async restore(
    role: Context<any>,
    turn: number,
    cache: Buildspec["cache"],
    source: string | undefined,
    note: (message: string) => void,
  ): Promise<void> {
    if (!cache.paths.length) return;
    if (turn > 0) this.#prefix += `/${turn}`;
    try {
      if (cache.key !== undefined) this.#key = await expandedKey(cache.key, source);
      const objects = await this.#find(role, cache.fallbackKeys, source);
      if (!objects.length) return note("Unable to download cache: there is none yet");
      let left = MAX_CACHE_BYTES;
      for (const { Key } of objects) left -= await this.#fetch(role, Key, left);
    } catch (error) {
      await rm(this.#folder, { recursive: true, force: true });
      note(`Unable to download cache: ${messageOf(error)}`);
    }
  }

  /** The objects below the key, or else of the newest cache whose key begins with a fallback key. */
  async #find(role: Context<any>, fallbacks: readonly string[], source: string | undefined): Promise<Found[]> {
    const place = this.#placeOf(this.#key);
    const exact = (await this.#list(role, place)).filter(({ Key }) => folderOf(Key) === place.slice(0, -1));
    if (exact.length) return exact;
    for (const fallback of fallbacks.slice(0, MAX_FALLBACKS)) {
      const begins = this.#placeOf(await expandedKey(fallback, source)).slice(0, -1);
      const found = await this.#list(role, begins);
      const newest = found.toSorted((a, b) => b.changed - a.changed)[0];
      if (newest) return found.filter(({ Key }) => folderOf(Key) === folderOf(newest.Key));
    }
    return [];
  }

  async #list(role: Context<any>, Prefix: string): Promise<Found[]> {
    const { Contents } = await role.call("s3", "ListObjectsV2", { Bucket: this.#bucket, Prefix, MaxKeys: MAX_OBJECTS });
    return (Contents ?? []).flatMap(({ Key, LastModified }) =>
      /\/%[^/]*\.zip$/.test(Key ?? "") ? [{ Key: Key!, changed: LastModified?.getTime() ?? 0 }] : [],
    );
  }

  async #fetch(role: Context<any>, Key: string, maxBytes: number): Promise<number> {
    const { Body, ContentLength = 0 } = await role.call("s3", "GetObject", { Bucket: this.#bucket, Key });
    if (ContentLength > maxBytes) throw new Error(`it has more than ${MAX_CACHE_BYTES} bytes`);
    await mkdir(this.#folder, { recursive: true });
    const zip = join(this.#folder, "restored.zip");
    const content = Body instanceof Readable ? Body : Readable.from([Buffer.from((Body ?? "") as Uint8Array)]);
    await pipeline(content, createWriteStream(zip, { mode: 0o600 }));
    const name = Key.slice(Key.lastIndexOf("/") + 1, -".zip".length);
    const unpacked = await unzipTo(zip, join(this.#folder, name), { maxBytes, maxEntries: MAX_SOURCE_ENTRIES });
    await rm(zip);
    return unpacked;
  }
}

interface Found {
  readonly Key: string;
  readonly changed: number;
}

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf("/"));

const HASH_CALL = "$(codebuild-hash-files ";

/** A cache's key with `$(codebuild-hash-files <patterns>)` put in: one hash over the source's files that match. */
async function expandedKey(key: string, source: string | undefined): Promise<string> {
  const begin = key.indexOf(HASH_CALL);
  const end = begin < 0 ? -1 : key.indexOf(")", begin);
  if (end < 0) return key;
  const patterns = key
    .slice(begin + HASH_CALL.length, end)
    .trim()
    .split(/\s+/);
  const hash = source ? await hashOf(source, patterns) : "";
  return key.slice(0, begin) + hash + key.slice(end + 1);
}

async function hashOf(folder: string, patterns: readonly string[]): Promise<string> {
  const isWanted = pathMatcher(patterns.map((pattern) => pattern.replaceAll(/["']/g, "")));
  const hash = createHash("sha256");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((one) => one.isFile()).map((one) => relative(folder, join(one.parentPath, one.name)));
  for (const path of files.filter(isWanted).sort()) {
    hash.update(`${path}\0`);
    for await (const chunk of createReadStream(join(folder, path))) hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}
