import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { crc32 } from "node:zlib";
import { AwsError } from "../kernel/aws-error.ts";

/** The checksums that S3 knows, by the names that its headers end with. */
export type ChecksumAlgorithm = "crc32" | "crc32c" | "crc64nvme" | "sha1" | "sha256" | "md5";

export interface Checksum {
  update(bytes: Uint8Array): void;
  /** The checksum so far, base64. */
  digest(): string;
}

/** The algorithm of a name in any case; `undefined` where there is none such. */
export function checksumAlgorithm(name: string): ChecksumAlgorithm | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(CHECKSUM_BYTES, lower) ? (lower as ChecksumAlgorithm) : undefined; // one of the names, as the table has it
}

/** How long checksums are. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
  md5: 16,
};

/** The polynomials of those that are cyclic redundancy checks, reflected. */
export const CRC_POLYNOMIALS = { crc32: 0xedb88320n, crc32c: 0x82f63b78n, crc64nvme: 0x9a6c9329ac4bc9b5n } as const;

/** Whether a text can be a checksum of this algorithm, in base64. */
export function isChecksum(algorithm: ChecksumAlgorithm, text: string): boolean {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === CHECKSUM_BYTES[algorithm] && bytes.toString("base64") === text;
}

export function createChecksum(algorithm: ChecksumAlgorithm): Checksum {
  switch (algorithm) {
    case "crc32": {
      let value = 0;
      return {
        update: (bytes) => void (value = crc32(bytes, value)),
        digest: () => bigEndian(value),
      };
    }
    case "crc32c":
      return crc32cChecksum();
    case "crc64nvme":
      return crc64Checksum();
    default: {
      const hash = createHash(algorithm);
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.copy().digest("base64") };
    }
  }
}

function bigEndian(...words: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32BE(word >>> 0, index * 4));
  return bytes.toString("base64");
}

/*
 * Eight bytes at a time ("slice by 8"): table k holds the checksum of a byte that k more bytes follow. Tables of 64 bits
 * are two arrays of 32, because arithmetic on bigints would be slower than one byte at a time. The bytes are read as two
 * words of 32 bits (little-endian, as all machines are that Node runs on), which takes half the time of eight.
 */
const CRC32C_TABLES = makeCrc32Tables(Number(CRC_POLYNOMIALS.crc32c));
const CRC64_TABLES = makeCrc64Tables(CRC_POLYNOMIALS.crc64nvme);

interface Words {
  /** Bytes before the first word: words begin where they may. */
  readonly before: number;
  /** Pairs of them. */
  readonly words: Int32Array;
  /** Bytes up to the end of the last word. */
  readonly end: number;
}

const NO_WORDS = new Int32Array(0);

function wordsOf(bytes: Uint8Array): Words {
  const before = Math.min(-bytes.byteOffset & 3, bytes.length);
  const pairs = Math.floor((bytes.length - before) / 8);
  const words = pairs > 0 ? new Int32Array(bytes.buffer, bytes.byteOffset + before, pairs * 2) : NO_WORDS;
  return { before, words, end: before + pairs * 8 };
}

function makeCrc32Tables(polynomial: number): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    tables[byte] = value;
  }
  for (let index = 256; index < tables.length; index++) {
    const previous = tables[index - 256]!;
    tables[index] = tables[previous & 255]! ^ (previous >>> 8);
  }
  return tables;
}

function crc32cChecksum(): Checksum {
  const t = CRC32C_TABLES;
  let sum = -1;
  const single = (bytes: Uint8Array, from: number, to: number): void => {
    for (let at = from; at < to; at++) sum = t[(sum ^ bytes[at]!) & 255]! ^ (sum >>> 8);
  };
  return {
    update(bytes) {
      const { before, words, end } = wordsOf(bytes);
      single(bytes, 0, before);
      let crc = sum;
      for (let at = 0; at < words.length; at += 2) {
        const low = crc ^ words[at]!;
        const high = words[at + 1]!;
        crc =
          t[1792 + (low & 255)]! ^
          t[1536 + ((low >>> 8) & 255)]! ^
          t[1280 + ((low >>> 16) & 255)]! ^
          t[1024 + (low >>> 24)]! ^
          t[768 + (high & 255)]! ^
          t[512 + ((high >>> 8) & 255)]! ^
          t[256 + ((high >>> 16) & 255)]! ^
          t[high >>> 24]!;
      }
      sum = crc;
      single(bytes, end, bytes.length);
    },
    digest: () => bigEndian(~sum),
  };
}

function makeCrc64Tables(polynomial: bigint): { readonly low: Int32Array; readonly high: Int32Array } {
  const low = new Int32Array(8 * 256);
  const high = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    low[byte] = Number(value & 0xffffffffn);
    high[byte] = Number(value >> 32n);
  }
  for (let index = 256; index < low.length; index++) {
    const previousLow = low[index - 256]!;
    const previousHigh = high[index - 256]!;
    const byte = previousLow & 255;
    low[index] = low[byte]! ^ ((previousLow >>> 8) | (previousHigh << 24));
    high[index] = high[byte]! ^ (previousHigh >>> 8);
  }
  return { low, high };
}

function crc64Checksum(): Checksum {
  const { low: l, high: h } = CRC64_TABLES;
  let sumLow = -1;
  let sumHigh = -1;
  const single = (bytes: Uint8Array, from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      const index = (sumLow ^ bytes[at]!) & 255;
      sumLow = l[index]! ^ ((sumLow >>> 8) | (sumHigh << 24));
      sumHigh = h[index]! ^ (sumHigh >>> 8);
    }
  };
  return {
    update(bytes) {
      const { before, words, end } = wordsOf(bytes);
      single(bytes, 0, before);
      let low = sumLow;
      let high = sumHigh;
      for (let at = 0; at < words.length; at += 2) {
        const a = low ^ words[at]!;
        const b = high ^ words[at + 1]!;
        const i7 = 1792 + (a & 255);
        const i6 = 1536 + ((a >>> 8) & 255);
        const i5 = 1280 + ((a >>> 16) & 255);
        const i4 = 1024 + (a >>> 24);
        const i3 = 768 + (b & 255);
        const i2 = 512 + ((b >>> 8) & 255);
        const i1 = 256 + ((b >>> 16) & 255);
        const i0 = b >>> 24;
        low = l[i7]! ^ l[i6]! ^ l[i5]! ^ l[i4]! ^ l[i3]! ^ l[i2]! ^ l[i1]! ^ l[i0]!;
        high = h[i7]! ^ h[i6]! ^ h[i5]! ^ h[i4]! ^ h[i3]! ^ h[i2]! ^ h[i1]! ^ h[i0]!;
      }
      sumLow = low;
      sumHigh = high;
      single(bytes, end, bytes.length);
    },
    digest: () => bigEndian(~sumHigh, ~sumLow),
  };
}

/** What a request says a checksum of its body is; a trailer is known only at the body's end. */
export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  value(): string | undefined;
  /** The code of the error where the body has another; default `BadDigest`. */
  readonly mismatchCode?: string;
}

function wrongMd5(expected: string, actual: string): AwsError {
  return new AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400, {
    ExpectedDigest: Buffer.from(expected, "base64").toString("hex"),
    CalculatedDigest: actual,
  });
}

/** Passes bytes through and fails at the end where they are not what was declared. */
export class ChecksumVerifier extends Transform {
  readonly #checks: readonly { readonly expected: ExpectedChecksum; readonly actual: Checksum }[];

  constructor(expected: readonly ExpectedChecksum[]) {
    super();
    this.#checks = expected.map((each) => ({ expected: each, actual: createChecksum(each.algorithm) }));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (const { actual } of this.#checks) actual.update(chunk);
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    for (const { expected, actual } of this.#checks) {
      const value = expected.value();
      const name = expected.algorithm.toUpperCase();
      if (value === undefined) {
        const message = `The request did not carry the ${name} checksum that it announced.`;
        return done(new AwsError("MalformedTrailerError", message, 400));
      }
      if (value !== actual.digest()) {
        if (expected.algorithm === "md5") return done(wrongMd5(value, actual.digest()));
        const message = `The ${name} you specified did not match the calculated checksum.`;
        return done(new AwsError(expected.mismatchCode ?? "BadDigest", message, 400));
      }
    }
    done();
  }
}
