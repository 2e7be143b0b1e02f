/**
 * Frames between the platform and a runtime of ours: u32 length of the rest, u8 type, u32 length of the header, header
 * (text, its fields parted by tabs), body.
 */
export const TO_RUNTIME = { init: 1, invoke: 2, variables: 3 } as const;
export const FROM_RUNTIME = {
  ready: 16,
  initialized: 17,
  initError: 18,
  response: 19,
  error: 20,
  log: 21,
  piece: 22,
  end: 23,
} as const;

/** A response has 6 MB at most, and its header a little: whatever is longer is not answered by a runtime of ours. */
const MAX_FRAME = 32 * 1024 * 1024;
const MAX_HEADER = 64 * 1024;
const PREFIX = 9;

export interface Frame {
  readonly type: number;
  readonly header: string;
  /** Good only until the call that hands it over returns. */
  readonly body: Buffer;
}

export function encodeFrame(type: number, header: string, body: Uint8Array): Buffer {
  const headerLength = Buffer.byteLength(header);
  const frame = Buffer.allocUnsafe(PREFIX + headerLength + body.length);
  frame.writeUInt32BE(frame.length - 4, 0);
  frame[4] = type;
  frame.writeUInt32BE(headerLength, 5);
  frame.write(header, PREFIX);
  frame.set(body, PREFIX + headerLength);
  return frame;
}

/** Cuts a stream into frames. Throws where the other side does not keep to the form; it is the tenant's, so it may not. */
export class FrameReader {
  readonly #take: (frame: Frame) => void;
  #parts: Buffer[] = [];
  #size = 0;
  /** Bytes of the frame that has begun, where its length is known already. */
  #wanted = 4;

  constructor(take: (frame: Frame) => void) {
    this.#take = take;
  }

  /** Takes bytes that the caller may use again afterwards. */
  push(chunk: Buffer): void {
    if (this.#size === 0) return this.#keep(chunk, this.#cut(chunk));
    this.#parts.push(Buffer.from(chunk));
    this.#size += chunk.length;
    if (this.#size < this.#wanted) return;
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    this.#keep(whole, this.#cut(whole));
  }

  #keep(buffer: Buffer, from: number): void {
    if (from === buffer.length) return;
    this.#parts = [Buffer.from(buffer.subarray(from))];
    this.#size = buffer.length - from;
  }

  /** Hands over the whole frames of a buffer; answers where the rest begins. */
  #cut(buffer: Buffer): number {
    let at = 0;
    for (this.#wanted = 4; buffer.length - at >= 4; this.#wanted = 4) {
      const length = buffer.readUInt32BE(at);
      if (length < 5 || length > MAX_FRAME) throw new Error(`a frame of ${length} bytes`);
      this.#wanted = 4 + length;
      if (buffer.length - at < this.#wanted) return at;
      const rest = at + 4;
      at += this.#wanted;
      this.#take(readFrame(buffer, rest, at));
    }
    return at;
  }
}

function readFrame(buffer: Buffer, from: number, to: number): Frame {
  const headerLength = buffer.readUInt32BE(from + 1);
  const body = from + 5 + headerLength;
  if (headerLength > MAX_HEADER || body > to) throw new Error("a frame with a header that is too long");
  return { type: buffer[from]!, header: buffer.toString("utf8", from + 5, body), body: buffer.subarray(body, to) };
}
