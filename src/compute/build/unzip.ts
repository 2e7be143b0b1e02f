import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import yauzl, { type Entry, type ZipFile } from "yauzl";

/** Unpacks plain files and folders of a zip below `folder`; anything that would lie elsewhere, or be too much, is refused. */
export async function unzipTo(
  file: string,
  folder: string,
  limits: { maxBytes: number; maxEntries: number },
): Promise<void> {
  const zip = await openZip(file);
  await mkdir(folder, { recursive: true });
  let entries = 0;
  let left = limits.maxBytes;
  try {
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) {
      if (++entries > limits.maxEntries) throw new Error(`the zip has more than ${limits.maxEntries} entries`);
      const target = join(folder, entry.fileName); // yauzl refuses absolute names and ".."
      if (entry.fileName.endsWith("/")) await mkdir(target, { recursive: true });
      else left -= await writeEntry(zip, entry, target, left);
    }
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

async function writeEntry(zip: ZipFile, entry: Entry, target: string, maxBytes: number): Promise<number> {
  const kind = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (kind !== 0 && kind !== 0o100000) throw new Error(`${entry.fileName} is not a plain file`);
  await mkdir(dirname(target), { recursive: true });
  let size = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done(size > maxBytes ? new Error("the zip unpacks to more than is allowed") : null, chunk);
    },
  });
  const content = await new Promise<Readable>((resolve, reject) =>
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream))),
  );
  const mode = (entry.externalFileAttributes >>> 16) & 0o777 || 0o644;
  await pipeline(content, counting, createWriteStream(target, { flags: "wx", mode: mode | 0o600 }));
  return size;
}
