import type * as S3 from "@aws-sdk/client-s3";
import { checksumAlgorithm, type ChecksumAlgorithm } from "../../aws/checksums.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { checksumMember } from "./content.ts";
import { invalidRequest } from "./errors.ts";
import type { Part } from "./store/uploads.ts";

/** What an upload in parts was begun with. */
export interface UploadChecksum {
  readonly algorithm?: string;
  readonly checksumType?: string;
}

const ALGORITHMS: readonly string[] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];

/** What a call that begins an upload says of its checksum, checked as S3 does. */
export function announcedChecksum(input: {
  ChecksumAlgorithm?: string | undefined;
  ChecksumType?: string | undefined;
}): UploadChecksum {
  const { ChecksumAlgorithm: algorithm, ChecksumType: type } = input;
  if (algorithm === undefined) {
    if (type === undefined) return {};
    throw invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
  }
  if (!ALGORITHMS.includes(algorithm))
    throw invalidRequest(
      `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${ALGORITHMS.join(", ")}]`,
    );
  const checksumType = type ?? (algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE");
  const isWhole = checksumType === "FULL_OBJECT";
  if (isWhole ? algorithm.startsWith("SHA") : algorithm === "CRC64NVME")
    throw invalidRequest(
      `The ${checksumType} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return { algorithm, checksumType };
}

/** Throws where a part comes with another checksum than its upload was begun with. */
export function checkPartAlgorithm({ algorithm }: UploadChecksum, wanted: ChecksumAlgorithm | undefined): void {
  if (algorithm === undefined || wanted === undefined || algorithm.toLowerCase() === wanted) return;
  throw invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${wanted}`,
  );
}

/** Whether a part is what the caller says of its checksum; throws where a composite one lacks what it is made of. */
export function hasChecksums(part: Part, want: S3.CompletedPart, upload: UploadChecksum): boolean {
  const given = Object.keys(want).filter((name) => name.startsWith("Checksum"));
  const algorithm = checksumAlgorithm(upload.algorithm ?? "");
  // Without an algorithm of the upload's there are no checksums of parts to be held against.
  if (!algorithm) return given.length === 0;
  const member = checksumMember(algorithm);
  const said = (want as Record<string, unknown>)[member];
  if (said !== undefined) return said === part.checksums[member];
  if (upload.checksumType !== "COMPOSITE") return true;
  const [other] = given;
  if (other !== undefined)
    throw new AwsError(
      "BadDigest",
      `The ${other.replace("Checksum", "").toLowerCase()} you specified for part ${part.number} did not match what we received.`,
      400,
    );
  throw invalidRequest(
    `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${part.number} in the request.`,
  );
}

/** Throws where the caller says another checksum of the whole object, or another kind of one. */
export function checkDeclared(
  input: object & { ChecksumType?: string | undefined },
  { algorithm, checksumType }: UploadChecksum,
  values: Readonly<Record<string, string>>,
): void {
  if (input.ChecksumType !== undefined && input.ChecksumType !== checksumType)
    throw invalidRequest(
      `The upload was created using the ${checksumType ?? "null"} checksum mode. The complete request must use the same checksum mode.`,
    );
  if (algorithm === undefined) return;
  const declared = Object.entries(input).filter(
    ([name, value]) => /^Checksum(CRC|SHA)/.test(name) && value !== undefined,
  );
  const fits = declared.every(([name, value]) => {
    const own = values[name];
    // Of a composite checksum some say the number of parts, and some do not.
    if (checksumType === "COMPOSITE") return value === own || value === own?.replace(/-\d+$/, "");
    // A checksum without its type is taken for a composite one where there can be such.
    return value === own && (input.ChecksumType !== undefined || algorithm === "CRC64NVME");
  });
  if (!fits)
    throw new AwsError(
      "BadDigest",
      `The ${algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
      400,
    );
}
