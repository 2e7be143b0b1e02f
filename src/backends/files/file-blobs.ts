import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { chmod, open, opendir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { BlobTooBig, type Blobs, type StoredBlob } from "../../ports/blobs.ts";
import { fileFailure } from "../../ports/database.ts";
import { syncFolder, syncFolderNow } from "./durable.ts";
import { BufferPool, FileReader } from "./file-reader.ts";
import { GatheringWriter } from "./gathering-writer.ts";

const DIGEST = /^[0-9a-f]{64}$/;

/** Blobs as files `<folder>/ab/cdef…`, named by their SHA-256. Removes what a killed process left half written. */
export function openFileBlobs(options: { folder: string }): Blobs {
  const { folder } = options;
  const temporary = join(folder, "tmp");
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(temporary)) rmSync(join(temporary, name), { force: true });
  for (let i = 0; i < 256; i++) {
    mkdirSync(join(folder, i.toString(16).padStart(2, "0")), { recursive: true, mode: 0o700 });
  }
  syncFolderNow(folder);
  const pool = new BufferPool();

  const path = (digest: string): string => {
    if (!DIGEST.test(digest)) throw new RangeError("a digest has 64 hexadecimal digits");
    return join(folder, digest.slice(0, 2), digest.slice(2));
  };

  return {
    async put(content, { maxBytes, signal } = {}) {
      const file = join(temporary, randomUUID());
      try {
        const stored = await writeAndHash(file, content, maxBytes ?? Infinity, signal);
        await publish(file, path(stored.digest), join(folder, stored.digest.slice(0, 2)));
        return stored;
      } catch (error) {
        await rm(file, { force: true });
        throw fileFailure(error, "a blob");
      }
    },
    open(digest, range) {
      const file = path(digest);
      const facts = statSync(file, { throwIfNoEntry: false });
      if (!facts) throw new Error(`there is no blob ${digest}`);
      const { start, end } = range ?? { start: 0, end: facts.size - 1 };
      return end < start
        ? Readable.from([])
        : new FileReader(file, { start, end: Math.min(end, facts.size - 1) }, pool);
    },
    read: (digest) => readFile(path(digest)),
    has: async (digest) => existsSync(path(digest)),
    file: (digest) => path(digest),
    async delete(digest, olderThan = Infinity) {
      const file = path(digest);
      // Nothing of this process can come between the look and the removal.
      const facts = statSync(file, { throwIfNoEntry: false });
      if (facts && facts.mtimeMs < olderThan) rmSync(file, { force: true });
    },
    list: (olderThan) => listBlobs(folder, olderThan ?? Infinity),
  };
}

async function writeAndHash(
  file: string,
  content: Readable | Uint8Array,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<StoredBlob> {
  const hash = createHash("sha256");
  let size = 0;
  const handle = await open(file, "wx", 0o400);
  const writer = new GatheringWriter(handle);
  try {
    const write = async (chunk: Uint8Array): Promise<void> => {
      signal?.throwIfAborted();
      size += chunk.byteLength;
      if (size > maxBytes) throw new BlobTooBig(maxBytes);
      hash.update(chunk);
      await writer.add(chunk);
    };
    if (content instanceof Uint8Array) await write(content);
    else {
      // A stalled sender is ended by its signal, which destroys the stream and so this loop.
      const onAbort = (): void => void content.destroy(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        for await (const chunk of content) await write(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
      } finally {
        signal?.removeEventListener("abort", onAbort);
      }
    }
    await writer.end();
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return { digest: hash.digest("hex"), size };
}

/** Gives the content its name, durably. Content that is there already gets a new age, so that no collector takes it. */
async function publish(file: string, target: string, targetFolder: string): Promise<void> {
  if (existsSync(target)) {
    const now = new Date();
    const renewed = await utimes(target, now, now).then(
      () => true,
      () => false,
    );
    if (renewed) {
      await rm(file, { force: true });
      await syncFolder(targetFolder);
      return;
    }
  }
  await chmod(file, 0o444);
  await rename(file, target);
  await syncFolder(targetFolder);
}

async function* listBlobs(folder: string, olderThan: number): AsyncIterable<StoredBlob> {
  for (let i = 0; i < 256; i++) {
    const prefix = i.toString(16).padStart(2, "0");
    for await (const entry of await opendir(join(folder, prefix))) {
      const digest = prefix + entry.name;
      if (!entry.isFile() || !DIGEST.test(digest)) continue;
      const facts = await stat(join(folder, prefix, entry.name)).catch(() => undefined);
      if (facts && facts.mtimeMs < olderThan) yield { digest, size: facts.size };
    }
  }
}
