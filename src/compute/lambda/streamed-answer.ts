import type { InvokeOutcome } from "./function-version.ts";

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html */
export const MAX_STREAMED = 200 * 1024 * 1024;
/** Bytes that wait for a slow reader before no more is read of the function. */
const MAX_WAITING = 256 * 1024;

/** An answer that a function streams, as its reader takes it: in pieces, at the reader's pace. */
export class StreamedAnswer {
  /** Settles when the function has begun to answer, or the call is over. */
  readonly begun: Promise<void>;
  readonly #begun = Promise.withResolvers<void>();
  #waiting: Buffer[] = [];
  #bytes = 0;
  #total = 0;
  #ended = false;
  #dropped = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor() {
    this.begun = this.#begun.promise;
  }

  /** More came than may be streamed: what was beyond is dropped. */
  get isTooLarge(): boolean {
    return this.#total > MAX_STREAMED;
  }

  /** For `InvokeRequest.onPiece`. */
  readonly onPiece = (piece: Buffer): Promise<void> | undefined => {
    this.#begun.resolve();
    this.#total += piece.length;
    if (piece.length === 0 || this.#dropped || this.isTooLarge) return undefined;
    this.#waiting.push(piece);
    this.#bytes += piece.length;
    this.#wakeReader?.();
    if (this.#bytes <= MAX_WAITING) return undefined;
    return new Promise((resolve) => (this.#wakeWriter = resolve));
  };

  /** The call is over; what it answered at once, without a stream, is the last piece. */
  end(outcome?: InvokeOutcome): void {
    if (outcome && !outcome.functionError && outcome.payload.length > 0) void this.onPiece(outcome.payload);
    this.#ended = true;
    this.#begun.resolve();
    this.#wakeReader?.();
  }

  /** The pieces until the end. A reader that stops early hurts nobody: the rest is dropped, the function goes on. */
  async *pieces(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const piece = this.#waiting.shift();
        if (piece) {
          this.#bytes -= piece.length;
          this.#letWrite();
          yield piece;
        } else if (this.#ended) return;
        else await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    } finally {
      this.#dropped = true;
      this.#waiting = [];
      this.#wakeWriter?.();
    }
  }

  #letWrite(): void {
    if (this.#bytes > MAX_WAITING / 2) return;
    this.#wakeWriter?.();
    this.#wakeWriter = undefined;
  }
}
