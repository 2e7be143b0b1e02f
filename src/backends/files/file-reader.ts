import { open, type FileHandle } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { SendsItself } from "../../kernel/send-stream.ts";

const PIECE_BYTES = 256 * 1024;
const BUFFERS_AT_REST = 4;

/** Buffers that are used again. */
export class BufferPool {
  readonly #atRest: Buffer[] = [];

  /** One of at most PIECE_BYTES. */
  take(bytes: number): Buffer {
    return this.#atRest.pop() ?? Buffer.allocUnsafeSlow(Math.min(bytes, PIECE_BYTES));
  }

  /** Gives one back that nobody reads any more. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === PIECE_BYTES && this.#atRest.length < BUFFERS_AT_REST) this.#atRest.push(buffer);
  }
}

/**
 * Bytes of a file, from `start` to `end`, both inclusive. As a stream it makes a buffer for each piece, as all streams do:
 * V8 counts them as its own and collects its whole heap for every dozen megabytes. Sent by itself it goes through two buffers.
 */
export class FileReader extends Readable implements SendsItself {
  readonly #opened: Promise<FileHandle>;
  readonly #pool: BufferPool;
  #position: number;
  #left: number;

  constructor(file: string, { start, end }: { start: number; end: number }, pool: BufferPool) {
    super({ highWaterMark: PIECE_BYTES });
    this.#opened = open(file);
    this.#opened.catch(() => undefined); // whoever reads is told
    this.#pool = pool;
    this.#position = start;
    this.#left = end - start + 1;
  }

  override _read(): void {
    if (this.#left === 0) return void this.push(null);
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.#left));
    this.#fill(piece).then(
      (bytes) => this.push(bytes ? piece.subarray(0, bytes) : null),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    // A file that could not be opened needs no closing, and what goes wrong in closing one that was only read is nobody's loss.
    const closed = this.#opened.then((handle) => handle.close()).catch(() => undefined);
    void closed.then(() => destroyed(error));
  }

  async sendTo(target: Writable): Promise<void> {
    const writer = new Writer(target);
    const buffers = [this.#pool.take(this.#left), ...(this.#left > PIECE_BYTES ? [this.#pool.take(this.#left)] : [])];
    try {
      let written = Promise.resolve();
      for (let i = 0; this.#left > 0; i = (i + 1) % buffers.length) {
        if (buffers.length === 1) await written;
        const bytes = await this.#fill(buffers[i]!);
        await written; // the other buffer is free from here on
        if (bytes === 0) break;
        written = writer.write(buffers[i]!.subarray(0, bytes));
      }
      await written;
      await writer.end();
      for (const buffer of buffers) this.#pool.giveBack(buffer); // where it failed the target may still hold them
    } finally {
      this.destroy();
    }
  }

  /** Reads on; answers how many bytes there were, none at the end. */
  async #fill(buffer: Buffer): Promise<number> {
    const handle = await this.#opened;
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, this.#left), this.#position);
    this.#position += bytesRead;
    this.#left -= bytesRead;
    return bytesRead;
  }
}

/** Writes to a stream that may close at any time, which not every stream tells those who wait for a write. */
class Writer {
  readonly #target: Writable;
  readonly #finished: Promise<void>;
  #broken: { readonly reason: unknown } | undefined;
  #fail: (reason: unknown) => void = () => undefined;

  constructor(target: Writable) {
    this.#target = target;
    this.#finished = finished(target, { readable: false });
    this.#finished.catch((reason: unknown) => {
      this.#broken = { reason };
      this.#fail(reason);
    });
  }

  /** Resolves when the bytes are through, and their buffer is free. */
  write(bytes: Buffer): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      if (this.#broken) return reject(this.#broken.reason);
      this.#fail = reject;
      this.#target.write(bytes, (error) => (error ? reject(closedEarly(error)) : resolve()));
    });
    written.catch(() => undefined); // it is waited for after the next piece is read
    return written;
  }

  async end(): Promise<void> {
    this.#target.end();
    await this.#finished;
  }
}

/** How a pipeline tells that its target was closed, by whatever error. */
const closedEarly = (cause: Error): Error =>
  Object.assign(new Error("Premature close", { cause }), { code: "ERR_STREAM_PREMATURE_CLOSE" });
