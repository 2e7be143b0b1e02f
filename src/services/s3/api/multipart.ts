import type * as S3 from "@aws-sdk/client-s3";
import { checksumAlgorithm, createChecksum, type ChecksumAlgorithm } from "../../../aws/checksums.ts";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { checkCompletion } from "../conditions.ts";
import { combinedCrc } from "../combined-crc.ts";
import { checksumMember, DEFAULT_CHECKSUM, readContent, storeContent, wantedAlgorithm } from "../content.ts";
import { describeKey, newCustomerKey, partKey } from "../customer-keys.ts";
import { invalidArgument, invalidRequest } from "../errors.ts";
import { objectEvents } from "../events.ts";
import { abortOf } from "../lifecycle.ts";
import { MAX_LIST } from "../limits.ts";
import { canonicalId, inSeconds, quoted, type Bucket, type Checksums, type ObjectVersion } from "../model.ts";
import { checkKey, describeEncryption, describeStored, newFacts } from "../object-facts.ts";
import { announcedChecksum, checkDeclared, checkPartAlgorithm } from "../part-checksums.ts";
import { checkPartNumber, chosenParts, multipartEtag } from "../parts.ts";
import { copying, onBucket, onObject, storing } from "../permissions.ts";
import { copyRange } from "../range.ts";
import { bucketOfInput } from "../store/buckets.ts";
import { collect, type Position } from "../store/listing.ts";
import { findVersion, keyBytes, storeVersion } from "../store/objects.ts";
import {
  endUpload,
  findUpload,
  insertUpload,
  listParts,
  listUploads,
  storePart,
  uploadOfInput,
  type Part,
  type Upload,
} from "../store/uploads.ts";
import { sourceOf } from "./copy.ts";
import { listSettings, startBehind } from "./listing.ts";

/** What S3 computes of parts whose upload says nothing of checksums; of those sealed with a customer's key nothing. */
const algorithmOfUpload = ({ facts }: Upload): ChecksumAlgorithm | undefined =>
  checksumAlgorithm(facts.algorithm ?? "") ?? (facts.customerKey ? undefined : DEFAULT_CHECKSUM);

/** The object's checksum: of the parts' checksums (composite), or of all bytes (full object). */
function objectChecksum(upload: Upload, parts: readonly Part[]): Checksums | undefined {
  const algorithm = algorithmOfUpload(upload);
  if (!algorithm) return undefined;
  const member = checksumMember(algorithm);
  if (upload.facts.checksumType !== "COMPOSITE") {
    const known = parts.flatMap(({ checksums, size }) => {
      const crc = checksums[member];
      return crc === undefined ? [] : [{ crc, size }];
    });
    const value = known.length === parts.length ? combinedCrc(algorithm, known) : undefined;
    return value === undefined ? undefined : { type: "FULL_OBJECT", values: { [member]: value } };
  }
  const checksum = createChecksum(algorithm);
  for (const part of parts) checksum.update(Buffer.from(part.checksums[member] ?? "", "base64"));
  return { type: "COMPOSITE", values: { [member]: `${checksum.digest()}-${parts.length}` } };
}

/** The checksums that are kept of a part: the caller's, and what the object's will be made of. */
function checksumsToMake(upload: Upload, wanted?: ChecksumAlgorithm): ChecksumAlgorithm[] {
  return [wanted, algorithmOfUpload(upload)].filter((algorithm) => algorithm !== undefined);
}

const only = (checksums: Part["checksums"], algorithm: ChecksumAlgorithm): Part["checksums"] => {
  const value = checksums[checksumMember(algorithm)];
  return value === undefined ? {} : { [checksumMember(algorithm)]: value };
};

/** What answers say of a part: its checksum by the upload's algorithm. Without one, a part's was for its way here alone. */
function checksumsOfPart({ facts }: Upload, { checksums }: Part): Part["checksums"] {
  const algorithm = checksumAlgorithm(facts.algorithm ?? "");
  return algorithm ? only(checksums, algorithm) : {};
}

const describeAlgorithm = (facts: {
  algorithm?: string;
  checksumType?: string;
}): { ChecksumAlgorithm?: S3.ChecksumAlgorithm; ChecksumType?: S3.ChecksumType } =>
  facts.algorithm === undefined
    ? {}
    : {
        ChecksumAlgorithm: facts.algorithm as S3.ChecksumAlgorithm, // one of AWS's, as it was checked
        ChecksumType: facts.checksumType as S3.ChecksumType, // as above
      };

/** Begins with the time: lists show the uploads of one key in the order in which they began. */
function newUploadId(ctx: Context<any>): string {
  const random = ctx.platform.ids.text(55, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._");
  return ctx.now().toString(36).padStart(9, "0") + random;
}

function completed(ctx: Context<any>, bucket: Bucket, version: ObjectVersion): S3.CompleteMultipartUploadOutput {
  const { checksums } = version.facts;
  const path = version.key.split("/").map(encodeURIComponent).join("/");
  return {
    Location: `${ctx.platform.settings.publicUrl}/${bucket.name}/${path}`,
    Bucket: bucket.name,
    Key: version.key,
    ETag: quoted(version.etag),
    ...checksums?.values,
    ...(checksums ? { ChecksumType: checksums.type } : {}),
    ...describeStored(version, bucket),
  };
}

export const multipart = operations<typeof S3, any>()({
  CreateMultipartUpload: {
    permissions: storing,
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const key = String(input.Key);
      checkKey(key);
      const customerKey = newCustomerKey(input);
      const facts = newFacts(ctx, bucket, input, customerKey);
      const checksum = announcedChecksum(input);
      const current = await findVersion(ctx, bucket.name, key);
      const replaces = current !== undefined && !current.marker;
      const id = newUploadId(ctx);
      const startedAt = ctx.now();
      await insertUpload(ctx, {
        id,
        bucket: bucket.name,
        key,
        startedAt,
        facts: { ...facts, ...checksum, initiator: initiatorId(ctx), ...(replaces ? { replaces } : {}) },
      });
      return {
        Bucket: bucket.name,
        Key: key,
        UploadId: id,
        ...abortOf(bucket.config.lifecycle, { key, startedAt }),
        ...describeEncryption(facts),
        ...describeKey(customerKey),
        ...describeAlgorithm(checksum),
      };
    },
  },
  UploadPart: {
    permissions: onObject("PutObject"),
    async run(ctx, input) {
      await bucketOfInput(ctx, input);
      const number = checkPartNumber(input.PartNumber);
      const upload = await uploadOfInput(ctx, input);
      const key = partKey(upload.facts.customerKey, input);
      const wanted = wantedAlgorithm(input);
      checkPartAlgorithm(upload.facts, wanted);
      const content = await storeContent(ctx, input.Body, checksumsToMake(upload, wanted), { inline: false, key });
      const part = {
        number,
        digest: content.digest,
        size: content.size,
        etag: content.md5,
        modifiedAt: ctx.now(),
        checksums: content.checksums,
      };
      await storePart(ctx, upload, part);
      return {
        ETag: quoted(content.md5),
        ...(wanted ? only(content.checksums, wanted) : checksumsOfPart(upload, part)),
        ...describeEncryption(upload.facts),
        ...describeKey(key),
      };
    },
  },
  UploadPartCopy: {
    permissions: (input, ctx) => copying(input, ctx),
    async run(ctx, input) {
      await bucketOfInput(ctx, input);
      const number = checkPartNumber(input.PartNumber);
      const upload = await uploadOfInput(ctx, input);
      const key = partKey(upload.facts.customerKey, input);
      const { version: source, versioned, key: sourceKey } = await sourceOf(ctx, input);
      const range = copyRange(input.CopySourceRange, source.size);
      const content = await storeContent(
        ctx,
        readContent(ctx, source.facts.segments, range, sourceKey),
        checksumsToMake(upload),
        { inline: false, key },
      );
      const part = {
        number,
        digest: content.digest,
        size: content.size,
        etag: content.md5,
        modifiedAt: ctx.now(),
        checksums: content.checksums,
      };
      await storePart(ctx, upload, part);
      return {
        CopyPartResult: {
          ETag: quoted(content.md5),
          LastModified: inSeconds(part.modifiedAt),
          ...checksumsOfPart(upload, part),
        },
        ...(versioned ? { CopySourceVersionId: source.version } : {}),
        ...describeEncryption(upload.facts),
        ...describeKey(key),
      };
    },
  },
  CompleteMultipartUpload: {
    permissions: onObject("PutObject"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      // A caller whose answer was lost asks again, and gets it again.
      const made = await findVersion(ctx, bucket.name, String(input.Key));
      if (made?.facts.upload !== undefined && made.facts.upload === input.UploadId) return completed(ctx, bucket, made);
      const upload = await uploadOfInput(ctx, input);
      const stored = await listParts(ctx, upload.id);
      const parts = chosenParts(input, stored, upload.facts);
      const checksums = objectChecksum(upload, parts);
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      checkDeclared(input, upload.facts, checksums?.values ?? {});
      if (input.MpuObjectSize !== undefined && input.MpuObjectSize !== size)
        throw invalidRequest(
          `The provided 'x-amz-mp-object-size' header value ${input.MpuObjectSize} does not match what was computed: ${size}`,
        );
      const { algorithm: _a, checksumType: _t, initiator: _i, replaces = false, ...facts } = upload.facts;
      const version = await storeVersion(
        ctx,
        bucket.name,
        upload.key,
        {
          size,
          etag: multipartEtag(parts),
          facts: {
            ...facts,
            upload: upload.id,
            segments: parts.map((part) => ({ digest: part.digest, size: part.size })),
            parts: parts.map((part) => ({
              number: part.number,
              size: part.size,
              checksums: checksums?.type === "COMPOSITE" ? checksumsOfPart(upload, part) : {},
            })),
            ...(checksums ? { checksums } : {}),
          },
        },
        {
          check: (current) => checkCompletion(input, current, { ...upload, replaces }),
          also: (made, owner) => [
            ...endUpload(upload, stored, ctx.now()),
            ...objectEvents(ctx, owner, made, "ObjectCreated:CompleteMultipartUpload"),
          ],
        },
      );
      return completed(ctx, bucket, version);
    },
  },
  AbortMultipartUpload: {
    permissions: onObject("AbortMultipartUpload"),
    async run(ctx, input) {
      await bucketOfInput(ctx, input);
      const upload = await uploadOfInput(ctx, input);
      await ctx.platform.database.write(endUpload(upload, await listParts(ctx, upload.id), ctx.now()));
      return {};
    },
  },
  ListParts: {
    permissions: onObject("ListMultipartUploadParts"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const upload = await uploadOfInput(ctx, input);
      const max = Math.min(input.MaxParts ?? MAX_LIST, MAX_LIST);
      const after = Number(input.PartNumberMarker ?? 0);
      const found = await listParts(ctx, upload.id, Number.isFinite(after) ? after : 0, max + 1);
      const page = found.slice(0, max);
      const owner = { ID: canonicalId(bucket.account) };
      return {
        Bucket: bucket.name,
        Key: upload.key,
        UploadId: upload.id,
        ...abortOf(bucket.config.lifecycle, upload),
        PartNumberMarker: String(after),
        NextPartNumberMarker: String(page.at(-1)?.number ?? 0),
        MaxParts: max,
        IsTruncated: found.length > max,
        Parts: page.map((part) => ({
          PartNumber: part.number,
          LastModified: inSeconds(part.modifiedAt),
          ETag: quoted(part.etag),
          Size: part.size,
          ...checksumsOfPart(upload, part),
        })),
        Initiator: initiatorOf(upload),
        Owner: owner,
        StorageClass: (upload.facts.storageClass ?? "STANDARD") as S3.StorageClass,
        ...describeAlgorithm(upload.facts),
      };
    },
  },
  ListMultipartUploads: {
    permissions: onBucket("ListBucketMultipartUploads"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const settings = listSettings(input, input.MaxUploads);
      const { text } = settings;
      const { UploadIdMarker: marker } = input;
      const marked = marker && input.KeyMarker ? await findUpload(ctx, bucket.name, marker) : undefined;
      if (marked && marked.key !== input.KeyMarker)
        throw invalidArgument("Invalid uploadId marker", "upload-id-marker", String(marker));
      const start: Position<Upload> =
        input.KeyMarker && input.UploadIdMarker
          ? { after: { key: input.KeyMarker, id: input.UploadIdMarker } as Upload }
          : startBehind(input.KeyMarker, settings.prefix, settings.delimiter);
      const read = (position: Position<Upload>, limit: number): Promise<Upload[]> => {
        const base = keyBytes(settings.prefix);
        const [where, parameters] = position.from
          ? ["key >= ?", [position.from]]
          : position.after
            ? ["(key, id) > (?, ?)", [keyBytes(position.after.key), position.after.id]]
            : ["1 = 1", []];
        return listUploads(ctx, bucket.name, {
          where: `key >= ? and substr(key, 1, ?) = ? and ${where}`,
          parameters: [base, base.length, base, ...parameters],
          limit,
        });
      };
      const { entries, truncated } = await collect(settings, (upload: Upload) => upload.key, read, start);
      const uploads = entries.flatMap((entry) => ("item" in entry ? [entry.item] : []));
      const last = entries.at(-1);
      return {
        Bucket: bucket.name,
        KeyMarker: text(input.KeyMarker ?? ""),
        UploadIdMarker: (input.KeyMarker && input.UploadIdMarker) ?? "",
        NextKeyMarker: last && "item" in last ? text(last.item.key) : truncated && last ? text(last.commonPrefix) : "",
        NextUploadIdMarker: last && "item" in last ? last.item.id : "",
        ...(settings.prefix ? { Prefix: text(settings.prefix) } : {}),
        ...(settings.delimiter ? { Delimiter: text(settings.delimiter) } : {}),
        ...(input.EncodingType ? { EncodingType: input.EncodingType } : {}),
        MaxUploads: settings.max,
        IsTruncated: truncated,
        Uploads: uploads.map((upload) => describeUpload(upload, bucket, text)),
        CommonPrefixes: entries.flatMap((entry) =>
          "commonPrefix" in entry ? [{ Prefix: text(entry.commonPrefix) }] : [],
        ),
      };
    },
  },
});

function describeUpload(upload: Upload, bucket: Bucket, text: (key: string) => string): S3.MultipartUpload {
  return {
    UploadId: upload.id,
    Key: text(upload.key),
    Initiated: inSeconds(upload.startedAt),
    StorageClass: (upload.facts.storageClass ?? "STANDARD") as S3.StorageClass,
    Owner: { ID: canonicalId(bucket.account) },
    Initiator: initiatorOf(upload),
    ...describeAlgorithm(upload.facts),
  };
}

/** Who began an upload: of IAM's users and roles the name as well. */
function initiatorOf({ facts: { initiator } }: Upload): S3.Initiator {
  const name = /\/([^/]+)$/.exec(initiator)?.[1];
  return { ID: initiator, ...(name === undefined ? {} : { DisplayName: name }) };
}

function initiatorId(ctx: Context<any>): string {
  const { principal } = ctx;
  return principal.kind === "service" || principal.kind === "anonymous"
    ? canonicalId(principal.account)
    : principal.arn;
}
