import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { pathMatcher } from "../../engines/buildspec/index.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import type { BuildSandbox } from "../../ports/sandbox.ts";
import { unzipTo } from "./unzip.ts";

/** What a project keeps between builds: a folder of the main process, of this project alone. */
export interface LocalCache {
  readonly folder: string;
  /** A cache that is bigger is not kept. */
  readonly maxBytes: number;
}

const SOURCE_FOLDER = "/codebuild/output/src";
/** Places that a cache may not replace. */
const CLOSED = /^\/($|usr|bin|sbin|lib|lib64|proc|sys|dev|etc|run)(\/|$)/;

/** The folders to copy in, from what the last build left: each is named by its place, with `%` for `/`. */
export async function restoredFolders(cache: LocalCache | undefined): Promise<{ source: string; target: string }[]> {
  if (!cache) return [];
  const names = await readdir(cache.folder).catch(() => []);
  return names
    .filter((name) => name.startsWith("%"))
    .map((name) => ({ source: join(cache.folder, name), target: name.replaceAll("%", "/") }));
}

/** Keeps the files that the cache's paths name; a cache that cannot be kept is told in the log and fails no build. */
export async function saveCache(
  sandbox: BuildSandbox,
  paths: readonly string[],
  cache: LocalCache,
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

async function savePath(sandbox: BuildSandbox, pattern: string, cache: LocalCache): Promise<void> {
  const segments = pattern.split("/");
  const wild = segments.findIndex((segment) => /[*?]/.test(segment));
  const base = (wild < 0 ? segments : segments.slice(0, wild)).join("/") || "/";
  if (CLOSED.test(base) || base.includes("%")) throw new Error("builds may not cache this place");
  const matches = wild < 0 ? () => true : pathMatcher([segments.slice(wild).join("/")]);
  const files = (await sandbox.listFiles(base)).filter(({ path }) => matches(path));
  const target = join(cache.folder, base.replaceAll("/", "%"));
  const fresh = `${join(cache.folder, "new")}-${base.replaceAll("/", "%")}`;
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
    await unzipTo(zip, fresh, { maxBytes: cache.maxBytes, maxEntries: files.length });
    await rm(zip);
    await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
  } else if (await stat(target).catch(() => undefined)) await rm(target, { recursive: true });
}
