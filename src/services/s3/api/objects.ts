import type * as S3 from "@aws-sdk/client-s3";
import { isAllowed } from "../../../aws/authorize.ts";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError, codeOf, messageOf } from "../../../kernel/aws-error.ts";
import { checkReach, describeRestoration } from "../archive.ts";
import { checkRead, checkWrite, type ReadConditions } from "../conditions.ts";
import { answeredContent, DEFAULT_CHECKSUM, segmentOf, storeContent, wantedAlgorithm } from "../content.ts";
import { describeKey, newCustomerKey, readingKey, type CustomerKey, type CustomerKeyInput } from "../customer-keys.ts";
import { deleteObject } from "../delete-object.ts";
import {
  accessDenied,
  invalidArgument,
  invalidVersion,
  malformedXml,
  methodNotAllowed,
  noSuchKey,
  noSuchVersion,
} from "../errors.ts";
import { objectEvents } from "../events.ts";
import { MAX_LIST } from "../limits.ts";
import { inSeconds, isVersionId, quoted, type Bucket, type Checksums, type ObjectVersion } from "../model.ts";
import { checkKey, describeExpiry, describeObject, describeStored, newFacts, SENT_AS_FORM } from "../object-facts.ts";
import { checkBypass, describeLock, mayBypass } from "../object-lock.ts";
import { bucketPermission, objectPermission, onObject, storing } from "../permissions.ts";
import { parseRange, type ByteRange } from "../range.ts";
import { bucketOfInput } from "../store/buckets.ts";
import { findVersion, storeVersion } from "../store/objects.ts";

interface ReadInput extends ReadConditions, CustomerKeyInput {
  readonly Bucket?: string | undefined;
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly Range?: string | undefined;
  readonly PartNumber?: number | undefined;
  readonly ChecksumMode?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
}

/** The version that a reading call names; throws as S3 does where it is not there. */
export async function readable(
  ctx: Context<any>,
  bucket: Bucket,
  input: ReadInput,
  method = "GET",
): Promise<ObjectVersion> {
  const key = String(input.Key);
  const version = await findVersion(ctx, bucket.name, key, input.VersionId);
  if (!version) {
    // Who may not list must not learn which keys there are.
    if (!(await isAllowed(ctx, bucketPermission(ctx, bucket, "ListBucket", "READ")))) throw accessDenied();
    if (input.VersionId === undefined) throw noSuchKey(key);
    throw isVersionId(bucket, input.VersionId) ? noSuchVersion(key, input.VersionId) : invalidVersion(input.VersionId);
  }
  if (!version.marker) return version;
  const headers = { "x-amz-delete-marker": "true", "x-amz-version-id": version.version };
  if (input.VersionId !== undefined || method === "PUT") throw methodNotAllowed(method, headers);
  throw new AwsError("NoSuchKey", "The specified key does not exist.", 404, { Key: key, ...headers });
}

/** The bytes that a reading call asks for: a range, a part, or all. */
function wantedBytes(input: ReadInput, version: ObjectVersion): { range?: ByteRange; parts?: number } {
  if (input.PartNumber === undefined) {
    const range = parseRange(input.Range, version.size);
    return range ? { range } : {};
  }
  if (input.Range !== undefined)
    throw new AwsError("InvalidRequest", "Cannot specify both Range header and partNumber query parameter", 400);
  const parts = version.facts.parts ?? [{ number: 1, size: version.size }];
  const index = input.PartNumber - 1;
  const part = parts[index];
  if (!part)
    throw new AwsError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416, {
      PartNumberRequested: String(input.PartNumber),
      ActualPartCount: String(parts.length),
    });
  const start = parts.slice(0, index).reduce((sum, { size }) => sum + size, 0);
  const range = { start, end: start + part.size - 1 };
  return { range, ...(version.facts.parts ? { parts: parts.length } : {}) };
}

/** What is known of the checksum of the part that a call asks for. */
function partChecksums({ PartNumber: number }: ReadInput, { facts }: ObjectVersion): Record<string, string> {
  const type = facts.checksums?.type ?? "FULL_OBJECT";
  // Of a part of many, the checksum is known where that of the object is made of theirs.
  const isWhole = !facts.parts || facts.parts.length === 1;
  const ofPart = number !== undefined && type === "COMPOSITE" ? facts.parts?.[number - 1]?.checksums : undefined;
  const checksums = ofPart ?? (number !== undefined && isWhole ? facts.checksums?.values : undefined);
  return checksums && Object.keys(checksums).length > 0 ? { ...checksums, ChecksumType: type } : {};
}

async function read(
  ctx: Context<any>,
  input: ReadInput,
  method: string,
): Promise<{ version: ObjectVersion; output: Record<string, any>; range?: ByteRange; key?: CustomerKey }> {
  const bucket = await bucketOfInput(ctx, input);
  const version = await readable(ctx, bucket, input, method);
  const key = readingKey(version.facts.customerKey, input);
  checkRead(input, version, ctx.now());
  const { range, parts } = wantedBytes(input, version);
  const isWhole = !range || (range.end - range.start + 1 === version.size && input.PartNumber === undefined);
  const wantsChecksum = input.ChecksumMode?.toUpperCase() === "ENABLED";
  const output: Record<string, any> = {
    ...describeObject(version, {
      versioned: bucket.config.versioning !== undefined,
      checksums: isWhole && wantsChecksum,
    }),
    ContentLength: range ? range.end - range.start + 1 : version.size,
    ...(range && version.size > 0 ? { ContentRange: `bytes ${range.start}-${range.end}/${version.size}` } : {}),
    ...(parts === undefined ? {} : { PartsCount: parts }),
    ...(wantsChecksum ? partChecksums(input, version) : {}),
    ...(input.VersionId === undefined ? describeExpiry(version, bucket) : {}),
    ...describeKey(key),
    ...describeRestoration(version, ctx.now()),
    ...(version.facts.lock ? await describeLock(ctx, bucket, version) : {}),
  };
  return { version, output, ...(range ? { range } : {}), ...(key ? { key } : {}) };
}

const OVERRIDES = ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType"] as const;

function overrides(ctx: Context<any>, input: Record<string, any>): Record<string, unknown> {
  const given = OVERRIDES.filter((name) => input[`Response${name}`] !== undefined);
  const expires: unknown = input["ResponseExpires"];
  if (given.length === 0 && expires === undefined) return {};
  if (ctx.principal.kind === "anonymous")
    throw new AwsError(
      "InvalidRequest",
      "Request specific response headers cannot be used for anonymous GET requests.",
      400,
    );
  return {
    ...Object.fromEntries(given.map((name) => [name, input[`Response${name}`]])),
    ...(expires instanceof Date ? { ExpiresString: expires.toUTCString() } : {}),
  };
}

/** A checksum without the number of parts at its end. */
const withoutCount = (checksums: Checksums | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(checksums?.values ?? {}).map(([member, value]) => [member, value.replace(/-\d+$/, "")]),
  );

/** The parts of an object with their checksums, a page of them. */
function partsPage(
  parts: NonNullable<ObjectVersion["facts"]["parts"]>,
  input: { PartNumberMarker?: string | undefined; MaxParts?: number | undefined },
): S3.GetObjectAttributesParts {
  const after = Number(input.PartNumberMarker ?? 0);
  const max = Math.min(input.MaxParts ?? MAX_LIST, MAX_LIST);
  const left = parts.filter(({ number }) => number > after);
  const page = left.slice(0, max);
  return {
    PartNumberMarker: String(after),
    NextPartNumberMarker: String(page.at(-1)?.number ?? 0),
    MaxParts: max,
    IsTruncated: left.length > max,
    Parts: page.map((part) => ({ PartNumber: part.number, Size: part.size, ...part.checksums })),
  };
}

export const objects = operations<typeof S3, any>()({
  PutObject: {
    permissions: storing,
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const key = String(input.Key);
      checkKey(key);
      const customerKey = newCustomerKey(input);
      const facts = newFacts(ctx, bucket, input, customerKey);
      const check = (current: ObjectVersion | undefined): void => checkWrite(input, current, key);
      // A condition that fails already is told before the content comes.
      if (input.IfMatch !== undefined || input.IfNoneMatch !== undefined) {
        const current = await findVersion(ctx, bucket.name, key);
        check(current?.marker ? undefined : current);
      }
      const content = await storeContent(ctx, input.Body, [wantedAlgorithm(input) ?? DEFAULT_CHECKSUM], {
        inline: true,
        key: customerKey,
      });
      const stored = await storeVersion(
        ctx,
        bucket.name,
        key,
        {
          size: content.size,
          etag: content.md5,
          ...(content.data ? { data: content.data } : {}),
          facts: {
            ...facts,
            segments: [segmentOf(content)],
            checksums: { type: "FULL_OBJECT", values: content.checksums },
          },
        },
        {
          check,
          also: (made, owner) =>
            objectEvents(ctx, owner, made, `ObjectCreated:${SENT_AS_FORM in input ? "Post" : "Put"}`),
        },
      );
      return {
        ETag: quoted(stored.etag),
        ...describeStored(stored, bucket),
        ...describeKey(customerKey),
        ...content.checksums,
        ChecksumType: "FULL_OBJECT" as const,
      };
    },
  },
  GetObject: {
    permissions: onObject("GetObject", { versioned: "GetObjectVersion", acl: "READ" }),
    async run(ctx, input) {
      const changed = overrides(ctx, input);
      const { version, output, range, key } = await read(ctx, input, "GET");
      checkReach(version, ctx.now());
      return { ...output, ...changed, Body: await answeredContent(ctx, version.facts.segments, range, key) };
    },
  },
  HeadObject: {
    permissions: onObject("GetObject", { versioned: "GetObjectVersion", acl: "READ" }),
    async run(ctx, input) {
      const changed = overrides(ctx, input);
      return { ...(await read(ctx, input, "HEAD")).output, ...changed };
    },
  },
  GetObjectAttributes: {
    permissions: onObject("GetObjectAttributes", { versioned: "GetObjectVersionAttributes" }),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const version = await readable(ctx, bucket, input as ReadInput);
      const { facts } = version;
      readingKey(facts.customerKey, input);
      const wanted = new Set<string>((input.ObjectAttributes ?? []) as string[]);
      if (wanted.size === 0)
        throw invalidArgument(
          "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
          "x-amz-object-attributes",
          "",
        );
      const hasChecksums = Object.keys(facts.checksums?.values ?? {}).length > 0;
      return {
        LastModified: inSeconds(version.modifiedAt),
        ...(bucket.config.versioning ? { VersionId: version.version } : {}),
        ...(wanted.has("ETag") ? { ETag: version.etag } : {}),
        ...(wanted.has("ObjectSize") ? { ObjectSize: version.size } : {}),
        ...(wanted.has("StorageClass") ? { StorageClass: (facts.storageClass ?? "STANDARD") as S3.StorageClass } : {}),
        ...(wanted.has("Checksum") && hasChecksums
          ? { Checksum: { ...withoutCount(facts.checksums), ChecksumType: facts.checksums?.type ?? "FULL_OBJECT" } }
          : {}),
        ...(wanted.has("ObjectParts") && facts.parts
          ? {
              ObjectParts: {
                TotalPartsCount: facts.parts.length,
                ...(facts.checksums?.type === "COMPOSITE" ? partsPage(facts.parts, input) : {}),
              },
            }
          : {}),
      };
    },
  },
  DeleteObject: {
    permissions: onObject("DeleteObject", { versioned: "DeleteObjectVersion" }),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      checkBypass(bucket, input);
      const bypass = await mayBypass(ctx, bucket, input);
      return {
        ...(await deleteObject(ctx, bucket, { ...input, Key: String(input.Key), bypass })),
      };
    },
  },
  DeleteObjects: {
    // Every key is decided by itself: what is not allowed is an error of that key.
    permissions: async (input, ctx) => {
      await bucketOfInput(ctx, input);
      return [];
    },
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const wanted = input.Delete?.Objects ?? [];
      // AWS refuses it of versions too; code that cleans up any bucket sends it with them, and nothing is lost by that.
      if (wanted.some(({ VersionId }) => VersionId === undefined)) checkBypass(bucket, input);
      if (wanted.length === 0 || wanted.length > MAX_LIST) throw malformedXml();
      const Deleted: S3.DeletedObject[] = [];
      const Errors: S3._Error[] = [];
      const one = async ({ Key = "", VersionId, ETag }: S3.ObjectIdentifier): Promise<void> => {
        const named = { Key, ...(VersionId === undefined ? {} : { VersionId }) };
        try {
          const permission = await objectPermission(
            ctx,
            bucket,
            named,
            VersionId === undefined ? "DeleteObject" : "DeleteObjectVersion",
          );
          if (!(await isAllowed(ctx, permission))) throw accessDenied();
          if (VersionId !== undefined && !isVersionId(bucket, VersionId)) throw noSuchVersion(Key, VersionId);
          const bypass = await mayBypass(ctx, bucket, { ...input, Key });
          const condition = ETag === undefined ? {} : { IfMatch: ETag };
          const done = await deleteObject(ctx, bucket, { ...named, ...condition, bypass, ofMany: true });
          Deleted.push({
            ...named,
            ...(done.DeleteMarker
              ? {
                  DeleteMarker: true,
                  ...(done.VersionId === undefined ? {} : { DeleteMarkerVersionId: done.VersionId }),
                }
              : {}),
          });
        } catch (error) {
          const Code = codeOf(error);
          if (Code === undefined)
            ctx.platform.log.error("an object could not be deleted", { bucket: bucket.name, error });
          Errors.push({
            ...named,
            Code: Code ?? "InternalError",
            Message: Code === undefined ? "We encountered an internal error. Please try again." : messageOf(error),
          });
        }
      };
      // One key after the other within itself, others beside it, so that commits are shared.
      const perKey = Map.groupBy(wanted, ({ Key }) => Key);
      await Promise.all(
        [...perKey.values()].map(async (same) => {
          for (const each of same) await one(each);
        }),
      );
      const order = new Map(wanted.map(({ Key }, i) => [Key, i]));
      const byOrder = (a: { Key?: string | undefined }, b: { Key?: string | undefined }): number =>
        (order.get(a.Key) ?? 0) - (order.get(b.Key) ?? 0);
      return {
        ...(input.Delete?.Quiet ? {} : { Deleted: Deleted.toSorted(byOrder) }),
        ...(Errors.length > 0 ? { Errors: Errors.toSorted(byOrder) } : {}),
      };
    },
  },
});
