import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { HttpRequest } from "../aws/protocol/http-message.ts";
import { AwsError } from "../kernel/aws-error.ts";

/** Largest body of an operation that does not stream: a 50 MB zip in base64 within JSON, and some room. */
const MAX_BODY = 70 * 1024 * 1024;

/** What the head of a request says about its body and where it goes. */
export interface RequestHead {
  readonly method: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
  readonly rawQuery: string;
  readonly query: URLSearchParams;
}

export const readHead = (request: Pick<IncomingMessage, "method" | "url" | "headers">): RequestHead =>
  new Head(request);

class Head implements RequestHead {
  readonly method: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
  readonly rawQuery: string;
  #query: URLSearchParams | undefined;

  constructor(request: Pick<IncomingMessage, "method" | "url" | "headers">) {
    const url = request.url ?? "/";
    const mark = url.indexOf("?");
    const authority = (request.headers.host ?? "").toLowerCase();
    const match = /^(\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/.exec(authority);
    this.method = request.method ?? "GET";
    this.host = match?.[1] ?? "";
    this.port = match?.[2] ?? "";
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.rawQuery = mark < 0 ? "" : url.slice(mark + 1);
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.rawQuery));
  }
}

/** The request as the wire reads it. `decoded` is what the body streams as, once aws-chunked encoding is taken off. */
export function wireRequest(head: RequestHead, request: IncomingMessage, decoded: () => Readable): HttpRequest {
  let whole: Promise<Buffer> | undefined;
  let stream: Readable | undefined;
  const streamOnce = (): Readable => (stream ??= decoded());
  return {
    method: head.method,
    path: head.path,
    rawQuery: head.rawQuery,
    get query() {
      return head.query;
    },
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body: () => (whole ??= readAll(streamOnce())),
    get stream() {
      return streamOnce();
    },
  };
}

function readAll(stream: Readable): Promise<Buffer> {
  // By events: an iterator costs more than all the rest of a small request's reading.
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY) return void chunks.push(chunk);
      stream.pause();
      const message = `The request body is larger than ${MAX_BODY} bytes.`;
      reject(new AwsError("RequestEntityTooLargeException", message, 413));
    });
    let isWhole = false;
    stream.on("end", () => {
      isWhole = true;
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    stream.on("error", reject);
    stream.on("close", () => {
      if (!isWhole) reject(new Error("the client went away before its request was whole"));
    });
  });
}
