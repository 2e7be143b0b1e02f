import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { chmod, link, lstat, mkdir, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { buffer as readStream } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { openPromise, type Entry, type ZipFile } from "yauzl";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Ids } from "../../kernel/ids.ts";
import { makeLinks, MAX_LINK, UnsafeLink, type ZipLink } from "../zip-links.ts";

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_UNZIPPED = 250 * 1024 * 1024;
const MAX_ENTRIES = 100_000;

const invalid = (message: string): AwsError => new AwsError("InvalidParameterValueException", message, 400);

/** Deployment packages unpacked on disk, one read-only folder for each zip, shared by all functions with that code. */
export class CodeStore {
  readonly #folder: string;
  readonly #ids: Ids;
  readonly #unpacking = new Map<string, Promise<string>>();

  constructor(folder: string, ids: Ids) {
    this.#folder = folder;
    this.#ids = ids;
  }

  /** The folder with the files of the zip `file`, whose content has the digest. Throws InvalidParameterValueException for a bad zip. */
  async unpacked(digest: string, file: string): Promise<string> {
    const target = join(this.#folder, digest);
    if (existsSync(target)) return target; // asked for each start: a thread would take ten times as long
    let work = this.#unpacking.get(digest);
    if (!work) {
      work = this.#unpack(file, target).finally(() => this.#unpacking.delete(digest));
      this.#unpacking.set(digest, work);
    }
    return work;
  }

  /** One folder with the content of several unpacked packages, later ones over earlier ones, as Lambda merges layers into `/opt`. */
  async merged(folders: readonly string[]): Promise<string> {
    const name = `layers-${createHash("sha256")
      .update(folders.map((f) => basename(f)).join())
      .digest("hex")}`;
    const target = join(this.#folder, name);
    if (await exists(target)) return target;
    const folder = join(this.#folder, `new-${this.#ids.text(12)}`);
    try {
      for (const from of folders) await overlay(from, folder);
      if ((await totalSize(folder)) > MAX_UNZIPPED)
        throw invalid(`Layers consume more than the available size of ${MAX_UNZIPPED} bytes`);
      await rename(folder, target).catch(async (error: unknown) => {
        if (!(await exists(target))) throw error;
      });
      return target;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Removes what a killed process left half done. */
  async sweep(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o755 });
    for (const name of await readdir(this.#folder)) {
      if (name.startsWith("new-")) await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  async remove(digest: string): Promise<void> {
    await rm(join(this.#folder, digest), { recursive: true, force: true });
  }

  async #unpack(file: string, target: string): Promise<string> {
    const folder = join(this.#folder, `new-${this.#ids.text(12)}`);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    try {
      await unzip(file, folder);
      await rename(folder, target).catch(async (error: unknown) => {
        if (!(await exists(target))) throw error;
      });
      return target;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Puts the files of one folder over those of another; files are linked, not copied. */
async function overlay(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    const there = await lstat(target).catch(() => undefined);
    if (there && !(there.isDirectory() && entry.isDirectory())) await rm(target, { recursive: true });
    if (entry.isDirectory()) await overlay(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await link(source, target);
  }
}

async function totalSize(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}

/** Unpacks a zip into an empty folder: bounded, no path or link that leads out, modes kept, everything readable. */
export async function unzip(file: string, folder: string, maxBytes = MAX_UNZIPPED): Promise<void> {
  const zip = await openPromise(file, { lazyEntries: true, validateEntrySizes: true, strictFileNames: false }).catch(
    () => {
      throw invalid("Could not unzip uploaded file. Please check your file, then try to upload again.");
    },
  );
  const links: ZipLink[] = [];
  let bytes = 0;
  let entries = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      if (++entries > MAX_ENTRIES) throw invalid(`The deployment package has more than ${MAX_ENTRIES} entries.`);
      bytes += entry.uncompressedSize;
      if (bytes > maxBytes) throw invalid(`Unzipped size must be smaller than ${maxBytes} bytes`);
      const path = inside(folder, entry.fileName);
      if (path === folder) continue;
      if (entry.fileName.endsWith("/")) await mkdir(path, { recursive: true, mode: 0o755 });
      else if (isLink(entry)) links.push({ path: relative(folder, path), to: await linkTarget(zip, entry) });
      else await writeEntry(zip, entry, path);
    }
    await makeLinks(folder, links);
  } catch (error) {
    if (error instanceof UnsafeLink)
      throw invalid(
        error.above
          ? `The link ${error.link} lies behind another link of the deployment package.`
          : `The link ${error.link} points outside the deployment package.`,
      );
    const { code, message } = error as NodeJS.ErrnoException;
    throw error instanceof AwsError || code === "ENOSPC" ? error : invalid(`Could not unzip uploaded file: ${message}`);
  } finally {
    zip.close();
  }
}

function inside(folder: string, name: string): string {
  const clean = name.replaceAll("\\", "/");
  const path = resolve(folder, clean);
  if (clean.startsWith("/") || clean.includes("\0") || (path !== folder && !path.startsWith(`${folder}/`))) {
    throw invalid(`The entry ${JSON.stringify(name.slice(0, 200))} is outside the deployment package.`);
  }
  return path;
}

const modeOf = (entry: Entry): number => (entry.versionMadeBy >> 8 === 3 ? entry.externalFileAttributes >>> 16 : 0o644);
const isLink = (entry: Entry): boolean => (modeOf(entry) & 0o170000) === 0o120000;

async function linkTarget(zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > MAX_LINK) throw invalid(`The link ${entry.fileName} is too long.`);
  return (await readStream(await zip.openReadStreamPromise(entry))).toString("utf8");
}

async function writeEntry(zip: ZipFile, entry: Entry, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const mode = modeOf(entry);
  // Type bits other than a regular file's (devices, FIFOs) and setuid are dropped: only permissions are kept.
  await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(path, { mode: 0o644, flags: "wx" }));
  await chmod(path, 0o444 | 0o200 | (mode & 0o111 ? 0o111 : 0));
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
