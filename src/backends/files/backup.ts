import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { lstat, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Database } from "../../ports/database.ts";
import { syncFolder } from "./durable.ts";

const FORMAT = 1;

/** What a backup is made of, by the names that a restore knows the parts by. */
export interface BackupSource {
  readonly databases: Readonly<Record<string, Database>>;
  /** Folders: blobs, repositories. What is in a folder named `tmp` is left out. */
  readonly folders: Readonly<Record<string, string>>;
}

export interface BackupFile {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: number;
  readonly createdAt: string;
  readonly databases: readonly string[];
  readonly folders: readonly string[];
  readonly files: readonly BackupFile[];
  /** Links and other things that are neither file nor folder; they are not part of the backup. */
  readonly skipped: readonly string[];
}

/**
 * Copies the databases, then the folders, into the new folder `target` with a manifest of digests, while the platform
 * runs. Rows are committed after their blobs and refs after their objects, so what the copied rows and refs name is
 * there. The folder appears under its name only when it is whole.
 */
export async function backup(source: BackupSource, target: string, now: number): Promise<BackupManifest> {
  if (existsSync(target)) throw new Error(`${target} exists already: name a new folder for the backup`);
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(join(partial, "sql"), { recursive: true, mode: 0o700 });
  const files: BackupFile[] = [];
  const skipped: string[] = [];
  for (const [name, db] of Object.entries(source.databases)) {
    const path = join("sql", `${partName(name)}.db`);
    await db.backup(join(partial, path));
    files.push(await describeFile(partial, path));
  }
  for (const [name, folder] of Object.entries(source.folders)) {
    const listed = await listFolder(folder, skipped);
    for (const file of listed) {
      const copied = await copyFile(join(folder, file), join(partial, "folders", partName(name), file));
      if (copied) files.push({ path: join("folders", name, file), ...copied });
    }
  }
  const manifest: BackupManifest = {
    format: FORMAT,
    createdAt: new Date(now).toISOString(),
    databases: Object.keys(source.databases),
    folders: Object.keys(source.folders),
    files,
    skipped,
  };
  await writeFile(join(partial, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`, { flush: true });
  await syncFolder(partial);
  await rename(partial, target);
  await syncFolder(dirname(target));
  return manifest;
}

/** Checks that every file of a backup is there with its digest. Throws naming the first that is not. */
export async function verifyBackup(from: string): Promise<BackupManifest> {
  const text = await readFile(join(from, "manifest.json"), "utf8").catch(() => {
    throw new Error(`${from} is not a backup: it has no manifest.json`);
  });
  const manifest = JSON.parse(text) as BackupManifest;
  if (manifest.format !== FORMAT)
    throw new Error(`${from} has backup format ${manifest.format}, this program reads ${FORMAT}`);
  for (const file of manifest.files) {
    const inside = normalize(file.path);
    if (isAbsolute(inside) || inside.startsWith(".."))
      throw new Error(`${from} names ${file.path}, which is outside of it`);
    const found = await describeFile(from, file.path).catch(() => undefined);
    if (!found) throw new Error(`${from} is damaged: ${file.path} is missing`);
    if (found.sha256 !== file.sha256)
      throw new Error(`${from} is damaged: ${file.path} has another content than its manifest says`);
  }
  return manifest;
}

/** Verifies a backup and puts its parts into place. A target that exists already is refused. */
export async function restore(
  from: string,
  targets: { databases: Readonly<Record<string, string>>; folders: Readonly<Record<string, string>> },
): Promise<BackupManifest> {
  const manifest = await verifyBackup(from);
  const places = new Map<string, string>();
  for (const name of manifest.databases) places.set(join("sql", `${name}.db`), target(targets.databases, name));
  for (const name of manifest.folders) places.set(join("folders", name), target(targets.folders, name));
  for (const place of places.values()) {
    const taken = existsSync(place) && (!(await lstat(place)).isDirectory() || (await readdir(place)).length > 0);
    if (taken) throw new Error(`${place} exists already: restore into an empty data directory`);
  }
  for (const name of manifest.folders) await mkdir(target(targets.folders, name), { recursive: true, mode: 0o700 });
  for (const file of manifest.files) {
    const [kind = "", name = "", ...rest] = file.path.split("/");
    const place = places.get(join(kind, name));
    if (place === undefined) throw new Error(`${from} holds ${file.path}, which belongs to no part of it`);
    await copyFile(join(from, file.path), join(place, ...rest), file.mode);
  }
  return manifest;

  function target(known: Readonly<Record<string, string>>, name: string): string {
    const place = known[name];
    if (place === undefined) throw new Error(`${from} has a part ${name} that this program does not know`);
    return place;
  }
}

function partName(name: string): string {
  if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new Error(`a part of a backup cannot be called ${name}`);
  return name;
}

/** Regular files below a folder; names that point to others (git's refs) before what they point to. */
async function listFolder(folder: string, skipped: string[]): Promise<string[]> {
  const files: string[] = [];
  const waiting = [""];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const entry of await readdir(join(folder, next), { withFileTypes: true })) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== "tmp") waiting.push(path);
      } else if (entry.isFile()) files.push(path);
      else skipped.push(path);
    }
  }
  const isObject = (path: string): boolean => path.includes("/objects/");
  return files.toSorted((a, b) => Number(isObject(a)) - Number(isObject(b)) || (a < b ? -1 : 1));
}

/** Copies a file durably; undefined where it vanished since it was listed. */
async function copyFile(
  from: string,
  to: string,
  mode?: number,
): Promise<{ size: number; mode: number; sha256: string } | undefined> {
  const facts = await lstat(from).catch(() => undefined);
  if (!facts) return undefined;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  let size = 0;
  const permissions = (mode ?? facts.mode) & 0o777;
  await pipeline(
    createReadStream(from),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(to, { mode: permissions, flags: "wx", flush: true }),
  );
  return { size, mode: permissions, sha256: hash.digest("hex") };
}

async function describeFile(root: string, path: string): Promise<BackupFile> {
  const handle = await open(join(root, path), "r");
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of handle.createReadStream()) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  const { mode } = await lstat(join(root, path));
  return { path, size, mode: mode & 0o777, sha256: hash.digest("hex") };
}
