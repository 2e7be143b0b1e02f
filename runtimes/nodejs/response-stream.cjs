"use strict";
// The stream that a streaming handler writes to; loaded when there is such a handler, for `node:stream` takes its time.
const { Writable } = require("node:stream");
const { OUT } = require("./frames.cjs");
const { HIGH_WATER_MARK } = require("./streaming.cjs");

const DEFAULT_CONTENT_TYPE = "application/octet-stream";
const PIECE = 64 * 1024;

/** The stream that a handler writes its answer to. `onEnd` is called once, with an error where the stream was destroyed. */
class ResponseStream extends Writable {
  #frames;
  #id;
  #contentType;
  #started = false;

  constructor(frames, id, handler) {
    super({ highWaterMark: handler[HIGH_WATER_MARK] ?? PIECE });
    this.#frames = frames;
    this.#id = id;
  }

  setContentType(type) {
    if (this.#started) throw new Error("Cannot set content-type, too late.");
    this.#contentType = String(type);
  }

  get started() {
    return this.#started;
  }

  _write(chunk, encoding, done) {
    try {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
      this.#begin();
      this.#send(bytes);
      done();
    } catch (error) {
      done(error);
    }
  }

  _final(done) {
    this.#begin();
    done();
  }

  #begin() {
    if (this.#started) return;
    this.#started = true;
    this.#frames.write(OUT.PIECE, `${this.#id}\t${this.#contentType ?? DEFAULT_CONTENT_TYPE}`);
    this._onBeforeFirstWrite?.((chunk) => this.#send(Buffer.from(chunk)));
  }

  #send(bytes) {
    for (let at = 0; at < bytes.length; at += PIECE)
      this.#frames.write(OUT.PIECE, this.#id, bytes.subarray(at, at + PIECE));
  }
}

module.exports = { ResponseStream };
