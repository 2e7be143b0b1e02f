/** Frames between the platform and a runtime of ours: u32 length of the rest, u8 type, u32 length of the header, header (JSON), body. */
export const TO_RUNTIME = { init: 1, invoke: 2 } as const;
export const FROM_RUNTIME = { ready: 16, initialized: 17, initError: 18, response: 19, error: 20, log: 21 } as const;

/** A response has 6 MB at most, and its header a little: whatever is longer is not answered by a runtime of ours. */
const MAX_FRAME = 32 * 1024 * 1024;
const MAX_HEADER = 64 * 1024;

export interface Frame {
  readonly type: number;
  readonly header: Record<string, unknown>;
  readonly body: Buffer;
}

export function encodeFrame(type: number, header: object, body: Uint8Array): Buffer[] {
  const head = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.allocUnsafe(9 + head.length);
  prefix.writeUInt32BE(5 + head.length + body.length, 0);
  prefix[4] = type;
  prefix.writeUInt32BE(head.length, 5);
  head.copy(prefix, 9);
  return body.length === 0 ? [prefix] : [prefix, body as Buffer];
}

/** Cuts a stream into frames. Throws where the other side does not keep to the form; it is the tenant's, so it may not. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      const length = this.#peekLength();
      if (length === undefined || this.#size < 4 + length) return frames;
      const buffer = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      frames.push(readFrame(buffer.subarray(4, 4 + length)));
      this.#chunks = [buffer.subarray(4 + length)];
      this.#size -= 4 + length;
    }
  }

  #peekLength(): number | undefined {
    if (this.#size < 4) return undefined;
    if (this.#chunks[0]!.length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    const length = this.#chunks[0]!.readUInt32BE(0);
    if (length < 5 || length > MAX_FRAME) throw new Error(`a frame of ${length} bytes`);
    return length;
  }
}

function readFrame(rest: Buffer): Frame {
  const type = rest[0]!;
  const headerLength = rest.readUInt32BE(1);
  if (headerLength > MAX_HEADER || 5 + headerLength > rest.length)
    throw new Error("a frame with a header that is too long");
  const header: unknown = JSON.parse(rest.toString("utf8", 5, 5 + headerLength));
  if (header === null || typeof header !== "object") throw new Error("a frame without a header");
  return { type, header: header as Record<string, unknown>, body: rest.subarray(5 + headerLength) };
}
