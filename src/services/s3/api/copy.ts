import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { checkSourceReach } from "../archive.ts";
import { checkCopySource, checkWrite } from "../conditions.ts";
import { algorithmOf, DEFAULT_CHECKSUM, readContent, segmentOf, storeContent, wantedAlgorithm } from "../content.ts";
import { describeKey, newCustomerKey, readingKey, sourceKeyInput, type CustomerKey } from "../customer-keys.ts";
import { invalidRequest } from "../errors.ts";
import { objectEvents } from "../events.ts";
import { MAX_SINGLE_UPLOAD_BYTES } from "../limits.ts";
import { inSeconds, NULL_VERSION, quoted, type ObjectFacts, type ObjectVersion } from "../model.ts";
import { checkKey, describeStored, newFacts } from "../object-facts.ts";
import { copying, copySource } from "../permissions.ts";
import { bucketOfInput } from "../store/buckets.ts";
import { storeVersion } from "../store/objects.ts";
import { readable } from "./objects.ts";

type SourceInput = Parameters<typeof checkCopySource>[0] &
  Parameters<typeof sourceKeyInput>[0] & {
    CopySource?: string | undefined;
    ExpectedSourceBucketOwner?: string | undefined;
  };

/** The version that a copy is made of. */
export async function sourceOf(
  ctx: Context<any>,
  input: SourceInput,
): Promise<{ version: ObjectVersion; versioned: boolean; key?: CustomerKey }> {
  const from = copySource(input.CopySource);
  const bucket = await bucketOfInput(ctx, {
    Bucket: from.bucket,
    ExpectedBucketOwner: input.ExpectedSourceBucketOwner,
  });
  try {
    const version = await readable(ctx, bucket, {
      Key: from.key,
      ...(from.version === undefined ? {} : { VersionId: from.version }),
    });
    const key = readingKey(version.facts.customerKey, sourceKeyInput(input));
    checkCopySource(input, version, ctx.now());
    checkSourceReach(version, ctx.now());
    return { version, versioned: bucket.config.versioning !== undefined, ...(key ? { key } : {}) };
  } catch (error) {
    if (error instanceof AwsError && error.code === "MethodNotAllowed") {
      throw invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.");
    }
    throw error;
  }
}

/** Facts of the copy: the source's own, or what the request says in their place. */
function copiedFacts(
  replaced: Omit<ObjectFacts, "segments">,
  source: ObjectFacts,
  input: { MetadataDirective?: string | undefined; TaggingDirective?: string | undefined },
): Omit<ObjectFacts, "segments"> {
  const { contentType, headers, metadata, tags, ...own } = replaced;
  const described =
    input.MetadataDirective === "REPLACE"
      ? { contentType, headers, metadata }
      : { contentType: source.contentType, headers: source.headers, metadata: source.metadata };
  const tagged = input.TaggingDirective === "REPLACE" ? tags : source.tags;
  const given = Object.entries({ ...described, tags: tagged }).filter(([, value]) => value !== undefined);
  return { ...own, ...Object.fromEntries(given) };
}

export const copy = operations<typeof S3, any>()({
  CopyObject: {
    permissions: copying,
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const key = String(input.Key);
      checkKey(key);
      const customerKey = newCustomerKey(input);
      const { version: source, versioned, key: sourceKey } = await sourceOf(ctx, input);
      if (source.size > MAX_SINGLE_UPLOAD_BYTES) {
        throw invalidRequest(
          `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_SINGLE_UPLOAD_BYTES}`,
        );
      }
      const changesNothing =
        input.MetadataDirective !== "REPLACE" &&
        input.TaggingDirective !== "REPLACE" &&
        !input.StorageClass &&
        !input.ServerSideEncryption &&
        !bucket.config.encryption &&
        !customerKey &&
        !input.WebsiteRedirectLocation;
      if (source.bucket === bucket.name && source.key === key && source.latest && changesNothing) {
        throw invalidRequest(
          "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        );
      }
      const facts = copiedFacts(newFacts(ctx, bucket, input, customerKey), source.facts, input);
      const content = await contentOfCopy(ctx, input, source, { from: sourceKey, to: customerKey });
      const stored = await storeVersion(
        ctx,
        bucket.name,
        key,
        { ...content, size: source.size, facts: { ...facts, ...content.facts } },
        {
          check: (current) => checkWrite(input as { IfMatch?: string; IfNoneMatch?: string }, current, key),
          also: (made, owner) => objectEvents(ctx, owner, made, "ObjectCreated:Copy"),
        },
      );
      return {
        CopyObjectResult: {
          ETag: quoted(stored.etag),
          LastModified: inSeconds(stored.modifiedAt),
          ...stored.facts.checksums?.values,
          ...(stored.facts.checksums?.type ? { ChecksumType: stored.facts.checksums.type } : {}),
        },
        ...(versioned && source.version !== NULL_VERSION ? { CopySourceVersionId: source.version } : {}),
        ...describeStored(stored, bucket),
        ...(bucket.config.versioning === undefined ? {} : { VersionId: stored.version }),
        ...describeKey(customerKey),
      };
    },
  },
});

/**
 * A copy shares the blobs of its source. Only where they came in parts, where it gets another checksum, or where one
 * of both is sealed, the content is read once more: a copy has the ETag of an object that came in one piece.
 */
async function contentOfCopy(
  ctx: Context<any>,
  input: { ChecksumAlgorithm?: string | undefined },
  source: ObjectVersion,
  keys: { from: CustomerKey | undefined; to: CustomerKey | undefined },
): Promise<{ etag: string; data?: Uint8Array; facts: Pick<ObjectFacts, "segments" | "checksums"> }> {
  const { segments, checksums, parts } = source.facts;
  const wanted = wantedAlgorithm(input);
  const had = algorithmOf(checksums);
  const algorithm = wanted ?? had ?? DEFAULT_CHECKSUM;
  if (!parts && algorithm === had && !keys.from && !keys.to) {
    return { etag: source.etag, facts: { segments, ...(checksums ? { checksums } : {}) } };
  }
  const bytes = readContent(ctx, segments, undefined, keys.from);
  const content = await storeContent(ctx, bytes, [algorithm], { inline: true, key: keys.to });
  return {
    etag: content.md5,
    ...(content.data ? { data: content.data } : {}),
    facts: {
      segments: [segmentOf(content)],
      checksums: { type: "FULL_OBJECT", values: content.checksums },
    },
  };
}
