import { Readable } from "node:stream";
import { checksumAlgorithm, createChecksum, type ChecksumAlgorithm } from "../../aws/checksums.ts";
import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { BlobTooBig } from "../../ports/blobs.ts";
import { StorageFull } from "../../ports/database.ts";
import { MAX_SINGLE_UPLOAD_BYTES } from "./limits.ts";
import type { Segment } from "./model.ts";
import type { ByteRange } from "./range.ts";

/** The members that carry checksums, by algorithm. */
const MEMBERS: Readonly<Record<Exclude<ChecksumAlgorithm, "md5">, string>> = {
  crc32: "ChecksumCRC32",
  crc32c: "ChecksumCRC32C",
  crc64nvme: "ChecksumCRC64NVME",
  sha1: "ChecksumSHA1",
  sha256: "ChecksumSHA256",
};

export const checksumMember = (algorithm: ChecksumAlgorithm): string => MEMBERS[algorithm as "crc32"];
export const checksumMembers: readonly string[] = Object.values(MEMBERS);

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
}

/** Streams content to a blob, with its MD5 and the checksum that the caller wants; memory stays flat. */
export async function storeContent(
  ctx: Context<any>,
  body: Readable | Uint8Array | string | undefined,
  algorithm: ChecksumAlgorithm | undefined,
  maxBytes = MAX_SINGLE_UPLOAD_BYTES,
): Promise<StoredContent> {
  const md5 = createChecksum("md5");
  const other = algorithm && createChecksum(algorithm);
  const seen = (chunk: Uint8Array): void => {
    md5.update(chunk);
    other?.update(chunk);
  };
  try {
    const stored = await ctx.platform.blobs.put(watched(body ?? Buffer.alloc(0), seen), {
      maxBytes,
      signal: ctx.signal,
    });
    return {
      ...stored,
      md5: Buffer.from(md5.digest(), "base64").toString("hex"),
      checksums: other && algorithm ? { [checksumMember(algorithm)]: other.digest() } : {},
    };
  } catch (error) {
    throw storageError(error, maxBytes);
  }
}

function storageError(error: unknown, maxBytes: number): unknown {
  if (error instanceof BlobTooBig) {
    return new AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400, {
      MaxSizeAllowed: String(maxBytes),
    });
  }
  if (error instanceof StorageFull)
    return new AwsError("ServiceUnavailable", "The disk of this platform is full; nothing was stored.", 503);
  if ((error as { code?: string }).code === "ERR_STREAM_PREMATURE_CLOSE") {
    return new AwsError(
      "IncompleteBody",
      "You did not provide the number of bytes specified by the Content-Length HTTP header",
      400,
    );
  }
  return error;
}

/** Shows each chunk to `see` on its way; a body in memory is seen at once. */
function watched(body: Readable | Uint8Array | string, see: (chunk: Uint8Array) => void): Readable | Uint8Array {
  if (typeof body === "string" || body instanceof Uint8Array) {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    see(bytes);
    return bytes;
  }
  return Readable.from(
    (async function* () {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        see(chunk);
        yield chunk;
      }
    })(),
  );
}

/** The bytes of an object, or a range of them, from its segments one after the other. */
export function readContent(ctx: Context<any>, segments: readonly Segment[], range?: ByteRange): Readable {
  const only = segments.length === 1 ? segments[0] : undefined;
  if (only) return ctx.platform.blobs.open(only.digest, range);
  return Readable.from(pieces(ctx, segments, range), { objectMode: false });
}

async function* pieces(ctx: Context<any>, segments: readonly Segment[], range?: ByteRange): AsyncIterable<Buffer> {
  let offset = 0;
  const { start, end } = range ?? { start: 0, end: Infinity };
  for (const { digest, size } of segments) {
    const first = Math.max(start - offset, 0);
    const last = Math.min(end - offset, size - 1);
    if (first <= last) yield* ctx.platform.blobs.open(digest, { start: first, end: last }) as AsyncIterable<Buffer>;
    offset += size;
    if (offset > end) return;
  }
}
