import type { ServerResponse } from "node:http";
import { readProxyResponse } from "../../compute/edge/proxy-response.ts";
import type { InvokeOutcome } from "../../compute/lambda/function-version.ts";
import { MAX_STREAMED } from "../../compute/lambda/streamed-answer.ts";

type Header = readonly [name: string, value: string];

/** The content type by which a runtime says that a prelude with status and headers comes first. */
const WITH_PRELUDE = "application/vnd.awslambda.http-integration-response";
/** Ends the prelude. */
const DELIMITER = Buffer.alloc(8);
const MAX_PRELUDE = 64 * 1024;

/** What was sent to the client; undefined where nothing has been yet, so that an ordinary answer can be. */
export type Streamed = { readonly status: number } | undefined;

/** Sends what a function streams to the client of its URL: as it comes, at the client's pace, and no further than it listens. */
export class UrlStream {
  readonly #response: ServerResponse;
  readonly #makeHeaders: (own: readonly Header[]) => readonly Header[];
  #prelude: Buffer | undefined;
  #status: number | undefined;
  #total = 0;
  #isBroken = false;

  /** `makeHeaders` adds the URL's own headers to those of the function. */
  constructor(response: ServerResponse, makeHeaders: (own: readonly Header[]) => readonly Header[]) {
    this.#response = response;
    this.#makeHeaders = makeHeaders;
  }

  /** For `InvokeRequest.onPiece`. */
  readonly onPiece = (piece: Buffer, contentType: string | undefined): Promise<void> | undefined => {
    if (contentType === WITH_PRELUDE) this.#prelude = Buffer.alloc(0);
    else if (contentType !== undefined) this.#begin(200, [["Content-Type", contentType]]);
    if (piece.length === 0 || this.#isBroken) return undefined;
    return this.#prelude === undefined ? this.#write(piece) : this.#readPrelude(piece);
  };

  /** The call is over. Where it failed in the midst of its answer, the client sees a broken one. */
  end(outcome: InvokeOutcome): Streamed {
    if (this.#status === undefined) {
      if (outcome.functionError || this.#prelude !== undefined) return undefined;
      this.#begin(200, [["Content-Type", "application/json"]]);
      void this.#write(outcome.payload);
    }
    if (outcome.functionError || this.#isBroken) this.#response.destroy();
    else this.#response.end();
    return { status: this.#status! };
  }

  #readPrelude(piece: Buffer): Promise<void> | undefined {
    const all = Buffer.concat([this.#prelude!, piece]);
    const end = all.indexOf(DELIMITER);
    if (end < 0) {
      this.#prelude = all;
      this.#isBroken = all.length > MAX_PRELUDE;
      return undefined;
    }
    const prelude = readProxyResponse(withStatus(all.subarray(0, end)), { inferred: true, decodes: false });
    if (!prelude) {
      this.#isBroken = true;
      return undefined;
    }
    this.#prelude = undefined;
    const typed = prelude.headers.some(([name]) => name.toLowerCase() === "content-type");
    this.#begin(
      prelude.status,
      typed ? prelude.headers : [...prelude.headers, ["Content-Type", "application/octet-stream"]],
    );
    return this.#write(all.subarray(end + DELIMITER.length));
  }

  #begin(status: number, headers: readonly Header[]): void {
    if (this.#status !== undefined) return;
    this.#status = status;
    this.#response.writeHead(status, this.#makeHeaders(headers).flat());
    this.#response.flushHeaders();
  }

  #write(piece: Buffer): Promise<void> | undefined {
    const response = this.#response;
    this.#total += piece.length;
    if (this.#total > MAX_STREAMED) this.#isBroken = true;
    // Who has gone away is not waited for: the function goes on, and what it says is dropped.
    if (this.#isBroken || response.destroyed || piece.length === 0 || response.write(piece)) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        response.off("drain", done).off("close", done);
        resolve();
      };
      response.on("drain", done).on("close", done);
    });
  }
}

/** A prelude may leave the status out: it is 200 then. */
function withStatus(prelude: Buffer): Buffer {
  const text = prelude.toString("utf8");
  try {
    return Buffer.from(JSON.stringify({ statusCode: 200, ...(JSON.parse(text) as object), body: "" }));
  } catch {
    return Buffer.from('{"statusCode":0}'); // no status at all: refused
  }
}
