import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { restoreStatus } from "../archive.ts";
import { invalidArgument } from "../errors.ts";
import { MAX_LIST } from "../limits.ts";
import { canonicalId, inSeconds, madeAtOf, quoted, type Bucket, type ObjectVersion } from "../model.ts";
import { listConditions, onBucket } from "../permissions.ts";
import { bucketOfInput } from "../store/buckets.ts";
import { collect, endOf, readObjects, readVersions, type Entry, type Position } from "../store/listing.ts";
import { allVersions, findVersion, keyBytes } from "../store/objects.ts";

interface ListInput {
  readonly Prefix?: string | undefined;
  readonly Delimiter?: string | undefined;
  readonly MaxKeys?: number | undefined;
  readonly EncodingType?: string | undefined;
}

/** What lists have in common: bounds, and how keys are written. */
export function listSettings(
  input: ListInput,
  max = input.MaxKeys,
): { prefix: string; delimiter?: string; max: number; text: (key: string) => string } {
  if (max !== undefined && max < 0)
    throw invalidArgument("Argument maxKeys must be an integer between 0 and 2147483647", "maxKeys", String(max));
  if (input.EncodingType !== undefined && input.EncodingType !== "url") {
    throw invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", input.EncodingType);
  }
  return {
    prefix: input.Prefix ?? "",
    ...(input.Delimiter ? { delimiter: input.Delimiter } : {}),
    max: Math.min(max ?? MAX_LIST, MAX_LIST),
    text: input.EncodingType === "url" ? urlText : (key) => key,
  };
}

/** Keys may hold what XML cannot: clients ask for them encoded, slashes left as they are. */
function urlText(key: string): string {
  return encodeURIComponent(key)
    .replaceAll("%2F", "/")
    .replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

const prefixesOf = (entries: readonly Entry<unknown>[], text: (key: string) => string): S3.CommonPrefix[] =>
  entries.flatMap((entry) => ("commonPrefix" in entry ? [{ Prefix: text(entry.commonPrefix) }] : []));

const itemsOf = <T>(entries: readonly Entry<T>[]): T[] =>
  entries.flatMap((entry) => ("item" in entry ? [entry.item] : []));

/** The key (or common prefix) of the last entry: the next page begins behind it. */
const lastOf = (entries: readonly Entry<{ key: string }>[]): string | undefined => {
  const last = entries.at(-1);
  return last && ("item" in last ? last.item.key : last.commonPrefix);
};

/** Where a list goes on behind `after`; behind all keys of a common prefix where it is one, or within one. */
export function startBehind(after: string | undefined, prefix: string, delimiter: string | undefined): Position<any> {
  if (!after) return {};
  const cut = delimiter && after.startsWith(prefix) ? after.indexOf(delimiter, prefix.length) : -1;
  const end = delimiter && cut >= 0 ? endOf(keyBytes(after.slice(0, cut + delimiter.length))) : undefined;
  if (end) return { from: end };
  return { from: Buffer.concat([keyBytes(after), Buffer.alloc(1)]) };
}

function describe(version: ObjectVersion, bucket: Bucket, text: (key: string) => string, owner: boolean): S3._Object {
  const { checksums } = version.facts;
  const algorithms = Object.keys(checksums?.values ?? {}).map(
    (name) => name.replace("Checksum", "") as S3.ChecksumAlgorithm,
  );
  return {
    Key: text(version.key),
    LastModified: inSeconds(version.modifiedAt),
    ETag: quoted(version.etag),
    Size: version.size,
    StorageClass: (version.facts.storageClass ?? "STANDARD") as S3.ObjectStorageClass,
    ...(algorithms.length > 0 ? { ChecksumAlgorithm: algorithms, ChecksumType: checksums?.type ?? "FULL_OBJECT" } : {}),
    ...(owner ? { Owner: { ID: canonicalId(bucket.account) } } : {}),
  };
}

const token = {
  make: (key: string): string => Buffer.from(`1${key}`).toString("base64url"),
  read(text: string): string {
    const key = Buffer.from(text, "base64url").toString();
    if (!key.startsWith("1"))
      throw invalidArgument("The continuation token provided is incorrect", "continuation-token", text.slice(0, 200));
    return key.slice(1);
  },
};

async function list(ctx: Context<any>, bucket: Bucket, input: ListInput, after: string | undefined, wasEntry: boolean) {
  const settings = listSettings(input);
  if (settings.max === 0) return { settings, entries: [], truncated: false };
  // A page begins behind a common prefix as a whole; `start-after` within one still shows it.
  const start = startBehind(after, settings.prefix, wasEntry ? settings.delimiter : undefined);
  const { entries, truncated } = await collect(
    settings,
    (version: ObjectVersion) => version.key,
    readObjects(ctx, bucket.name, settings.prefix),
    start,
  );
  return { settings, entries, truncated };
}

/** The version that a page ends with; where it is gone since, what stood in its place among the key's versions. */
async function markedVersion(
  ctx: Context<any>,
  bucket: Bucket,
  key: string,
  id: string,
): Promise<ObjectVersion | undefined> {
  const found = await findVersion(ctx, bucket.name, key, id);
  const madeAt = madeAtOf(id);
  if (found || madeAt === undefined) return found;
  const [older] = await allVersions(
    ctx,
    { where: "key = ? and modified_at <= ?", parameters: [keyBytes(key), madeAt], order: "seq desc", limit: 1 },
    bucket.name,
  );
  return older && { ...older, seq: older.seq + 1 };
}

export const listing = operations<typeof S3, any>()({
  ListObjectsV2: {
    permissions: onBucket("ListBucket", "READ", listConditions),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      if (input.ContinuationToken === "")
        throw invalidArgument("The continuation token provided is incorrect", "continuation-token");
      const after = input.ContinuationToken === undefined ? input.StartAfter : token.read(input.ContinuationToken);
      const { settings, entries, truncated } = await list(
        ctx,
        bucket,
        input,
        after,
        input.ContinuationToken !== undefined,
      );
      const { text } = settings;
      const last = lastOf(entries);
      return {
        Name: bucket.name,
        Prefix: text(settings.prefix),
        MaxKeys: settings.max,
        KeyCount: entries.length,
        IsTruncated: truncated,
        ...(settings.delimiter ? { Delimiter: text(settings.delimiter) } : {}),
        ...(input.EncodingType ? { EncodingType: input.EncodingType } : {}),
        ...(input.StartAfter && input.ContinuationToken === undefined ? { StartAfter: text(input.StartAfter) } : {}),
        ...(input.ContinuationToken === undefined ? {} : { ContinuationToken: input.ContinuationToken }),
        ...(truncated && last !== undefined ? { NextContinuationToken: token.make(last) } : {}),
        Contents: itemsOf(entries).map((version) => ({
          ...describe(version, bucket, text, input.FetchOwner ?? false),
          ...restoreStatus(version, ctx.now(), input),
        })),
        CommonPrefixes: prefixesOf(entries, text),
      };
    },
  },
  ListObjects: {
    permissions: onBucket("ListBucket", "READ", listConditions),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const { settings, entries, truncated } = await list(ctx, bucket, input, input.Marker, true);
      const { text } = settings;
      const last = lastOf(entries);
      return {
        Name: bucket.name,
        Prefix: text(settings.prefix),
        Marker: text(input.Marker ?? ""),
        MaxKeys: settings.max,
        IsTruncated: truncated,
        ...(settings.delimiter ? { Delimiter: text(settings.delimiter) } : {}),
        ...(input.EncodingType ? { EncodingType: input.EncodingType } : {}),
        ...(truncated && last !== undefined && settings.delimiter ? { NextMarker: text(last) } : {}),
        Contents: itemsOf(entries).map((version) => ({
          ...describe(version, bucket, text, ctx.principal.kind !== "anonymous"),
          ...restoreStatus(version, ctx.now(), input),
        })),
        CommonPrefixes: prefixesOf(entries, text),
      };
    },
  },
  ListObjectVersions: {
    permissions: onBucket("ListBucketVersions", "READ", listConditions),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const settings = listSettings(input);
      const { text } = settings;
      if (input.VersionIdMarker && !input.KeyMarker) {
        throw invalidArgument(
          "A version-id marker cannot be specified without a key marker.",
          "version-id-marker",
          input.VersionIdMarker,
        );
      }
      const marked =
        input.KeyMarker && input.VersionIdMarker
          ? await markedVersion(ctx, bucket, input.KeyMarker, input.VersionIdMarker)
          : undefined;
      const start = marked ? { after: marked } : startBehind(input.KeyMarker, settings.prefix, settings.delimiter);
      const read = readVersions(ctx, bucket.name, settings.prefix);
      const { entries, truncated } =
        settings.max === 0
          ? { entries: [], truncated: false }
          : await collect(settings, (v: ObjectVersion) => v.key, read, start);
      const items = itemsOf(entries);
      const last = entries.at(-1);
      const owner = { ID: canonicalId(bucket.account) };
      const facts = (version: ObjectVersion) => ({
        VersionId: version.version,
        IsLatest: version.latest,
        Owner: owner,
      });
      return {
        Name: bucket.name,
        Prefix: text(settings.prefix),
        KeyMarker: text(input.KeyMarker ?? ""),
        VersionIdMarker: input.VersionIdMarker ?? "",
        MaxKeys: settings.max,
        IsTruncated: truncated,
        ...(settings.delimiter ? { Delimiter: text(settings.delimiter) } : {}),
        ...(input.EncodingType ? { EncodingType: input.EncodingType } : {}),
        ...(truncated && last
          ? {
              NextKeyMarker: text(lastOf(entries) ?? ""),
              ...("item" in last ? { NextVersionIdMarker: last.item.version } : {}),
            }
          : {}),
        Versions: items
          .filter((v) => !v.marker)
          .map((v) => ({
            ...describe(v, bucket, text, true),
            ...restoreStatus(v, ctx.now(), input),
            StorageClass: (v.facts.storageClass ?? "STANDARD") as S3.ObjectVersionStorageClass,
            ...facts(v),
          })),
        DeleteMarkers: items
          .filter((v) => v.marker)
          .map((v) => ({ Key: text(v.key), LastModified: inSeconds(v.modifiedAt), ...facts(v) })),
        CommonPrefixes: prefixesOf(entries, text),
      };
    },
  },
});
