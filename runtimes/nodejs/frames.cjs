"use strict";
// Frames between the platform and a runtime: u32 length of the rest, u8 type, u32 length of the header, header (text, fields parted by tabs), body.
// They come by one named pipe and go by another; both block, so that a runtime that waits costs nothing.
const fs = require("node:fs");

const IN = { INIT: 1, INVOKE: 2, VARIABLES: 3 };
const OUT = {
  READY: 16,
  INITIALIZED: 17,
  INIT_ERROR: 18,
  RESPONSE: 19,
  ERROR: 20,
  LOG: 21,
  PIECE: 22,
  END: 23,
};

const PREFIX = 9;
const KEEP = 1 << 20;

// Buffer's own methods check what need not be checked here, and a new process has not optimized them yet.
const u32 = (bytes, at) => ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;

function putU32(bytes, at, value) {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

class Frames {
  #in;
  #out;
  #buffer = Buffer.allocUnsafeSlow(65536);
  #size = 0;
  #scratch = Buffer.allocUnsafeSlow(65536);

  constructor(folder) {
    this.#in = fs.openSync(`${folder}/events`, "r");
    this.#out = fs.openSync(`${folder}/answers`, "w");
  }

  /** Sleeps until a frame is there: [type, header, body]; the body is good until the next call. */
  read() {
    for (;;) {
      if (this.#size >= PREFIX) {
        const length = 4 + u32(this.#buffer, 0);
        if (this.#size >= length) return this.#cut(length);
        if (length > this.#buffer.length) this.#grow(length);
      }
      const got = fs.readSync(this.#in, this.#buffer, this.#size, this.#buffer.length - this.#size, null);
      if (got === 0) process.exit(0);
      this.#size += got;
    }
  }

  #cut(length) {
    const head = u32(this.#buffer, 5);
    const frame = [
      this.#buffer[4],
      this.#buffer.utf8Slice(PREFIX, PREFIX + head),
      this.#buffer.utf8Slice(PREFIX + head, length),
    ];
    if (this.#size > length) this.#buffer.copyWithin(0, length, this.#size);
    this.#size -= length;
    if (this.#buffer.length > KEEP && this.#size === 0) this.#buffer = Buffer.allocUnsafeSlow(65536);
    return frame;
  }

  #grow(length) {
    const larger = Buffer.allocUnsafeSlow(length);
    this.#buffer.copy(larger, 0, 0, this.#size);
    this.#buffer = larger;
  }

  /** Writes a frame; the body is text or bytes. */
  write(type, header = "", body = "") {
    const text = typeof body === "string";
    const most = PREFIX + header.length * 3 + (text ? body.length * 3 : body.length);
    let frame = this.#scratch;
    if (most > frame.length) {
      const exact = PREFIX + Buffer.byteLength(header) + (text ? Buffer.byteLength(body) : body.length);
      frame = exact > frame.length ? Buffer.allocUnsafeSlow(exact) : frame;
    }
    const head = frame.utf8Write(header, PREFIX);
    const from = PREFIX + head;
    const size = text ? frame.utf8Write(body, from) : (frame.set(body, from), body.length);
    const end = from + size;
    putU32(frame, 0, end - 4);
    frame[4] = type;
    putU32(frame, 5, head);
    for (let at = 0; at < end;) at += fs.writeSync(this.#out, frame, at, end - at);
  }
}

module.exports = { Frames, IN, OUT };
