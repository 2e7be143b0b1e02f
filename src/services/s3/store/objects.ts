import type { Context } from "../../../aws/context.ts";
import { GuardFailed, UniqueViolation, type Statement } from "../../../ports/database.ts";
import { noSuchBucket, operationAborted } from "../errors.ts";
import {
  NULL_VERSION,
  versionIdOf,
  type Bucket,
  type ObjectFacts,
  type ObjectVersion,
  type S3State,
  type Segment,
} from "../model.ts";
import { findBucket } from "./buckets.ts";

const MAX_TRIES = 30;
const COLUMNS = "key, seq, version, latest, marker, size, etag, modified_at, facts";

export interface ObjectRow {
  readonly key: Uint8Array;
  readonly seq: number;
  readonly version: string;
  readonly latest: number;
  readonly marker: number;
  readonly size: number;
  readonly etag: string;
  readonly modified_at: number;
  readonly facts: string;
}

export const keyBytes = (key: string): Buffer => Buffer.from(key, "utf8");

export function versionOf(bucket: string, row: ObjectRow): ObjectVersion {
  return {
    bucket,
    key: Buffer.from(row.key).toString("utf8"),
    seq: row.seq,
    version: row.version,
    latest: row.latest === 1,
    marker: row.marker === 1,
    size: row.size,
    etag: row.etag,
    modifiedAt: row.modified_at,
    facts: JSON.parse(row.facts) as ObjectFacts,
  };
}

/** The latest version of a key, or the named one; a delete marker too. */
export async function findVersion(
  ctx: Context<any>,
  bucket: string,
  key: string,
  version?: string,
): Promise<ObjectVersion | undefined> {
  const which = version === undefined ? "latest = 1" : "version = ?";
  const row = await ctx.platform.database.first<ObjectRow>({
    sql: `select ${COLUMNS} from s3_object where bucket = ? and key = ? and ${which} order by seq desc limit 1`,
    parameters: [bucket, keyBytes(key), ...(version === undefined ? [] : [version])],
  });
  return row && versionOf(bucket, row);
}

export async function allVersions(
  ctx: Context<any>,
  query: { where: string; parameters: readonly unknown[]; order: string; limit: number },
  bucket: string,
): Promise<ObjectVersion[]> {
  const rows = await ctx.platform.database.all<ObjectRow>({
    sql: `select ${COLUMNS} from s3_object where bucket = ? and ${query.where} order by ${query.order} limit ?`,
    parameters: [bucket, ...query.parameters, query.limit],
  });
  return rows.map((row) => versionOf(bucket, row));
}

/** Statements that count blobs which are referred to from now on; `data` is the content of an inline one. */
export function acquire(segments: readonly Segment[], data?: Uint8Array): Statement[] {
  return segments.map(({ digest }) => ({
    sql:
      "insert into s3_blob (digest, refs, released_at, data) values (?, 1, 0, ?) on conflict (digest) do update set " +
      "refs = s3_blob.refs + 1, data = coalesce(s3_blob.data, excluded.data)",
    parameters: [digest, data ?? null],
  }));
}

/** The content of an inline segment. */
export async function inlineContent(ctx: Context<any>, { digest }: Segment): Promise<Uint8Array> {
  const row = await ctx.platform.database.first<{ data: Uint8Array | null }>({
    sql: "select data from s3_blob where digest = ?",
    parameters: [digest],
  });
  if (!row?.data) throw new Error(`the content ${digest} is missing`);
  return row.data;
}

/** Statements that count blobs which are referred to no more; the collector removes them later. */
export function release(segments: readonly Segment[], now: number): Statement[] {
  return segments.map(({ digest }) => ({
    sql: "update s3_blob set refs = refs - 1, released_at = ? where digest = ? and refs > 0",
    parameters: [now, digest],
  }));
}

function removeRow(row: ObjectVersion, now: number): Statement[] {
  const remove: Statement = {
    sql: "delete from s3_object where bucket = ? and key = ? and seq = ? and version = ?",
    parameters: [row.bucket, keyBytes(row.key), row.seq, row.version],
    expect: 1,
  };
  return [remove, ...release(row.facts.segments, now)];
}

/** A version that is to be stored. */
export interface NewVersion {
  readonly marker?: boolean;
  readonly size: number;
  readonly etag: string;
  readonly facts: ObjectFacts;
  /** The content, where its only segment is a new inline one. */
  readonly data?: Uint8Array;
}

/** What else belongs to the change of an object. */
export interface ChangeOptions {
  /** Throws where the object that is there now must not be replaced; called again for every try. */
  readonly check?: (current: ObjectVersion | undefined) => void;
  /** Written in the same transaction, where `stored` goes into effect. */
  readonly also?: (stored: ObjectVersion, bucket: Bucket) => Statement[];
}

/**
 * Makes a version the latest one of its key: beside the others where versioning is on, in the place of the `null`
 * version where it is not. The bucket must still exist when the row is written.
 */
export async function storeVersion(
  ctx: Context<any>,
  bucketName: string,
  key: string,
  next: NewVersion,
  options: ChangeOptions = {},
): Promise<ObjectVersion> {
  return retry(ctx, bucketName, key, async () => {
    const bucket = await findBucket(ctx, bucketName);
    if (!bucket) throw noSuchBucket(bucketName);
    const current = await findVersion(ctx, bucketName, key);
    options.check?.(current?.marker ? undefined : current);
    const versioned = bucket.config.versioning === "Enabled";
    const replaced = versioned || !current ? undefined : await nullVersion(ctx, current);
    const now = ctx.now();
    const stored: ObjectVersion = {
      bucket: bucketName,
      key,
      seq: (current?.seq ?? 0) + 1,
      version: versioned ? newVersionId(ctx, bucketName, now) : NULL_VERSION,
      latest: true,
      marker: next.marker ?? false,
      size: next.size,
      etag: next.etag,
      modifiedAt: now,
      facts: next.facts,
    };
    const batch: Statement[] = [];
    if (current && current.seq !== replaced?.seq) batch.push(setLatest(current, false));
    if (replaced) batch.push(...removeRow(replaced, now));
    batch.push(
      insertRow(stored),
      ...acquire(next.facts.segments, next.data),
      ...(options.also?.(stored, bucket) ?? []),
    );
    await ctx.platform.database.write(batch);
    return stored;
  });
}

/** The version that a write without versioning replaces: mostly the latest one. */
async function nullVersion(ctx: Context<any>, latest: ObjectVersion): Promise<ObjectVersion | undefined> {
  return latest.version === NULL_VERSION ? latest : findVersion(ctx, latest.bucket, latest.key, NULL_VERSION);
}

/** Removes one version for good; the one before it becomes the latest. Answers what was there. */
export async function removeVersion(
  ctx: Context<any>,
  bucket: string,
  key: string,
  version: string,
  options: ChangeOptions = {},
): Promise<ObjectVersion | undefined> {
  return retry(ctx, bucket, key, async () => {
    const found = await findVersion(ctx, bucket, key, version);
    options.check?.(found);
    if (!found) return undefined;
    const batch = [...removeRow(found, ctx.now())];
    if (options.also) {
      const owner = await findBucket(ctx, bucket);
      if (owner) batch.push(...options.also(found, owner));
    }
    if (found.latest) {
      const [previous] = await allVersions(
        ctx,
        { where: "key = ? and seq < ?", parameters: [keyBytes(key), found.seq], order: "seq desc", limit: 1 },
        bucket,
      );
      if (previous) batch.push(setLatest(previous, true));
    }
    await ctx.platform.database.write(batch);
    return found;
  });
}

/** Changes the facts of a version (tags, ACL). */
export async function changeFacts(
  ctx: Context<any>,
  version: ObjectVersion,
  change: (facts: ObjectFacts) => ObjectFacts,
  also: (changed: ObjectVersion) => Statement[] = () => [],
): Promise<void> {
  await retry(ctx, version.bucket, version.key, async () => {
    const fresh = await findVersion(ctx, version.bucket, version.key, version.version);
    if (!fresh) return;
    const parameters = [version.bucket, keyBytes(version.key), fresh.seq, fresh.version];
    const changed = { ...fresh, facts: change(fresh.facts) };
    await ctx.platform.database.write([
      {
        sql: "update s3_object set facts = ? where bucket = ? and key = ? and seq = ? and version = ? and facts = ?",
        parameters: [JSON.stringify(changed.facts), ...parameters, JSON.stringify(fresh.facts)],
        expect: 1,
      },
      ...also(changed),
    ]);
  });
}

function setLatest(row: ObjectVersion, latest: boolean): Statement {
  return {
    sql: "update s3_object set latest = ? where bucket = ? and key = ? and seq = ? and version = ? and latest = ?",
    parameters: [latest ? 1 : 0, row.bucket, keyBytes(row.key), row.seq, row.version, latest ? 0 : 1],
    expect: 1,
  };
}

function insertRow(row: ObjectVersion): Statement {
  return {
    sql: `insert into s3_object (bucket, ${COLUMNS}) select ?, ?, ?, ?, 1, ?, ?, ?, ?, ?
      where exists (select 1 from s3_bucket where name = ?)`,
    parameters: [
      row.bucket,
      keyBytes(row.key),
      row.seq,
      row.version,
      row.marker ? 1 : 0,
      row.size,
      row.etag,
      row.modifiedAt,
      JSON.stringify(row.facts),
      row.bucket,
    ],
    expect: 1,
  };
}

function newVersionId(ctx: Context<any>, bucket: string, now: number): string {
  const random = ctx.platform.ids.text(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
  return versionIdOf(bucket, `${now.toString(36)}.${random}`);
}

/**
 * Runs a change that is guarded by what it read; again where somebody else was faster. Changes of one key take turns here, so
 * that of many writers each gets through and the last one wins, as in S3; the guard is for those of other processes.
 */
async function retry<T>(ctx: Context<S3State>, bucket: string, key: string, attempt: () => Promise<T>): Promise<T> {
  return ctx.state.turns.run(`${bucket}/${key}`, async () => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof GuardFailed) && !(error instanceof UniqueViolation)) throw error;
      }
    }
    throw operationAborted(`${bucket}/${key}`);
  });
}
