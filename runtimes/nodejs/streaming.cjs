"use strict";
// Response streaming as Lambda's Node.js runtime offers it: the global `awslambda`.
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response";
/** Ends the prelude of an HTTP answer. */
const DELIMITER = Buffer.alloc(8);

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

const isStreaming = (handler) => handler[STREAMING] === "response";

module.exports = { isStreaming, HIGH_WATER_MARK };
