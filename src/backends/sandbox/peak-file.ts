import { closeSync, openSync, readSync } from "node:fs";

/** The kernel's count of a sandbox's largest memory use, kept open because it is read after most calls. */
export class PeakFile {
  readonly #path: string;
  readonly #buffer = Buffer.allocUnsafe(32);
  #fd: number | undefined;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Bytes; undefined where the control group is gone. */
  read(): number | undefined {
    if (this.#closed) return undefined;
    try {
      this.#fd ??= openSync(this.#path, "r");
      const size = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0);
      return Number(this.#buffer.toString("latin1", 0, size));
    } catch {
      return undefined;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#closed = true;
  }
}
