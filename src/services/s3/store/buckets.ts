import type { Context } from "../../../aws/context.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { GuardFailed, UniqueViolation, type Database, type Statement } from "../../../ports/database.ts";
import { accessDenied, noSuchBucket, operationAborted } from "../errors.ts";
import type { Bucket, BucketConfig, S3State } from "../model.ts";

interface BucketRow {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly created_at: number;
  readonly rev: number;
  readonly config: string;
}

const MAX_TRIES = 20;

const bucketOf = (row: BucketRow): Bucket => ({
  name: row.name,
  account: row.account,
  region: row.region,
  createdAt: row.created_at,
  rev: row.rev,
  config: JSON.parse(row.config) as BucketConfig,
});

export async function findBucket(ctx: Context<any>, name: string): Promise<Bucket | undefined> {
  const row = await ctx.platform.database.first<BucketRow>({
    sql: "select name, account, region, created_at, rev, config from s3_bucket where name = ?",
    parameters: [name],
  });
  return row && bucketOf(row);
}

interface BucketInput {
  readonly Bucket?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
}

/** The bucket of a call; throws where there is none, or where it belongs to somebody else than the caller expects. */
export async function bucketOfInput(ctx: Context<S3State>, input: BucketInput): Promise<Bucket> {
  const read = ctx.state.read.get(ctx);
  const isSame = read?.name === input.Bucket && input.ExpectedBucketOwner === undefined;
  if (read && isSame) return read;
  const bucket = await freshBucketOfInput(ctx, input);
  ctx.state.read.set(ctx, bucket);
  return bucket;
}

async function freshBucketOfInput(ctx: Context<any>, input: BucketInput): Promise<Bucket> {
  if (input.ExpectedBucketOwner !== undefined && !/^\d{12}$/.test(input.ExpectedBucketOwner))
    throw new AwsError(
      "InvalidBucketOwnerAWSAccountID",
      `The value of the expected bucket owner parameter must be an AWS Account ID... [${input.ExpectedBucketOwner.slice(0, 200)}]`,
      400,
    );
  // CopyObject and others may name it by its ARN.
  const name = String(input.Bucket).replace(/^arn:aws:s3:::/, "");
  const bucket = await findBucket(ctx, name);
  if (!bucket) throw noSuchBucket(name);
  if (input.ExpectedBucketOwner !== undefined && input.ExpectedBucketOwner !== bucket.account) throw accessDenied();
  return bucket;
}

export async function listBuckets(
  ctx: Context<any>,
  options: { prefix?: string; after?: string; limit: number },
): Promise<Bucket[]> {
  const prefix = options.prefix ?? "";
  const rows = await ctx.platform.database.all<BucketRow>({
    sql: `select name, account, region, created_at, rev, config from s3_bucket
      where account = ? and name > ? and name >= ? and name < ? order by name limit ?`,
    parameters: [ctx.account, options.after ?? "", prefix, `${prefix}\u{10ffff}`, options.limit],
  });
  return rows.map(bucketOf);
}

/** Names of the buckets whose requests are logged. */
export async function loggingBuckets(database: Database): Promise<string[]> {
  const rows = await database.all<{ name: string }>({
    sql: "select name from s3_bucket where json_extract(config, '$.logging') is not null",
    parameters: [],
  });
  return rows.map(({ name }) => name);
}

/** Stores a new bucket; false where the name is taken. */
export async function insertBucket(
  ctx: Context<any>,
  name: string,
  region: string,
  config: BucketConfig,
): Promise<boolean> {
  try {
    await ctx.platform.database.write([
      {
        sql: "insert into s3_bucket (name, account, region, created_at, rev, config) values (?, ?, ?, ?, 1, ?)",
        parameters: [name, ctx.account, region, ctx.now(), JSON.stringify(config)],
      },
    ]);
    return true;
  } catch (error) {
    if (error instanceof UniqueViolation) return false;
    throw error;
  }
}

/**
 * Removes a bucket that holds nothing, with `also` in the same transaction; false where it holds objects, versions or
 * delete markers.
 */
export async function removeBucket(ctx: Context<any>, name: string, also: readonly Statement[]): Promise<boolean> {
  const remove: Statement = {
    sql: "delete from s3_bucket where name = ? and not exists (select 1 from s3_object where bucket = ?)",
    parameters: [name, name],
    expect: 1,
  };
  try {
    await ctx.platform.database.write([remove, ...also]);
    return true;
  } catch (error) {
    if (error instanceof GuardFailed) return false;
    throw error;
  }
}

/** Changes what is set of a bucket, again from a fresh read where somebody else was faster. */
export function changeConfig(
  ctx: Context<S3State>,
  input: BucketInput,
  change: (config: BucketConfig, bucket: Bucket) => BucketConfig,
): Promise<Bucket> {
  return ctx.state.turns.run(String(input.Bucket), () => changeInTurn(ctx, input, change));
}

async function changeInTurn(
  ctx: Context<S3State>,
  input: BucketInput,
  change: (config: BucketConfig, bucket: Bucket) => BucketConfig,
): Promise<Bucket> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const bucket = await freshBucketOfInput(ctx, input);
    const config = change(bucket.config, bucket);
    try {
      await ctx.platform.database.write([
        {
          sql: "update s3_bucket set config = ?, rev = rev + 1 where name = ? and rev = ?",
          parameters: [JSON.stringify(config), bucket.name, bucket.rev],
          expect: 1,
        },
      ]);
      return { ...bucket, config };
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
    }
  }
  throw operationAborted(String(input.Bucket));
}
