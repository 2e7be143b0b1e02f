import type { Readable } from "node:stream";

/** A request as the wire sees it, whatever server received it. */
export interface HttpRequest {
  readonly method: string;
  /** The path as it came, still percent-encoded, without the query. */
  readonly path: string;
  /** What follows `?`, as it came; "" where there is none. */
  readonly rawQuery: string;
  readonly query: URLSearchParams;
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names and values in turn, as they came; a signature over a repeated header needs them. */
  readonly rawHeaders?: readonly string[];
  /** The whole body, decoded and bounded; the same promise each time. */
  body(): Promise<Buffer>;
  /** The decoded body as it arrives, for operations that stream. Read either this or `body()`. */
  readonly stream: Readable;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body?: string | Uint8Array | Readable | AsyncIterable<Uint8Array>;
}

/** The first value of a header. */
export function headerOf(request: Pick<HttpRequest, "headers">, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
