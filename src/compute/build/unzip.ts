import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import yauzl, { type Entry, type ZipFile } from "yauzl";
import { makeLinks, MAX_LINK, type ZipLink } from "../zip-links.ts";

const TYPE = 0o170000;
const LINK = 0o120000;

/**
 * Unpacks files, folders and links of a zip below `folder`; anything that would lie elsewhere or lead there, or be too
 * much, is refused. Answers how many bytes the files have.
 */
export async function unzipTo(
  file: string,
  folder: string,
  limits: { maxBytes: number; maxEntries: number },
): Promise<number> {
  const zip = await openZip(file);
  await mkdir(folder, { recursive: true });
  let entries = 0;
  let left = limits.maxBytes;
  const links: ZipLink[] = [];
  try {
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
      if (++entries > limits.maxEntries) throw new Error(`the zip has more than ${limits.maxEntries} entries`);
      const target = join(folder, entry.fileName); // yauzl refuses absolute names and ".."
      if (entry.fileName.endsWith("/")) await mkdir(target, { recursive: true });
      else if (((entry.externalFileAttributes >>> 16) & TYPE) === LINK)
        links.push({ path: entry.fileName, to: await readLink(zip, entry) });
      else left -= await writeEntry(zip, entry, target, left);
    }
    await makeLinks(folder, links);
    return limits.maxBytes - left;
  } finally {
    zip.close();
  }
}

/** One file of a zip; `undefined` where there is none of that name. */
export async function readZipEntry(file: string, name: string, maxBytes: number): Promise<Buffer | undefined> {
  const zip = await openZip(file);
  try {
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
      if (entry.fileName.replace(/^\.\//, "") !== name) continue;
      if (entry.uncompressedSize > maxBytes) throw new Error(`${name} has more than ${maxBytes} bytes`);
      return Buffer.concat(await (await open(zip, entry)).toArray());
    }
    return undefined;
  } finally {
    zip.close();
  }
}

function openZip(file: string): Promise<ZipFile> {
  return new Promise((resolve, reject) =>
    yauzl.open(file, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(error) : resolve(zip))),
  );
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const done = (result: () => void): void => {
      for (const name of ["entry", "end", "error"]) zip.removeAllListeners(name);
      result();
    };
    zip.once("entry", (entry: Entry) => done(() => resolve(entry)));
    zip.once("end", () => done(() => resolve(undefined)));
    zip.once("error", (error: Error) => done(() => reject(error)));
    zip.readEntry();
  });
}

async function readLink(zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > MAX_LINK) throw new Error(`the link ${entry.fileName} is too long`);
  return Buffer.concat(await (await open(zip, entry)).toArray()).toString("utf8");
}

const open = (zip: ZipFile, entry: Entry): Promise<Readable> =>
  new Promise((resolve, reject) =>
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream))),
  );

async function writeEntry(zip: ZipFile, entry: Entry, target: string, maxBytes: number): Promise<number> {
  const kind = (entry.externalFileAttributes >>> 16) & TYPE;
  if (kind !== 0 && kind !== 0o100000) throw new Error(`${entry.fileName} is not a plain file`);
  await mkdir(dirname(target), { recursive: true });
  let size = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done(size > maxBytes ? new Error("the zip unpacks to more than is allowed") : null, chunk);
    },
  });
  const content = await open(zip, entry);
  const mode = (entry.externalFileAttributes >>> 16) & 0o777 || 0o644;
  await pipeline(content, counting, createWriteStream(target, { flags: "wx", mode: mode | 0o600 }));
  return size;
}
