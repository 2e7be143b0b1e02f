import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import type { LauncherClient } from "./launcher-client.ts";
import { makeSandboxPipe } from "./pipes.ts";

/** Before each file: 1 or 0 (is there), mode (4 bytes), size (8 bytes). */
const HEADER = 13;
const MAX_REASON = 8192;

/** Reads exact amounts from a stream. */
class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#source = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async #some(): Promise<Buffer> {
    if (this.#rest.length) return this.#rest;
    const { value, done } = await this.#source.next();
    if (done) throw new Error("the launcher stopped sending files");
    return value;
  }

  async exactly(count: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.stream(count)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async *stream(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0;) {
      const chunk = await this.#some();
      const part = chunk.subarray(0, left);
      this.#rest = chunk.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}

/** Calls `take` for each plain file in turn with its content, which it must read to the end. Throws at the first path that is not one and is not optional. */
export async function receiveFiles(
  launcher: LauncherClient,
  id: string,
  paths: readonly string[],
  maxBytes: number,
  take: (path: string, mode: number, content: Readable, size: number) => Promise<void>,
  isOptional: (path: string) => boolean = () => false,
): Promise<void> {
  const pipe = makeSandboxPipe("read");
  const sent = launcher.request("files", { id, paths, maxBytes, pipe: pipe.theirs });
  // Where the launcher refuses, its reason counts, and nothing will ever come through the pipe.
  const refused = new Promise<never>((_resolve, reject) => sent.catch(reject));
  refused.catch(() => {});
  sent.finally(() => pipe.release()).catch(() => {});
  try {
    const reader = new ByteReader(pipe.stream);
    const receive = async (): Promise<void> => {
      for (const path of paths) {
        const header = await reader.exactly(HEADER);
        const size = Number(header.readBigUInt64BE(5));
        if (header.readUInt8(0) !== 1) {
          const reason = (await reader.exactly(Math.min(size, MAX_REASON))).toString();
          if (isOptional(path)) continue;
          throw new Error(reason);
        }
        await take(path, header.readUInt32BE(1), Readable.from(reader.stream(size), { objectMode: false }), size);
      }
    };
    await Promise.race([receive(), refused]);
  } finally {
    pipe.stream.destroy();
  }
}

/** Writes a zip of a build's files; a link is followed where it stays inside the build. */
export async function zipFiles(
  launcher: LauncherClient,
  id: string,
  base: string,
  files: readonly { path: string; name: string; optional?: boolean }[],
  target: string,
  maxBytes: number,
): Promise<{ size: number }> {
  const zip = new ZipFile();
  const written = pipeline(zip.outputStream, createWriteStream(target));
  written.catch(() => {});
  const byPath = new Map(files.map((file) => [posix.join(base, file.path), file]));
  const add = async (path: string, mode: number, content: Readable, size: number): Promise<void> => {
    const done = new Promise<void>((resolve, reject) => content.once("end", resolve).once("error", reject));
    zip.addReadStream(content, byPath.get(path)?.name ?? path, { mode: 0o100000 | mode, size, compressionLevel: 1 });
    await Promise.race([done, written]);
  };
  const isOptional = (path: string): boolean => byPath.get(path)?.optional === true;
  if (files.length) await receiveFiles(launcher, id, [...byPath.keys()], maxBytes, add, isOptional);
  zip.end();
  await written;
  return { size: (await stat(target)).size };
}
