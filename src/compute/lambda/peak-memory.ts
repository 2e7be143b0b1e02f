import type { FunctionSandbox } from "../../ports/sandbox.ts";

/** How old a reading may be: the peak never falls, and reading it costs more than a quick call does. */
const AGE_MS = 20;

/** The most memory that an environment has used. */
export class PeakMemory {
  readonly #sandbox: FunctionSandbox;
  #bytes = 0;
  #readAt = -Infinity;

  constructor(sandbox: FunctionSandbox) {
    this.#sandbox = sandbox;
  }

  /** In MiB; `now` is the time by `performance.now()`. */
  mb(now: number): number {
    if (now - this.#readAt >= AGE_MS) {
      this.#readAt = now;
      this.#bytes = this.#sandbox.peakMemoryNow() ?? this.#bytes;
    }
    return this.#bytes / 1048576;
  }
}
