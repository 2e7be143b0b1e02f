// Response streaming as Lambda's Node.js runtime offers it: the global `awslambda`.
import { Writable } from "node:stream";
import { OUT } from "./frames.mjs";

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response";
const DEFAULT_CONTENT_TYPE = "application/octet-stream";
/** Ends the prelude of an HTTP answer. */
const DELIMITER = Buffer.alloc(8);
const PIECE = 64 * 1024;

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = "response";
    if (typeof options?.highWaterMark === "number") handler[HIGH_WATER_MARK] = options.highWaterMark;
    return handler;
  },
  HttpResponseStream: class HttpResponseStream {
    /** Gives the stream a status, headers and cookies; they go before its first bytes. */
    static from(stream, prelude) {
      stream.setContentType(HTTP_INTEGRATION);
      const text = JSON.stringify(prelude);
      stream._onBeforeFirstWrite = (write) => {
        write(text);
        write(DELIMITER);
      };
      return stream;
    }
  },
};

export const isStreaming = (handler) => handler[STREAMING] === "response";

/** The stream that a handler writes its answer to. `onEnd` is called once, with an error where the stream was destroyed. */
export class ResponseStream extends Writable {
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
