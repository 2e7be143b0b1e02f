import { pipeline, type Readable } from "node:stream";
import { AwsError } from "../kernel/aws-error.ts";
import { AwsChunkedDecoder, type ChunkSigning } from "./aws-chunked.ts";
import { checksumAlgorithm, ChecksumVerifier, isChecksum, type ExpectedChecksum } from "./checksums.ts";
import type { VerifiedSignature } from "./sigv4.ts";

export interface DecodedBody {
  /** The body itself; fails at its end where it is not what the request declared. */
  readonly stream: Readable;
  /** Trailing headers, complete when the stream has ended. */
  readonly trailers: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The body of a request to S3: out of its chunks where it is `aws-chunked`, checked against its signatures, its signed
 * hash, its MD5 and its checksums. Where `checksumsOfObject`, the headers with checksums say nothing of the body: they are
 * those of the object that the request makes.
 */
export function decodedBody(
  headers: Headers,
  source: Readable,
  signature: VerifiedSignature | undefined,
  { checksumsOfObject = false }: { checksumsOfObject?: boolean } = {},
): DecodedBody {
  const declaredHash = signature?.payloadHash ?? textOf(headers, "x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
  const isWhole = /^[0-9a-f]{64}$/.test(declaredHash);
  // Some clients name the encoding and send the body as it is, under its hash.
  const chunked =
    declaredHash.startsWith("STREAMING-") ||
    (!isWhole && textOf(headers, "content-encoding")?.includes("aws-chunked") === true);
  const expected = checksumsInHeaders(headers, checksumsOfObject);
  let stream = source;
  let trailers: Readonly<Record<string, string>> = {};

  if (chunked) {
    const decoder = new AwsChunkedDecoder({
      signing: chunkSigning(declaredHash, signature),
      decodedLength: decodedLength(headers),
      trailers: declaredHash.endsWith("-TRAILER") || headers["x-amz-trailer"] !== undefined,
    });
    trailers = decoder.trailers;
    expected.push(...checksumsInTrailers(headers, decoder));
    stream = pipeline(stream, decoder, ignoreHere);
  } else if (isWhole) {
    const value = Buffer.from(declaredHash, "hex").toString("base64");
    expected.push({ algorithm: "sha256", value: () => value, mismatchCode: "XAmzContentSHA256Mismatch" });
  } else if (declaredHash !== "UNSIGNED-PAYLOAD") {
    const message = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value, or a valid sha256 value.";
    throw new AwsError("InvalidArgument", message, 400);
  }
  if (expected.length > 0) stream = pipeline(stream, new ChecksumVerifier(expected), ignoreHere);
  return { stream, trailers };
}

/** Errors reach whoever reads the last stream of the pipeline. */
function ignoreHere(): void {}

function chunkSigning(declaredHash: string, signature: VerifiedSignature | undefined): ChunkSigning | undefined {
  switch (declaredHash) {
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
    case "UNSIGNED-PAYLOAD":
      return undefined;
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      if (!signature) throw new AwsError("AccessDenied", "Signed chunks need a signed request.", 403);
      return { key: signature.key, scope: signature, seed: signature.signature };
    default:
      throw new AwsError(
        "NotImplemented",
        `Starling does not implement bodies of the form ${declaredHash.slice(0, 80)} yet.`,
        501,
      );
  }
}

function decodedLength(headers: Headers): number | undefined {
  const text = textOf(headers, "x-amz-decoded-content-length");
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AwsError("InvalidArgument", "x-amz-decoded-content-length must be a number.", 400);
}

const CHECKSUM_HEADER = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/;

function checksumsInHeaders(headers: Headers, ofObject: boolean): ExpectedChecksum[] {
  const expected: ExpectedChecksum[] = [];
  for (const name of ofObject ? [] : Object.keys(headers)) {
    const algorithm = checksumAlgorithm(CHECKSUM_HEADER.exec(name)?.[1] ?? "");
    const value = textOf(headers, name);
    if (!algorithm) continue;
    expected.push({ algorithm, value: () => value });
  }
  if (expected.length > 1)
    throw new AwsError(
      "InvalidRequest",
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
      400,
    );
  const [only] = expected;
  if (only && !isChecksum(only.algorithm, only.value() ?? ""))
    throw new AwsError("InvalidRequest", `Value for x-amz-checksum-${only.algorithm} header is invalid.`, 400);
  const md5 = textOf(headers, "content-md5");
  if (md5 !== undefined) {
    if (!/^[A-Za-z0-9+/]{22}==$/.test(md5)) {
      throw new AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400, {
        "Content-MD5": md5.slice(0, 200),
      });
    }
    expected.push({ algorithm: "md5", value: () => md5 });
  }
  return expected;
}

function checksumsInTrailers(headers: Headers, decoder: AwsChunkedDecoder): ExpectedChecksum[] {
  const names = (textOf(headers, "x-amz-trailer") ?? "").split(",").map((name) => name.trim().toLowerCase());
  const expected: ExpectedChecksum[] = [];
  for (const name of names) {
    const algorithm = checksumAlgorithm(CHECKSUM_HEADER.exec(name)?.[1] ?? "");
    if (algorithm) expected.push({ algorithm, value: () => decoder.trailers[name] });
  }
  return expected;
}

function textOf(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
