import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { checksumAlgorithm, createChecksum, type ChecksumAlgorithm } from "../../aws/checksums.ts";
import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { BlobTooBig } from "../../ports/blobs.ts";
import { contentCipher, SALT_BYTES, type CustomerKey } from "./customer-keys.ts";
import { MAX_INLINE_BYTES, MAX_SINGLE_UPLOAD_BYTES } from "./limits.ts";
import type { Checksums, Segment } from "./model.ts";
import type { ByteRange } from "./range.ts";
import { inlineContent } from "./store/objects.ts";

/** The members that carry checksums, by algorithm. */
const MEMBERS: Readonly<Record<Exclude<ChecksumAlgorithm, "md5">, string>> = {
  crc32: "ChecksumCRC32",
  crc32c: "ChecksumCRC32C",
  crc64nvme: "ChecksumCRC64NVME",
  sha1: "ChecksumSHA1",
  sha256: "ChecksumSHA256",
};

export const checksumMember = (algorithm: ChecksumAlgorithm): string => MEMBERS[algorithm as "crc32"];

/** The algorithm of an object's stored checksum. */
export function algorithmOf(checksums: Checksums | undefined): ChecksumAlgorithm | undefined {
  const [member] = Object.keys(checksums?.values ?? {});
  return member === undefined ? undefined : checksumAlgorithm(member.replace("Checksum", ""));
}

/** What S3 computes where the caller wants none. */
export const DEFAULT_CHECKSUM: ChecksumAlgorithm = "crc64nvme";

/** The algorithm by which an input wants its content to be checked; at most one. */
export function wantedAlgorithm(input: object): ChecksumAlgorithm | undefined {
  const named = Object.entries(MEMBERS).filter(
    ([, member]) => (input as Record<string, unknown>)[member] !== undefined,
  );
  if (named.length > 1)
    throw new AwsError(
      "InvalidRequest",
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
      400,
    );
  const { ChecksumAlgorithm: announced } = input as { ChecksumAlgorithm?: string };
  return (
    (named[0]?.[0] as ChecksumAlgorithm | undefined) ??
    (announced === undefined ? undefined : checksumAlgorithm(announced))
  );
}

export interface StoredContent extends Segment {
  /** MD5 in hexadecimal: the ETag of a content that came in one piece. */
  readonly md5: string;
  readonly checksums: Readonly<Record<string, string>>;
  /** The content itself where it is small: it is stored with the row that refers to it. */
  readonly data?: Uint8Array;
}

/** How an object refers to its content. */
export const segmentOf = ({ digest, size, data }: StoredContent): Segment =>
  data ? { digest, size, inline: true } : { digest, size };

type Body = Readable | Uint8Array | string | undefined;

/**
 * Streams content to a blob, with its MD5 and the checksums of `algorithms`; memory stays flat. With a customer's
 * key the content is sealed: a salt and the encrypted bytes, whose MD5 is taken in the place of the content's.
 */
export async function storeContent(
  ctx: Context<any>,
  body: Body,
  algorithms: readonly ChecksumAlgorithm[],
  options: { inline: boolean; key?: CustomerKey | undefined },
): Promise<StoredContent> {
  const { key } = options;
  const md5 = createChecksum("md5");
  const others = [...new Set(algorithms)].map((algorithm) => ({ algorithm, checksum: createChecksum(algorithm) }));
  const seen = (chunk: Uint8Array): void => {
    if (!key) md5.update(chunk);
    for (const { checksum } of others) checksum.update(chunk);
  };
  const seal = key && sealing(key, Buffer.from(ctx.platform.ids.bytes(SALT_BYTES)), (sealed) => md5.update(sealed));
  const overhead = seal ? SALT_BYTES : 0;
  try {
    const start = await readStart(body, options.inline ? MAX_INLINE_BYTES : 0);
    let stored: Segment & { data?: Uint8Array };
    if (options.inline && start.whole) {
      seen(start.whole);
      const data = seal ? Buffer.concat([seal.salt, seal.update(start.whole)]) : start.whole;
      stored = { digest: createHash("sha256").update(data).digest("hex"), size: start.whole.length, data };
    } else {
      const watched = watch(start.chunks, seen);
      const { digest, size } = await ctx.platform.blobs.put(Readable.from(seal ? sealed(watched, seal) : watched), {
        maxBytes: MAX_SINGLE_UPLOAD_BYTES + overhead,
        signal: ctx.signal,
      });
      stored = { digest, size: size - overhead };
    }
    return {
      ...stored,
      md5: Buffer.from(md5.digest(), "base64").toString("hex"),
      checksums: Object.fromEntries(
        others.map(({ algorithm, checksum }) => [checksumMember(algorithm), checksum.digest()]),
      ),
    };
  } catch (error) {
    throw storageError(error, MAX_SINGLE_UPLOAD_BYTES);
  }
}

interface Sealing {
  readonly salt: Buffer;
  update(chunk: Uint8Array): Buffer;
}

function sealing(key: CustomerKey, salt: Buffer, see: (sealed: Uint8Array) => void): Sealing {
  const cipher = contentCipher(key, salt);
  return {
    salt,
    update(chunk) {
      const bytes = cipher.update(chunk);
      see(bytes);
      return bytes;
    },
  };
}

async function* sealed(chunks: AsyncIterable<Uint8Array>, { salt, update }: Sealing): AsyncGenerator<Uint8Array> {
  yield salt;
  for await (const chunk of chunks) yield update(chunk);
}

/** Reads up to `max` bytes ahead: `whole` is the body where that is all of it. */
async function readStart(body: Body, max: number): Promise<{ whole?: Buffer; chunks: AsyncIterable<Uint8Array> }> {
  // Where the content cannot be stored, the client is still owed an answer: its connection must not end with the reading.
  const source = body instanceof Readable ? body.iterator({ destroyOnReturn: false }) : [Buffer.from(body ?? "")];
  const iterator = chunksOf(source)[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let size = 0;
  while (size <= max) {
    const { done, value } = await iterator.next();
    if (done) return { whole: Buffer.concat(head), chunks: chunksOf(head) };
    head.push(value);
    size += value.length;
  }
  return { chunks: chunksOf(head, { [Symbol.asyncIterator]: () => iterator }) };
}

async function* chunksOf(...sources: (Iterable<unknown> | AsyncIterable<unknown>)[]): AsyncGenerator<Buffer> {
  for (const source of sources) for await (const chunk of source) yield chunk as Buffer;
}

/** Shows each chunk to `see` on its way. */
async function* watch(chunks: AsyncIterable<Uint8Array>, see: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}

function storageError(error: unknown, maxBytes: number): unknown {
  if (error instanceof BlobTooBig) {
    return new AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400, {
      MaxSizeAllowed: String(maxBytes),
    });
  }
  if ((error as { code?: string }).code === "ERR_STREAM_PREMATURE_CLOSE") {
    return new AwsError(
      "IncompleteBody",
      "You did not provide the number of bytes specified by the Content-Length HTTP header",
      400,
    );
  }
  return error;
}

/** The bytes of an object as the answer to a read. A small one is in the stream already, so that the front door sends it at once. */
export async function answeredContent(
  ctx: Context<any>,
  segments: readonly Segment[],
  range?: ByteRange,
  key?: CustomerKey,
): Promise<Readable> {
  const only = segments.length === 1 ? segments[0] : undefined;
  if (!only?.inline) return readContent(ctx, segments, range, key);
  const content = await smallContent(ctx, only, key);
  const stream = new Readable({ read: () => undefined });
  stream.push(range ? content.subarray(range.start, range.end + 1) : content);
  stream.push(null);
  return stream;
}

/** The bytes of an object, or a range of them, from its segments one after the other. */
export function readContent(
  ctx: Context<any>,
  segments: readonly Segment[],
  range?: ByteRange,
  key?: CustomerKey,
): Readable {
  const only = segments.length === 1 ? segments[0] : undefined;
  if (only && !only.inline && !key) return ctx.platform.blobs.open(only.digest, range);
  return Readable.from(pieces(ctx, segments, range, key), { objectMode: false });
}

async function* pieces(
  ctx: Context<any>,
  segments: readonly Segment[],
  range: ByteRange | undefined,
  key: CustomerKey | undefined,
): AsyncIterable<Buffer> {
  let offset = 0;
  const { start, end } = range ?? { start: 0, end: Infinity };
  for (const segment of segments) {
    const { digest, size } = segment;
    const first = Math.max(start - offset, 0);
    const last = Math.min(end - offset, size - 1);
    if (first <= last && segment.inline)
      yield Buffer.from(await smallContent(ctx, segment, key)).subarray(first, last + 1);
    else if (first <= last && key) yield* unsealed(ctx, digest, { start: first, end: last }, key);
    else if (first <= last)
      yield* ctx.platform.blobs.open(digest, { start: first, end: last }) as AsyncIterable<Buffer>;
    offset += size;
    if (offset > end) return;
  }
}

async function smallContent(ctx: Context<any>, segment: Segment, key: CustomerKey | undefined): Promise<Uint8Array> {
  const data = await inlineContent(ctx, segment);
  return key ? contentCipher(key, data.subarray(0, SALT_BYTES)).update(data.subarray(SALT_BYTES)) : data;
}

/** A range of a sealed blob: its salt, and then only the bytes that are asked for. */
async function* unsealed(
  ctx: Context<any>,
  digest: string,
  { start, end }: ByteRange,
  key: CustomerKey,
): AsyncIterable<Buffer> {
  const { blobs } = ctx.platform;
  const salt: Buffer[] = [];
  for await (const chunk of blobs.open(digest, { start: 0, end: SALT_BYTES - 1 })) salt.push(chunk as Buffer);
  const cipher = contentCipher(key, Buffer.concat(salt), start);
  for await (const chunk of blobs.open(digest, { start: start + SALT_BYTES, end: end + SALT_BYTES }))
    yield cipher.update(chunk as Buffer);
}
