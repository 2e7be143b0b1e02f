import { createHash, timingSafeEqual } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { AwsError } from "../kernel/aws-error.ts";
import { EMPTY_SHA256, hmacSha256, scopeText, sha256Hex, type SignatureScope } from "./sigv4-canonical.ts";

/** What is needed to check the signature of each chunk. */
export interface ChunkSigning {
  readonly key: Buffer;
  readonly scope: SignatureScope;
  /** The signature of the request's head, which the first chunk's continues. */
  readonly seed: string;
}

export interface AwsChunkedOptions {
  /** Absent for the unsigned form. */
  readonly signing?: ChunkSigning | undefined;
  /** `x-amz-decoded-content-length`. */
  readonly decodedLength?: number | undefined;
  /** Headers follow the last chunk. */
  readonly trailers?: boolean;
}

const MAX_LINE = 8 * 1024;
const MAX_TRAILERS = 32;
/** A signed chunk is held until its signature is checked; clients send 64 KiB to 1 MiB. */
const MAX_SIGNED_CHUNK = 16 * 1024 * 1024;

export function chunkSignature(signing: ChunkSigning, previous: string, dataSha256: string): string {
  const { scope, key } = signing;
  const text = ["AWS4-HMAC-SHA256-PAYLOAD", scope.amzDate, scopeText(scope), previous, EMPTY_SHA256, dataSha256];
  return hmacSha256(key, text.join("\n")).toString("hex");
}

export function trailerSignature(signing: ChunkSigning, previous: string, trailers: string): string {
  const { scope, key } = signing;
  const text = ["AWS4-HMAC-SHA256-TRAILER", scope.amzDate, scopeText(scope), previous, sha256Hex(trailers)];
  return hmacSha256(key, text.join("\n")).toString("hex");
}

type State = "size" | "data" | "dataEnd" | "trailer" | "lastLine" | "done";

/** Decodes `aws-chunked` bodies; gives out no byte of a signed chunk before its signature has been checked. */
export class AwsChunkedDecoder extends Transform {
  /** Trailing headers by their names in lower case; complete when the stream ends. */
  readonly trailers: Readonly<Record<string, string>> = Object.create(null) as Record<string, string>;

  readonly #options: AwsChunkedOptions;
  #state: State = "size";
  #input: Buffer = Buffer.alloc(0);
  /** Bytes of the chunk that are still to come. */
  #remaining = 0;
  #decoded = 0;
  #held: Buffer[] = [];
  #chunkSignature = "";
  #previousSignature: string;
  #trailerText = "";
  #trailerSigned = false;

  constructor(options: AwsChunkedOptions = {}) {
    super();
    this.#options = options;
    this.#previousSignature = options.signing?.seed ?? "";
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#input = this.#input.length > 0 ? Buffer.concat([this.#input, chunk]) : chunk;
      while (this.#step());
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    const { decodedLength, signing, trailers } = this.#options;
    // Some clients leave out the empty line after the last chunk or the trailers.
    const ended =
      this.#state === "done" || ((this.#state === "lastLine" || this.#state === "trailer") && this.#input.length === 0);
    if (!ended) return done(incomplete("The request body ended inside of a chunk."));
    if (signing && trailers && !this.#trailerSigned) {
      return done(new AwsError("SignatureDoesNotMatch", "The trailing headers of the body are not signed.", 403));
    }
    if (decodedLength !== undefined && this.#decoded !== decodedLength) {
      const message = `The body has ${this.#decoded} bytes, and x-amz-decoded-content-length says ${decodedLength}.`;
      return done(incomplete(message));
    }
    done();
  }

  /** One step of the state machine; false where more input is needed. */
  #step(): boolean {
    switch (this.#state) {
      case "size":
        return this.#readSize();
      case "data":
        return this.#readData();
      case "dataEnd":
        return this.#readLineBreak("size");
      case "lastLine":
        return this.#readLineBreak("done");
      case "trailer":
        return this.#readTrailer();
      case "done":
        if (this.#input.length > 0) throw incomplete("There are bytes after the end of the body.");
        return false;
    }
  }

  #line(): string | undefined {
    const end = this.#input.indexOf("\r\n");
    if (end > MAX_LINE || (end < 0 && this.#input.length > MAX_LINE))
      throw incomplete("A line of the body is too long.");
    if (end < 0) return undefined;
    const line = this.#input.toString("latin1", 0, end);
    this.#input = this.#input.subarray(end + 2);
    return line;
  }

  #readSize(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    const match = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?[ \t]*$/.exec(line);
    if (!match) throw incomplete("A chunk of the body has no valid size.");
    this.#remaining = parseInt(match[1]!, 16);
    this.#chunkSignature = match[2] ?? "";
    const { signing, decodedLength } = this.#options;
    if (signing && this.#remaining > MAX_SIGNED_CHUNK) throw incomplete("A signed chunk is larger than 16 MiB.");
    if (decodedLength !== undefined && this.#decoded + this.#remaining > decodedLength) {
      throw incomplete("The body is longer than x-amz-decoded-content-length says.");
    }
    if (this.#remaining > 0) this.#state = "data";
    else {
      this.#checkChunk([]);
      this.#state = this.#options.trailers ? "trailer" : "lastLine";
    }
    return true;
  }

  #readData(): boolean {
    if (this.#input.length === 0) return false;
    const part = this.#input.subarray(0, this.#remaining);
    this.#input = this.#input.subarray(part.length);
    this.#remaining -= part.length;
    this.#decoded += part.length;
    if (!this.#options.signing) this.push(part);
    else this.#held.push(part);
    if (this.#remaining === 0) {
      if (this.#options.signing) {
        const held = this.#held;
        this.#held = [];
        this.#checkChunk(held);
        for (const checked of held) this.push(checked);
      }
      this.#state = "dataEnd";
    }
    return true;
  }

  #readLineBreak(next: State): boolean {
    if (this.#input.length < 2) return false;
    if (this.#input[0] !== 13 || this.#input[1] !== 10)
      throw incomplete("A chunk of the body does not end with a line break.");
    this.#input = this.#input.subarray(2);
    this.#state = next;
    return true;
  }

  #readTrailer(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (line === "") {
      this.#state = "done";
      return true;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || Object.keys(this.trailers).length >= MAX_TRAILERS) {
      throw new AwsError("MalformedTrailerError", "The request contained trailing data that was not well-formed.", 400);
    }
    if (name === "x-amz-trailer-signature") this.#checkTrailers(value);
    else {
      (this.trailers as Record<string, string>)[name] = value;
      this.#trailerText += `${name}:${value}\n`;
    }
    return true;
  }

  #checkChunk(data: readonly Buffer[]): void {
    const { signing } = this.#options;
    if (!signing) return;
    const hash = createHash("sha256");
    for (const part of data) hash.update(part);
    const expected = chunkSignature(signing, this.#previousSignature, hash.digest("hex"));
    if (!sameSignature(expected, this.#chunkSignature)) throw badSignature("A chunk's");
    this.#previousSignature = expected;
  }

  #checkTrailers(given: string): void {
    const { signing } = this.#options;
    if (!signing) return;
    const expected = trailerSignature(signing, this.#previousSignature, this.#trailerText);
    if (!sameSignature(expected, given)) throw badSignature("The trailer's");
    this.#trailerSigned = true;
  }
}

function sameSignature(expected: string, given: string): boolean {
  const a = Buffer.from(expected, "latin1");
  const b = Buffer.from(given, "latin1");
  return a.length === b.length && timingSafeEqual(a, b);
}

function badSignature(whose: string): AwsError {
  const message = `${whose} signature does not match the signature we calculated. Check your key and signing method.`;
  return new AwsError("SignatureDoesNotMatch", message, 403);
}

function incomplete(message: string): AwsError {
  return new AwsError("IncompleteBody", message, 400);
}
