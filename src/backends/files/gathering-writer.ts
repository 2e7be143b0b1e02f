import type { FileHandle } from "node:fs/promises";

/** How many bytes may wait for those before them. */
const MAX_WAITING = 1024 * 1024;

/** Writes pieces to a file one after the other; what comes while a write is under way goes with the next one, all at once. */
export class GatheringWriter {
  readonly #handle: FileHandle;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Takes a piece, which nobody may change from now on; waits where too much waits already. Throws what an earlier write failed with. */
  async add(piece: Uint8Array): Promise<void> {
    this.#waiting.push(piece);
    this.#bytes += piece.byteLength;
    this.#writing ??= this.#write();
    if (this.#bytes > MAX_WAITING) await this.#writing;
  }

  /** Resolves when everything is written. */
  async end(): Promise<void> {
    await this.#writing;
  }

  #write(): Promise<void> {
    const writing = this.#writeAll();
    writing.catch(() => undefined); // whoever adds the next piece is told, or whoever ends
    return writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const pieces = this.#waiting;
      this.#waiting = [];
      this.#bytes = 0;
      await writeWhole(this.#handle, pieces);
    }
    this.#writing = undefined;
  }
}

async function writeWhole(handle: FileHandle, pieces: Uint8Array[]): Promise<void> {
  let rest = pieces;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest);
    rest = after(rest, bytesWritten);
  }
}

/** What is left of pieces after so many bytes of them. */
function after(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let done = bytes;
  return pieces.flatMap((piece) => {
    const gone = Math.min(done, piece.byteLength);
    done -= gone;
    return gone < piece.byteLength ? [piece.subarray(gone)] : [];
  });
}
