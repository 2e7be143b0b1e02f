import type { Context } from "../../../aws/context.ts";
import { GuardFailed, type Statement } from "../../../ports/database.ts";
import { noSuchUpload, operationAborted } from "../errors.ts";
import type { ObjectFacts } from "../model.ts";
import { acquire, keyBytes, release } from "./objects.ts";

/** A multipart upload under way. */
export interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly startedAt: number;
  readonly facts: Omit<ObjectFacts, "segments"> & {
    readonly algorithm?: string;
    readonly checksumType?: string;
    readonly initiator: string;
    /** There was an object of this key when the upload began. */
    readonly replaces?: boolean;
  };
}

export interface Part {
  readonly number: number;
  readonly digest: string;
  readonly size: number;
  readonly etag: string;
  readonly modifiedAt: number;
  readonly checksums: Readonly<Record<string, string>>;
}

interface UploadRow {
  readonly id: string;
  readonly bucket: string;
  readonly key: Uint8Array;
  readonly started_at: number;
  readonly facts: string;
}

interface PartRow {
  readonly number: number;
  readonly digest: string;
  readonly size: number;
  readonly etag: string;
  readonly modified_at: number;
  readonly checksums: string;
}

const uploadOf = (row: UploadRow): Upload => ({
  id: row.id,
  bucket: row.bucket,
  key: Buffer.from(row.key).toString("utf8"),
  startedAt: row.started_at,
  facts: JSON.parse(row.facts) as Upload["facts"],
});

const partOf = (row: PartRow): Part => ({
  number: row.number,
  digest: row.digest,
  size: row.size,
  etag: row.etag,
  modifiedAt: row.modified_at,
  checksums: JSON.parse(row.checksums) as Record<string, string>,
});

export async function insertUpload(ctx: Context<any>, upload: Upload): Promise<void> {
  await ctx.platform.database.write([
    {
      sql: "insert into s3_upload (id, bucket, key, started_at, facts) values (?, ?, ?, ?, ?)",
      parameters: [upload.id, upload.bucket, keyBytes(upload.key), upload.startedAt, JSON.stringify(upload.facts)],
    },
  ]);
}

/** The upload of a call; throws where it is not one of this key. */
export async function uploadOfInput(
  ctx: Context<any>,
  input: { Bucket?: string | undefined; Key?: string | undefined; UploadId?: string | undefined },
): Promise<Upload> {
  const upload = await findUpload(ctx, input.Bucket ?? "", input.UploadId ?? "");
  if (!upload || upload.key !== input.Key) throw noSuchUpload(String(input.UploadId));
  return upload;
}

export async function findUpload(ctx: Context<any>, bucket: string, id: string): Promise<Upload | undefined> {
  const row = await ctx.platform.database.first<UploadRow>({
    sql: "select id, bucket, key, started_at, facts from s3_upload where id = ? and bucket = ?",
    parameters: [id, bucket],
  });
  return row && uploadOf(row);
}

export async function listUploads(
  ctx: Context<any>,
  bucket: string,
  query: { where: string; parameters: readonly unknown[]; limit: number },
): Promise<Upload[]> {
  const rows = await ctx.platform.database.all<UploadRow>({
    sql: `select id, bucket, key, started_at, facts from s3_upload where bucket = ? and ${query.where} order by key, id limit ?`,
    parameters: [bucket, ...query.parameters, query.limit],
  });
  return rows.map(uploadOf);
}

export async function listParts(ctx: Context<any>, uploadId: string, after = 0, limit = 10_001): Promise<Part[]> {
  const rows = await ctx.platform.database.all<PartRow>({
    sql: "select number, digest, size, etag, modified_at, checksums from s3_part where upload_id = ? and number > ? order by number limit ?",
    parameters: [uploadId, after, limit],
  });
  return rows.map(partOf);
}

/** Stores a part in the place of an earlier one of its number. The upload must still be there. */
export async function storePart(ctx: Context<any>, upload: Upload, part: Part): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const old = (await listParts(ctx, upload.id, part.number - 1, 1)).find(({ number }) => number === part.number);
    const where = old ? "s3_part.digest = ? and s3_part.modified_at = ?" : "1 = 0";
    const store: Statement = {
      sql: `insert into s3_part (upload_id, number, digest, size, etag, modified_at, checksums)
        select id, ?, ?, ?, ?, ?, ? from s3_upload where id = ?
        on conflict (upload_id, number) do update set digest = excluded.digest, size = excluded.size, etag = excluded.etag,
          modified_at = excluded.modified_at, checksums = excluded.checksums where ${where}`,
      parameters: [
        part.number,
        part.digest,
        part.size,
        part.etag,
        part.modifiedAt,
        JSON.stringify(part.checksums),
        upload.id,
        ...(old ? [old.digest, old.modifiedAt] : []),
      ],
      expect: 1,
    };
    try {
      await ctx.platform.database.write([store, ...acquire([part]), ...(old ? release([old], part.modifiedAt) : [])]);
      return;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
      await uploadOfInput(ctx, { Bucket: upload.bucket, Key: upload.key, UploadId: upload.id });
    }
  }
  throw operationAborted(`${upload.bucket}/${upload.key}`);
}

/** Statements that end an upload: its row, its parts, and its parts' references to their blobs. */
export function endUpload(upload: Upload, parts: readonly Part[], now: number): Statement[] {
  return [
    { sql: "delete from s3_upload where id = ?", parameters: [upload.id], expect: 1 },
    { sql: "delete from s3_part where upload_id = ?", parameters: [upload.id], expect: parts.length },
    ...release(parts, now),
  ];
}
