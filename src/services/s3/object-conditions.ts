import type * as S3 from "@aws-sdk/client-s3";
import type { Permission } from "../../aws/service.ts";
import type { AclInput } from "./acl.ts";
import type { ObjectVersion } from "./model.ts";

type Conditions = NonNullable<Permission["conditions"]>;

/** What an input says that policies may ask about. */
export interface StoringInput extends AclInput {
  readonly Tagging?: unknown;
  readonly StorageClass?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
  readonly SSEKMSKeyId?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
  readonly CopySource?: string | undefined;
  readonly MetadataDirective?: string | undefined;
  readonly WebsiteRedirectLocation?: string | undefined;
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockRetainUntilDate?: Date | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
  readonly IfMatch?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys */
const KEYS: readonly (readonly [key: string, member: keyof StoringInput])[] = [
  ["s3:x-amz-acl", "ACL"],
  ["s3:x-amz-grant-full-control", "GrantFullControl"],
  ["s3:x-amz-grant-read", "GrantRead"],
  ["s3:x-amz-grant-read-acp", "GrantReadACP"],
  ["s3:x-amz-grant-write", "GrantWrite"],
  ["s3:x-amz-grant-write-acp", "GrantWriteACP"],
  ["s3:x-amz-storage-class", "StorageClass"],
  ["s3:x-amz-server-side-encryption", "ServerSideEncryption"],
  ["s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"],
  ["s3:x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm"],
  ["s3:x-amz-metadata-directive", "MetadataDirective"],
  ["s3:x-amz-website-redirect-location", "WebsiteRedirectLocation"],
  ["s3:object-lock-mode", "ObjectLockMode"],
  ["s3:object-lock-legal-hold", "ObjectLockLegalHoldStatus"],
  ["s3:if-match", "IfMatch"],
  ["s3:if-none-match", "IfNoneMatch"],
];

/** Condition keys of a call that stores an object; undefined where there are none, so that the decision can be kept. */
export function storingConditions(input: StoringInput): Conditions | undefined {
  const found = KEYS.flatMap(([key, member]) => (typeof input[member] === "string" ? [[key, input[member]]] : []));
  const until = input.ObjectLockRetainUntilDate;
  const conditions: Record<string, string | readonly string[]> = {
    ...Object.fromEntries(found),
    ...(input.CopySource === undefined ? {} : { "s3:x-amz-copy-source": sourceText(input.CopySource) }),
    ...(until instanceof Date ? { "s3:object-lock-retain-until-date": until.toISOString() } : {}),
    ...requestTags(input.Tagging),
  };
  return Object.keys(conditions).length > 0 ? conditions : undefined;
}

/** As policies write it: `bucket/key`, with a slash before it where the request has one. */
const sourceText = (source: string): string => {
  try {
    return decodeURIComponent(source.replace(/\?versionId=.*$/, ""));
  } catch {
    return source;
  }
};

function requestTags(tagging: unknown): Record<string, string | readonly string[]> {
  const tags: [string, string][] =
    typeof tagging === "string"
      ? [...new URLSearchParams(tagging)]
      : ((tagging as S3.Tagging | undefined)?.TagSet ?? []).map(({ Key, Value }) => [Key ?? "", Value ?? ""]);
  if (tags.length === 0) return {};
  return {
    ...Object.fromEntries(tags.map(([key, value]) => [`s3:RequestObjectTag/${key}`, value])),
    "s3:RequestObjectTagKeys": tags.map(([key]) => key),
  };
}

/** Condition keys of a call about an object that is there. */
export function existingConditions(
  version: ObjectVersion | undefined,
  input: { VersionId?: string | undefined; Tagging?: unknown },
): Conditions | undefined {
  const conditions: Record<string, string | readonly string[]> = {
    ...(input.VersionId === undefined ? {} : { "s3:VersionId": input.VersionId }),
    ...Object.fromEntries(
      (version?.facts.tags ?? []).map(({ Key, Value }) => [`s3:ExistingObjectTag/${Key}`, Value ?? ""]),
    ),
    ...requestTags(input.Tagging),
  };
  return Object.keys(conditions).length > 0 ? conditions : undefined;
}
