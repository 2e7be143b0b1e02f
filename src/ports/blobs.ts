import type { Readable } from "node:stream";

/** Content that is stored once and named by its SHA-256. */
export interface StoredBlob {
  /** SHA-256 in hexadecimal. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** The content has more bytes than the caller allows; nothing of it was stored. */
export class BlobTooBig extends Error {
  readonly maxBytes: number;
  constructor(maxBytes: number) {
    super(`the content has more than ${maxBytes} bytes`);
    this.name = "BlobTooBig";
    this.maxBytes = maxBytes;
  }
}

/** Immutable bytes, durable when `put` resolves (write, hash, fsync, rename, fsync of the folder). */
export interface Blobs {
  /** Stores a stream or bytes; memory stays flat. A stream that fails or exceeds `maxBytes` (BlobTooBig) leaves nothing behind. Throws StorageFull. */
  put(content: Readable | Uint8Array, options?: { maxBytes?: number; signal?: AbortSignal }): Promise<StoredBlob>;
  /** The bytes from `start` to `end`, both inclusive. Throws where the digest is unknown. */
  open(digest: string, range?: { start: number; end: number }): Readable;
  read(digest: string): Promise<Buffer>;
  has(digest: string): Promise<boolean>;
  /** Path of a read-only file with the content, for mounting and serving; files backend only. */
  file(digest: string): string;
  /**
   * Removes the content; callers keep reference counts in SQL. With `olderThan` it stays where it was stored (again)
   * since, because somebody may just be about to refer to it. Other parts of the platform may hold the same content.
   */
  delete(digest: string, olderThan?: number): Promise<void>;
  /** All digests, for the collection of garbage older than `olderThan` (milliseconds since the epoch). */
  list(olderThan?: number): AsyncIterable<StoredBlob>;
}
