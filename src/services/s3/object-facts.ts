import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../aws/context.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { allowedGrants, cannedGrants, type AclInput } from "./acl.ts";
import { decodedWord, encodedWord } from "./encoded-words.ts";
import { keyCheckOf, type CustomerKey, type CustomerKeyInput } from "./customer-keys.ts";
import { invalidArgument } from "./errors.ts";
import { MAX_KEY_BYTES, MAX_METADATA_BYTES } from "./limits.ts";
import { canonicalId, inSeconds, type Bucket, type ObjectFacts, type ObjectVersion, quoted } from "./model.ts";
import { expiryOf } from "./lifecycle.ts";
import { newLock, type LockInput } from "./object-lock.ts";
import { checkedTags, tagsOfHeader } from "./tags.ts";

/** Headers that come back with an object as they were stored. */
const STORED_HEADERS = ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage"] as const;
const STORAGE_CLASSES: readonly string[] = [
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER_IR",
  "GLACIER",
  "DEEP_ARCHIVE",
];

/** Set in an input of PutObject that came as a browser's form. */
export const SENT_AS_FORM: unique symbol = Symbol("sent as a form");

/** What a caller can set of an object besides its content; the same for put, copy and multipart. */
export interface FactsInput extends AclInput, CustomerKeyInput, LockInput {
  readonly ContentType?: string | undefined;
  readonly CacheControl?: string | undefined;
  readonly ContentDisposition?: string | undefined;
  readonly ContentEncoding?: string | undefined;
  readonly ContentLanguage?: string | undefined;
  readonly Expires?: Date | undefined;
  readonly Metadata?: Record<string, string> | undefined;
  readonly Tagging?: string | undefined;
  readonly StorageClass?: string | undefined;
  readonly ServerSideEncryption?: S3.ServerSideEncryption | undefined;
  readonly SSEKMSKeyId?: string | undefined;
  readonly BucketKeyEnabled?: boolean | undefined;
  readonly WebsiteRedirectLocation?: string | undefined;
}

export function checkKey(key: string): void {
  const size = Buffer.byteLength(key);
  if (size > MAX_KEY_BYTES) {
    throw new AwsError("KeyTooLongError", "Your key is too long", 400, {
      MaxSizeAllowed: String(MAX_KEY_BYTES),
      Size: String(size),
    });
  }
}

/** Facts of a new object, without its content. */
export function newFacts(
  ctx: Context<any>,
  bucket: Bucket,
  input: FactsInput,
  key?: CustomerKey,
): Omit<ObjectFacts, "segments"> {
  const lock = newLock(bucket, input, ctx.now());
  const storageClass = input.StorageClass ?? "STANDARD";
  if (!STORAGE_CLASSES.includes(storageClass)) {
    throw new AwsError("InvalidStorageClass", "The storage class you specified is not valid", 400, {
      StorageClassRequested: storageClass,
    });
  }
  if (input.WebsiteRedirectLocation !== undefined && !/^(https?:\/)?\//.test(input.WebsiteRedirectLocation)) {
    throw new AwsError(
      "InvalidRedirectLocation",
      "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
      400,
    );
  }
  const owner = canonicalId(bucket.account);
  const grants =
    allowedGrants(bucket, input, owner) ??
    (bucket.config.ownership === "BucketOwnerEnforced" ? undefined : cannedGrants("private", owner));
  const metadata = checkedMetadata(input);
  const tags = tagsOfHeader(input.Tagging);
  const headers = storedHeaders(input);
  return {
    contentType: input.ContentType ?? "binary/octet-stream",
    owner,
    ...(key ? { customerKey: keyCheckOf(ctx.platform.ids, key) } : { encryption: encryptionOf(bucket, input) }),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(metadata ? { metadata } : {}),
    ...(tags.length > 0 ? { tags: checkedTags(tags, "object") } : {}),
    ...(grants ? { grants } : {}),
    ...(lock ? { lock } : {}),
    ...(storageClass === "STANDARD" ? {} : { storageClass }),
    ...(input.WebsiteRedirectLocation === undefined ? {} : { website: input.WebsiteRedirectLocation }),
  };
}

function storedHeaders(input: FactsInput): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of STORED_HEADERS) {
    // `aws-chunked` says how the request travelled; it is no property of the content.
    const value = name === "ContentEncoding" ? withoutChunked(input[name]) : input[name];
    // A header cannot carry other characters.
    if (value !== undefined && value !== "") headers[name] = value.replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/gu, " ");
  }
  if (input.Expires) headers["Expires"] = new Date(input.Expires).toUTCString();
  return headers;
}

function withoutChunked(encoding: string | undefined): string | undefined {
  return encoding
    ?.split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== "aws-chunked")
    .join(", ");
}

function checkedMetadata(input: FactsInput): Record<string, string> | undefined {
  const { Metadata: metadata } = input;
  if (!metadata || Object.keys(metadata).length === 0) return undefined;
  let size = 0;
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
    checked[name.toLowerCase()] = SENT_AS_FORM in input ? value : decodedWord(value);
  }
  if (size > MAX_METADATA_BYTES) {
    throw new AwsError("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", 400, {
      Size: String(size),
      MaxSizeAllowed: String(MAX_METADATA_BYTES),
    });
  }
  return checked;
}

function encryptionOf(bucket: Bucket, input: FactsInput): NonNullable<ObjectFacts["encryption"]> {
  const rule = bucket.config.encryption?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
  const algorithm = input.ServerSideEncryption ?? rule?.SSEAlgorithm ?? "AES256";
  if (!["AES256", "aws:kms", "aws:kms:dsse"].includes(algorithm)) {
    throw invalidArgument(
      "The encryption method specified is not supported",
      "x-amz-server-side-encryption",
      algorithm,
    );
  }
  if (input.SSEKMSKeyId !== undefined && !input.ServerSideEncryption?.startsWith("aws:kms"))
    throw invalidArgument(
      "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
      "x-amz-server-side-encryption",
      String(input.ServerSideEncryption ?? "null"),
    );
  if (algorithm === "AES256") return { algorithm };
  const kmsKey = input.SSEKMSKeyId ?? rule?.KMSMasterKeyID;
  const bucketKey = input.BucketKeyEnabled ?? bucket.config.encryption?.Rules?.[0]?.BucketKeyEnabled ?? false;
  return { algorithm, ...(kmsKey === undefined ? {} : { kmsKey }), ...(bucketKey ? { bucketKey } : {}) };
}

/** Members that GetObject and HeadObject answer alike. */
export function describeObject(
  version: ObjectVersion,
  options: { versioned: boolean; checksums: boolean },
): Partial<S3.HeadObjectOutput> & Record<string, unknown> {
  const { facts } = version;
  return {
    AcceptRanges: "bytes",
    LastModified: inSeconds(version.modifiedAt),
    ETag: quoted(version.etag),
    ContentType: facts.contentType,
    ...facts.headers,
    ...(facts.headers?.["Expires"] ? { Expires: undefined, ExpiresString: facts.headers["Expires"] } : {}),
    Metadata: Object.fromEntries(
      Object.entries(facts.metadata ?? {}).map(([name, value]) => [name, encodedWord(value)]),
    ),
    ...(options.versioned ? { VersionId: version.version } : {}),
    ...(facts.tags ? { TagCount: facts.tags.length } : {}),
    ...(facts.storageClass ? { StorageClass: facts.storageClass as S3.StorageClass } : {}),
    ...describeEncryption(facts),
    ...(facts.website ? { WebsiteRedirectLocation: facts.website } : {}),
    ...(options.checksums && Object.keys(facts.checksums?.values ?? {}).length > 0
      ? { ...facts.checksums?.values, ChecksumType: facts.checksums?.type ?? "FULL_OBJECT" }
      : {}),
  } as Partial<S3.HeadObjectOutput> & Record<string, unknown>;
}

/** How an object, or the parts of one to be, are encrypted at rest. */
export function describeEncryption({ encryption }: Pick<ObjectFacts, "encryption">): {
  ServerSideEncryption?: S3.ServerSideEncryption;
  SSEKMSKeyId?: string;
  BucketKeyEnabled?: boolean;
} {
  return {
    ...(encryption ? { ServerSideEncryption: encryption.algorithm } : {}),
    ...(encryption?.kmsKey ? { SSEKMSKeyId: encryption.kmsKey } : {}),
    ...(encryption?.bucketKey ? { BucketKeyEnabled: true } : {}),
  };
}

/** When a rule of the bucket will end an object. */
export function describeExpiry(version: ObjectVersion, bucket: Bucket): { Expiration?: string } {
  const expiry = expiryOf(bucket.config.lifecycle, version);
  return expiry === undefined ? {} : { Expiration: expiry };
}

/** What answers of writes say of the stored version. */
export function describeStored(version: ObjectVersion, bucket: Bucket): Record<string, unknown> {
  return {
    ...(bucket.config.versioning === "Enabled" ? { VersionId: version.version } : {}),
    ...describeExpiry(version, bucket),
    ...describeEncryption(version.facts),
  };
}
