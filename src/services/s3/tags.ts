import type * as S3 from "@aws-sdk/client-s3";
import { countedTags } from "../../aws/resource-tags.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { invalidArgument, malformedXml } from "./errors.ts";
import { MAX_BUCKET_TAGS, MAX_OBJECT_TAGS } from "./limits.ts";

const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tags as the `x-amz-tagging` header writes them: a query string. */
export function tagsOfHeader(header: string | undefined): S3.Tag[] {
  if (!header) return [];
  const tags = [...new URLSearchParams(header)].map(([Key, Value]) => ({ Key, Value }));
  const names = new Set(tags.map(({ Key }) => Key));
  const isPairs = header.split("&").every((pair) => pair.split("=").length <= 2);
  if (names.has("") || names.size < tags.length || !isPairs)
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      "x-amz-tagging",
      header,
    );
  return tags;
}

const SYSTEM_TAG = {
  object: "Your TagKey cannot be prefixed with aws:",
  bucket: "System tags cannot be added/updated by requester",
  "new bucket":
    'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove "aws:" from your tag keys and try again.',
} as const;

/** Tags as they may be given; those of AWS itself only where `mayHave` says so. */
export function checkedTags(
  tags: readonly S3.Tag[] | undefined,
  of: keyof typeof SYSTEM_TAG,
  mayHave: (key: string, value: string) => boolean = () => false,
): S3.Tag[] {
  const list = tags ?? [];
  const max = of === "object" ? MAX_OBJECT_TAGS : MAX_BUCKET_TAGS;
  if (countedTags(list.map(({ Key }) => Key ?? "")) > max)
    throw new AwsError(
      "BadRequest",
      `${of === "object" ? "Object" : "Bucket"} tags cannot be greater than ${max}`,
      400,
    );
  const seen = new Set<string>();
  return list.map(({ Key: key, Value: value }) => {
    if (key === undefined || value === undefined) throw malformedXml();
    if (key === "" || key.length > 128 || !ALLOWED.test(key))
      throw new AwsError("InvalidTag", "The TagKey you have provided is invalid", 400, { TagKey: key.slice(0, 200) });
    if (value.length > 256 || !ALLOWED.test(value))
      throw new AwsError("InvalidTag", "The TagValue you have provided is invalid", 400, {
        TagKey: key,
        TagValue: value.slice(0, 300),
      });
    if (key.startsWith("aws:") && !mayHave(key, value))
      throw new AwsError("InvalidTag", SYSTEM_TAG[of], 400, of === "new bucket" ? {} : { TagKey: key });
    if (seen.has(key))
      throw new AwsError("InvalidTag", "Cannot provide multiple Tags with the same key", 400, { TagKey: key });
    seen.add(key);
    return { Key: key, Value: value };
  });
}

/**
 * What a bucket's tags become. Those by which CloudFormation marks a stack's buckets stay as they are, and who sets all
 * tags has to name them too; `ofStack` is CloudFormation's own doing.
 */
export function retagged(
  before: readonly S3.Tag[] = [],
  wanted: readonly S3.Tag[] | undefined,
  ofStack: boolean,
): S3.Tag[] {
  if (ofStack) return checkedTags(wanted, "bucket", () => true);
  const kept = systemTags(before);
  const tags = checkedTags(wanted, "bucket", (key, value) => kept.some((t) => t.Key === key && t.Value === value));
  const lost = kept.find(({ Key }) => !tags.some((tag) => tag.Key === Key));
  if (lost) throw new AwsError("InvalidTag", "System tags cannot be removed by requester", 400, { TagKey: lost.Key! });
  return tags;
}

/** The tags that are AWS's own. */
export const systemTags = (tags: readonly S3.Tag[] = []): S3.Tag[] => tags.filter(({ Key }) => Key?.startsWith("aws:"));
