import { createHash } from "node:crypto";
import type * as S3 from "@aws-sdk/client-s3";
import { AwsError } from "../../kernel/aws-error.ts";
import { invalidArgument, invalidRequest, malformedXml } from "./errors.ts";
import { MAX_PARTS, MIN_PART_BYTES } from "./limits.ts";
import { hasChecksums, type UploadChecksum } from "./part-checksums.ts";
import type { Part } from "./store/uploads.ts";

/** The number of a part, where it can be one. */
export function checkPartNumber(number: number | undefined): number {
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    throw invalidArgument(
      `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`,
      "partNumber",
      String(number),
    );
  }
  return number;
}

const bareEtag = (etag: string | undefined): string => (etag ?? "").replace(/^"|"$/g, "");

/** The stored parts that the caller lists, checked as CompleteMultipartUpload does. */
export function chosenParts(
  {
    MultipartUpload: upload,
    UploadId,
  }: { MultipartUpload?: S3.CompletedMultipartUpload | undefined; UploadId?: string | undefined },
  stored: readonly Part[],
  checksum: UploadChecksum,
): Part[] {
  if (!upload) throw invalidRequest("You must specify at least one part");
  const wanted = upload.Parts ?? [];
  if (wanted.length === 0) throw malformedXml();
  const byNumber = new Map(stored.map((part) => [part.number, part]));
  const numbers = wanted.map((want) => want.PartNumber ?? 0);
  if (numbers.some((number, i) => i > 0 && number <= (numbers[i - 1] ?? 0))) {
    throw new AwsError(
      "InvalidPartOrder",
      "The list of parts was not in ascending order. Parts must be ordered by part number.",
      400,
      { UploadId },
    );
  }
  return wanted.map((want, i) => {
    const number = want.PartNumber ?? 0;
    const part = byNumber.get(number);
    if (!part || bareEtag(want.ETag) !== part.etag || !hasChecksums(part, want, checksum)) {
      throw new AwsError(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        400,
        { PartNumber: String(number), ETag: bareEtag(want.ETag), UploadId },
      );
    }
    if (i < wanted.length - 1 && part.size < MIN_PART_BYTES) {
      throw new AwsError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400, {
        PartNumber: String(number),
        ETag: part.etag,
        ProposedSize: String(part.size),
        MinSizeAllowed: String(MIN_PART_BYTES),
      });
    }
    return part;
  });
}

/** MD5 of the parts' MD5s, and how many they are. */
export function multipartEtag(parts: readonly { etag: string }[]): string {
  const hash = createHash("md5");
  for (const { etag } of parts) hash.update(Buffer.from(etag, "hex"));
  return `${hash.digest("hex")}-${parts.length}`;
}
