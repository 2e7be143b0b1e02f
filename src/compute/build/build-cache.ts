import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { pathMatcher } from "../../engines/buildspec/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { BuildSandbox } from "../../ports/sandbox.ts";
import { unzipTo } from "./unzip.ts";

/** What a project keeps between builds. */
export interface BuildCache {
  /** A folder of the main process: what is restored, and where it is kept where there is no `keep`. */
  readonly folder: string;
  /** A cache that is bigger is not kept. */
  readonly maxBytes: number;
  /** Takes the zip of a place of the cache to where it is kept; `name` is what it will have in `folder`. */
  readonly keep?: (name: string, zip: string) => Promise<void>;
}

const SOURCE_FOLDER = "/codebuild/output/src";
/** Places that a cache may not replace. */
const CLOSED = /^\/($|usr|bin|sbin|lib|lib64|proc|sys|dev|etc|run)(\/|$)/;

/** The folders to copy in, from what the last build left: each is named by its place, with `%` for `/`. */
export async function restoredFolders(cache: BuildCache | undefined): Promise<{ source: string; target: string }[]> {
  if (!cache) return [];
  const names = await readdir(cache.folder).catch(() => []);
  return names
    .filter((name) => name.startsWith("%"))
    .map((name) => ({ source: join(cache.folder, name), target: name.replaceAll("%", "/") }))
    .filter(({ target }) => !CLOSED.test(target) && posix.normalize(target) === target);
}

/** Keeps the files that the cache's paths name; a cache that cannot be kept is told in the log and fails no build. */
export async function saveCache(
  sandbox: BuildSandbox,
  paths: readonly string[],
  cache: BuildCache,
  onLog: (message: string) => void,
): Promise<void> {
  for (const path of paths) {
    try {
      await savePath(sandbox, posix.resolve(SOURCE_FOLDER, path.replace(/^~(?=\/|$)/, "/root")), cache);
    } catch (error) {
      onLog(`Cache ${path} is not kept: ${messageOf(error)}`);
    }
  }
}

async function savePath(sandbox: BuildSandbox, pattern: string, cache: BuildCache): Promise<void> {
  const segments = pattern.split("/");
  const wild = segments.findIndex((segment) => /[*?]/.test(segment));
  const base = (wild < 0 ? segments : segments.slice(0, wild)).join("/") || "/";
  if (CLOSED.test(base) || base.includes("%")) throw new Error("builds may not cache this place");
  const matches = wild < 0 ? () => true : pathMatcher([segments.slice(wild).join("/")]);
  const files = (await sandbox.listFiles(base)).filter(({ path }) => matches(path));
  const name = base.replaceAll("/", "%");
  const target = join(cache.folder, name);
  const fresh = join(cache.folder, `new-${name}`);
  await mkdir(cache.folder, { recursive: true });
  await rm(fresh, { recursive: true, force: true });
  if (files.length) {
    const zip = `${fresh}.zip`;
    const entries = files.map(({ path, link }) => ({
      path,
      name: path,
      ...(link === undefined ? {} : { optional: true }),
    }));
    await sandbox.zip(base, entries, zip, { maxBytes: cache.maxBytes });
    if (cache.keep) return await cache.keep(name, zip).finally(() => rm(zip, { force: true }));
    await unzipTo(zip, fresh, { maxBytes: cache.maxBytes, maxEntries: files.length });
    await rm(zip);
    await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
  } else if (await stat(target).catch(() => undefined)) await rm(target, { recursive: true });
}
