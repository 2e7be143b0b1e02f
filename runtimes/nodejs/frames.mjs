// Frames between the platform and a runtime: u32 length of the rest, u8 type, u32 length of the header, header (JSON), body.
export const IN = { INIT: 1, INVOKE: 2 };
export const OUT = { READY: 16, INITIALIZED: 17, INIT_ERROR: 18, RESPONSE: 19, ERROR: 20, LOG: 21 };

export function frame(type, header, body = "") {
  const head = Buffer.from(JSON.stringify(header));
  const content = typeof body === "string" ? Buffer.from(body) : body;
  const prefix = Buffer.allocUnsafe(9);
  prefix.writeUInt32BE(5 + head.length + content.length, 0);
  prefix[4] = type;
  prefix.writeUInt32BE(head.length, 5);
  return Buffer.concat([prefix, head, content]);
}

export class FrameReader {
  #chunks = [];
  #size = 0;

  /** The frames that are complete with this chunk: [type, header, body]. */
  read(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames = [];
    while (this.#size >= 4) {
      const buffer = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      this.#chunks = [buffer];
      const length = buffer.readUInt32BE(0);
      if (this.#size < 4 + length) break;
      const headLength = buffer.readUInt32BE(5);
      frames.push([
        buffer[4],
        JSON.parse(buffer.toString("utf8", 9, 9 + headLength)),
        buffer.subarray(9 + headLength, 4 + length),
      ]);
      this.#chunks = [buffer.subarray(4 + length)];
      this.#size -= 4 + length;
    }
    return frames;
  }
}
