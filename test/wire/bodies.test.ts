import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { codeOf } from "../../src/kernel/aws-error.ts";
import {
  AwsChunkedDecoder,
  chunkSignature,
  trailerSignature,
  type AwsChunkedOptions,
  type ChunkSigning,
} from "../../src/aws/aws-chunked.ts";
import { createChecksum, type ChecksumAlgorithm } from "../../src/aws/checksums.ts";
import { decodedBody } from "../../src/aws/request-body.ts";
import { EMPTY_SHA256, sha256Hex, signingKey } from "../../src/aws/sigv4-canonical.ts";

/** The example of the S3 API reference, "Signature calculations: transferring payload in multiple chunks". */
const SCOPE = { amzDate: "20130524T000000Z", date: "20130524", region: "us-east-1", service: "s3" };
const SIGNING: ChunkSigning = {
  key: signingKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3"),
  scope: SCOPE,
  seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
};
const SIGNATURES = [
  "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
  "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
  "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
] as const;
const BODY = Buffer.alloc(66560, "a");
const WIRE = Buffer.concat([
  Buffer.from(`10000;chunk-signature=${SIGNATURES[0]}\r\n`),
  BODY.subarray(0, 65536),
  Buffer.from(`\r\n400;chunk-signature=${SIGNATURES[1]}\r\n`),
  BODY.subarray(65536),
  Buffer.from(`\r\n0;chunk-signature=${SIGNATURES[2]}\r\n\r\n`),
]);
const SIGNED: AwsChunkedOptions = { signing: SIGNING, decodedLength: BODY.length };

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function decode(wire: Buffer, options: AwsChunkedOptions, size = 1000): Promise<Buffer> {
  const decoder = new AwsChunkedDecoder(options);
  const parts: Buffer[] = [];
  const source = Readable.from(pieces(wire, size), { objectMode: false });
  source.on("error", (error) => decoder.destroy(error));
  for await (const part of source.pipe(decoder)) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function refused(attempt: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(attempt, (error: unknown) => {
    assert.equal(codeOf(error), code, String(error));
    return true;
  });
}

describe("aws-chunked", () => {
  test("signatures of AWS's example", () => {
    const first = chunkSignature(SIGNING, SIGNING.seed, sha256Hex(BODY.subarray(0, 65536)));
    const second = chunkSignature(SIGNING, first, sha256Hex(BODY.subarray(65536)));
    assert.deepEqual([first, second, chunkSignature(SIGNING, second, EMPTY_SHA256)], SIGNATURES);
  });

  test("decodes signed chunks however they are cut", async () => {
    for (const size of [1 << 20, 1000, 7, 1]) {
      const decoded = await decode(size === 1 ? WIRE.subarray(0) : WIRE, SIGNED, size);
      assert.ok(decoded.equals(BODY), `in pieces of ${size}`);
    }
  });

  test("gives out nothing of a chunk that was changed", async () => {
    const changed = Buffer.from(WIRE);
    changed[200] = 98;
    await refused(decode(changed, SIGNED), "SignatureDoesNotMatch");
    const resigned = Buffer.from(WIRE.toString("latin1").replace(SIGNATURES[1], SIGNATURES[2]), "latin1");
    await refused(decode(resigned, SIGNED), "SignatureDoesNotMatch");
  });

  test("refuses a body that ends early, has no signatures, or has more behind its end", async () => {
    await refused(decode(WIRE.subarray(0, 60000), SIGNED), "IncompleteBody");
    await refused(decode(WIRE.subarray(0, 65700), SIGNED), "IncompleteBody");
    await refused(decode(Buffer.from("5\r\nhello\r\n0\r\n\r\n"), SIGNED), "SignatureDoesNotMatch");
    await refused(decode(Buffer.concat([WIRE, Buffer.from("x")]), SIGNED), "IncompleteBody");
    await refused(decode(Buffer.from("5\r\nhello\r\n0\r\n\r\n"), { decodedLength: 6 }), "IncompleteBody");
    await refused(decode(Buffer.from("5\r\nhello\r\n0\r\n\r\n"), { decodedLength: 4 }), "IncompleteBody");
  });

  test("refuses lines that are no chunk's", async () => {
    for (const wire of [
      "zz\r\nhello\r\n",
      "-1\r\n",
      "5;x=y\r\nhello",
      "5\r\nhelloXX0\r\n\r\n",
      `${"0".repeat(9000)}\r\n`,
    ]) {
      await refused(decode(Buffer.from(wire), {}), "IncompleteBody");
    }
  });

  test("trailers, unsigned and signed", async () => {
    const decoder = new AwsChunkedDecoder({ trailers: true, decodedLength: 5 });
    const wire = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    const parts: Buffer[] = [];
    for await (const part of Readable.from([Buffer.from(wire)]).pipe(decoder)) parts.push(part as Buffer);
    assert.equal(Buffer.concat(parts).toString(), "hello");
    assert.equal(decoder.trailers["x-amz-checksum-crc32"], "NhCmhg==");

    const signed = signedTrailer("x-amz-checksum-crc32:NhCmhg==");
    assert.equal((await decode(signed, { signing: SIGNING, trailers: true })).toString(), "hello");
    const changed = Buffer.from(signed.toString("latin1").replace("NhCmhg", "NhCmhh"), "latin1");
    await refused(decode(changed, { signing: SIGNING, trailers: true }), "SignatureDoesNotMatch");
    const without = Buffer.from(signed.toString("latin1").replace(/x-amz-trailer-signature:.*\r\n/, ""), "latin1");
    await refused(decode(without, { signing: SIGNING, trailers: true }), "SignatureDoesNotMatch");
  });
});

function signedTrailer(trailer: string): Buffer {
  const first = chunkSignature(SIGNING, SIGNING.seed, sha256Hex("hello"));
  const last = chunkSignature(SIGNING, first, EMPTY_SHA256);
  const signature = trailerSignature(SIGNING, last, `${trailer}\n`);
  return Buffer.from(
    `5;chunk-signature=${first}\r\nhello\r\n0;chunk-signature=${last}\r\n${trailer}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`,
  );
}

describe("checksums", () => {
  const CHECK_VALUES: readonly (readonly [ChecksumAlgorithm, string])[] = [
    ["crc32", "y/Q5Jg=="],
    ["crc32c", "4waSgw=="],
    ["crc64nvme", "rosUhgp5mIg="],
    ["sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="],
    ["sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="],
    ["md5", "JfnnlDI7RTiF9RgfG2JNCw=="],
  ];

  for (const [algorithm, value] of CHECK_VALUES) {
    test(`${algorithm} of 123456789, however it is cut`, () => {
      for (const size of [1, 4, 9]) {
        const checksum = createChecksum(algorithm);
        for (const piece of pieces(Buffer.from("123456789"), size)) checksum.update(piece);
        assert.equal(checksum.digest(), value);
      }
    });
  }

  test("eight bytes at a time give what one at a time gives, wherever they begin", () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7 + 3) & 255));
    for (const algorithm of ["crc32c", "crc64nvme"] as const) {
      const single = createChecksum(algorithm);
      for (const piece of pieces(bytes, 1)) single.update(piece);
      for (const size of [3, 7, 9, 13, 333, 1000]) {
        const whole = createChecksum(algorithm);
        for (const piece of pieces(bytes, size)) whole.update(piece);
        assert.equal(whole.digest(), single.digest(), `${algorithm} ${size}`);
      }
    }
  });
});

describe("bodies that S3 reads", () => {
  const read = async (headers: Record<string, string>, body: string): Promise<string> => {
    const parts: Buffer[] = [];
    const { stream } = decodedBody(headers, Readable.from([Buffer.from(body)], { objectMode: false }), undefined);
    for await (const part of stream) parts.push(part as Buffer);
    return Buffer.concat(parts).toString();
  };

  test("checks hash, MD5 and checksums of the head and of the trailer", async () => {
    const hash = sha256Hex("hello");
    assert.equal(await read({ "x-amz-content-sha256": hash }, "hello"), "hello");
    await refused(read({ "x-amz-content-sha256": hash }, "hellO"), "XAmzContentSHA256Mismatch");
    assert.equal(await read({ "content-md5": "XUFAKrxLKna5cZ2REBfFkg==" }, "hello"), "hello");
    await refused(read({ "content-md5": "XUFAKrxLKna5cZ2REBfFkg==" }, "hellO"), "BadDigest");
    await refused((async () => read({ "content-md5": "nonsense" }, "hello"))(), "InvalidDigest");
    await refused(read({ "x-amz-checksum-crc32": "AAAAAA==" }, "hello"), "BadDigest");
    const headers = {
      "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      "x-amz-trailer": "x-amz-checksum-crc32",
      "x-amz-decoded-content-length": "5",
    };
    assert.equal(await read(headers, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), "hello");
    await refused(read(headers, "5\r\nhellO\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), "BadDigest");
    await refused(read(headers, "5\r\nhello\r\n0\r\n\r\n"), "MalformedTrailerError");
  });

  test("signed chunks need a signed request", () => {
    const headers = { "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" };
    assert.throws(
      () => decodedBody(headers, Readable.from([]), undefined),
      (error) => codeOf(error) === "AccessDenied",
    );
  });
});
