import type * as S3 from "@aws-sdk/client-s3";
import { ANSWER_STATUS } from "../../../aws/protocol/encode-response.ts";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { invalidArgument, malformedXml } from "../errors.ts";
import { MAX_REPORTS, REPORTS_PAGE } from "../limits.ts";
import type { BucketReports } from "../model.ts";
import { onBucket } from "../permissions.ts";
import { bucketOfInput, changeConfig } from "../store/buckets.ts";

type Kind = keyof BucketReports;
type Configuration<K extends Kind> = NonNullable<BucketReports[K]>[string];

interface NamedInput {
  readonly Bucket?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
  readonly Id?: string | undefined;
}

const noSuchConfiguration = (): AwsError =>
  new AwsError("NoSuchConfiguration", "The specified configuration does not exist.", 404);

async function put<K extends Kind>(
  ctx: Context<any>,
  input: NamedInput,
  kind: K,
  configuration: Configuration<K>,
): Promise<any> {
  await changeConfig(ctx, input, (config) => {
    const all = { ...config.reports?.[kind], [String(input.Id)]: configuration };
    if (Object.keys(all).length > MAX_REPORTS)
      throw new AwsError(
        "TooManyConfigurations",
        `You are attempting to create a new configuration but have already reached the ${MAX_REPORTS}-configuration limit.`,
        400,
      );
    return { ...config, reports: { ...config.reports, [kind]: all } };
  });
  return { [ANSWER_STATUS]: 204 };
}

async function get<K extends Kind>(ctx: Context<any>, input: NamedInput, kind: K): Promise<Configuration<K>> {
  const { reports } = (await bucketOfInput(ctx, input)).config;
  const all: BucketReports[K] = reports?.[kind];
  const id = String(input.Id);
  const found = all && Object.hasOwn(all, id) ? all[id] : undefined;
  if (!found) throw noSuchConfiguration();
  return found as Configuration<K>; // of its own kind
}

async function remove(ctx: Context<any>, input: NamedInput, kind: Kind): Promise<{}> {
  await changeConfig(ctx, input, (config) => {
    const { [String(input.Id)]: gone, ...rest } = config.reports?.[kind] ?? {};
    if (!gone) throw noSuchConfiguration();
    return { ...config, reports: { ...config.reports, [kind]: rest } };
  });
  return {};
}

/** A page of a bucket's configurations of one kind, by their ids. */
async function list<K extends Kind>(
  ctx: Context<any>,
  input: NamedInput & { ContinuationToken?: string | undefined },
  kind: K,
): Promise<{ all: Configuration<K>[]; page: object }> {
  const { reports } = (await bucketOfInput(ctx, input)).config;
  const { ContinuationToken: token } = input;
  const after = token === undefined ? "" : Buffer.from(token, "base64url").toString();
  const left = Object.entries<Configuration<K>>((reports?.[kind] ?? {}) as Record<string, Configuration<K>>)
    .filter(([id]) => id > after)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const shown = left.slice(0, REPORTS_PAGE);
  const last = shown.at(-1)?.[0];
  return {
    all: shown.map(([, configuration]) => configuration),
    page: {
      IsTruncated: left.length > shown.length,
      ...(token === undefined ? {} : { ContinuationToken: token }),
      ...(left.length > shown.length && last !== undefined
        ? { NextContinuationToken: Buffer.from(last).toString("base64url") }
        : {}),
    },
  };
}

const inXml = (id: string | undefined, given: { Id: string | undefined } | undefined): void => {
  if (!given || given.Id !== id) throw malformedXml();
};

function checkedAnalytics(input: S3.PutBucketAnalyticsConfigurationRequest): S3.AnalyticsConfiguration {
  const { Id: id, AnalyticsConfiguration: given } = input;
  inXml(id, given);
  const target = given?.StorageClassAnalysis?.DataExport?.Destination?.S3BucketDestination;
  if (!given?.StorageClassAnalysis) throw malformedXml();
  if (target) checkDestination(target.Bucket, target.Format, ["CSV"]);
  return given;
}

function checkedMetrics({ Id: id, MetricsConfiguration: given }: S3.PutBucketMetricsConfigurationRequest) {
  inXml(id, given);
  if (!given) throw malformedXml();
  return given;
}

const LEAST_DAYS: Readonly<Record<string, number>> = { ARCHIVE_ACCESS: 90, DEEP_ARCHIVE_ACCESS: 180 };

function checkedTiering(input: S3.PutBucketIntelligentTieringConfigurationRequest): S3.IntelligentTieringConfiguration {
  const { Id: id, IntelligentTieringConfiguration: given } = input;
  inXml(id, given);
  if (!given?.Tierings?.length || !/^(Enabled|Disabled)$/.test(String(given.Status))) throw malformedXml();
  for (const { AccessTier: tier, Days: days = 0 } of given.Tierings) {
    const least = LEAST_DAYS[String(tier)];
    if (least === undefined) throw malformedXml();
    if (days < least || days > 730)
      throw invalidArgument(`'Days' for ${tier} must be between ${least} and 730`, "Days", String(days));
  }
  return given;
}

const INVENTORY_FIELDS: readonly string[] = (
  "Size LastModifiedDate StorageClass ETag IsMultipartUploaded ReplicationStatus EncryptionStatus " +
  "ObjectLockRetainUntilDate ObjectLockMode ObjectLockLegalHoldStatus IntelligentTieringAccessTier BucketKeyStatus " +
  "ChecksumAlgorithm ObjectAccessControlList ObjectOwner LifecycleExpirationDate"
).split(" ");

function checkedInventory(input: S3.PutBucketInventoryConfigurationRequest): S3.InventoryConfiguration {
  const { Id: id, InventoryConfiguration: given } = input;
  if (!given) throw malformedXml();
  if (given.Id !== id)
    throw new AwsError("IdMismatch", "Document ID does not match the specified configuration ID.", 400);
  const { Destination: to, Schedule: schedule, IncludedObjectVersions: versions, OptionalFields: fields = [] } = given;
  const target = to?.S3BucketDestination;
  checkDestination(target?.Bucket, target?.Format, ["CSV", "ORC", "Parquet"]);
  const known =
    /^(Daily|Weekly)$/.test(String(schedule?.Frequency)) &&
    /^(All|Current)$/.test(String(versions)) &&
    fields.every((field) => INVENTORY_FIELDS.includes(field));
  if (!known) throw malformedXml();
  return given;
}

function checkDestination(arn: string | undefined, format: string | undefined, formats: readonly string[]): void {
  if (!/^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]+$/.test(String(arn)))
    throw new AwsError("InvalidS3DestinationBucket", "Invalid bucket ARN.", 400);
  if (!formats.includes(String(format))) throw malformedXml();
}

/** What is configured of a bucket's reports, by ids of the user's choice. The reports themselves are not made here. */
export const bucketReports = operations<typeof S3, any>()({
  PutBucketAnalyticsConfiguration: {
    permissions: onBucket("PutAnalyticsConfiguration"),
    run: (ctx, input) => put(ctx, input, "analytics", checkedAnalytics(input)),
  },
  GetBucketAnalyticsConfiguration: {
    permissions: onBucket("GetAnalyticsConfiguration"),
    run: async (ctx, input) => ({ AnalyticsConfiguration: await get(ctx, input, "analytics") }),
  },
  DeleteBucketAnalyticsConfiguration: {
    permissions: onBucket("PutAnalyticsConfiguration"),
    run: (ctx, input) => remove(ctx, input, "analytics"),
  },
  ListBucketAnalyticsConfigurations: {
    permissions: onBucket("GetAnalyticsConfiguration"),
    async run(ctx, input) {
      const { all, page } = await list(ctx, input, "analytics");
      return { ...page, AnalyticsConfigurationList: all };
    },
  },
  PutBucketMetricsConfiguration: {
    permissions: onBucket("PutMetricsConfiguration"),
    run: (ctx, input) => put(ctx, input, "metrics", checkedMetrics(input)),
  },
  GetBucketMetricsConfiguration: {
    permissions: onBucket("GetMetricsConfiguration"),
    run: async (ctx, input) => ({ MetricsConfiguration: await get(ctx, input, "metrics") }),
  },
  DeleteBucketMetricsConfiguration: {
    permissions: onBucket("PutMetricsConfiguration"),
    run: (ctx, input) => remove(ctx, input, "metrics"),
  },
  ListBucketMetricsConfigurations: {
    permissions: onBucket("GetMetricsConfiguration"),
    async run(ctx, input) {
      const { all, page } = await list(ctx, input, "metrics");
      return { ...page, MetricsConfigurationList: all };
    },
  },
  PutBucketIntelligentTieringConfiguration: {
    permissions: onBucket("PutIntelligentTieringConfiguration"),
    run: (ctx, input) => put(ctx, input, "tiering", checkedTiering(input)),
  },
  GetBucketIntelligentTieringConfiguration: {
    permissions: onBucket("GetIntelligentTieringConfiguration"),
    run: async (ctx, input) => ({ IntelligentTieringConfiguration: await get(ctx, input, "tiering") }),
  },
  DeleteBucketIntelligentTieringConfiguration: {
    permissions: onBucket("PutIntelligentTieringConfiguration"),
    run: (ctx, input) => remove(ctx, input, "tiering"),
  },
  ListBucketIntelligentTieringConfigurations: {
    permissions: onBucket("GetIntelligentTieringConfiguration"),
    async run(ctx, input) {
      const { all, page } = await list(ctx, input, "tiering");
      return { ...page, IntelligentTieringConfigurationList: all };
    },
  },
  PutBucketInventoryConfiguration: {
    permissions: onBucket("PutInventoryConfiguration"),
    run: (ctx, input) => put(ctx, input, "inventory", checkedInventory(input)),
  },
  GetBucketInventoryConfiguration: {
    permissions: onBucket("GetInventoryConfiguration"),
    run: async (ctx, input) => ({ InventoryConfiguration: await get(ctx, input, "inventory") }),
  },
  DeleteBucketInventoryConfiguration: {
    permissions: onBucket("PutInventoryConfiguration"),
    run: (ctx, input) => remove(ctx, input, "inventory"),
  },
  ListBucketInventoryConfigurations: {
    permissions: onBucket("GetInventoryConfiguration"),
    async run(ctx, input) {
      const { all, page } = await list(ctx, input, "inventory");
      return { ...page, InventoryConfigurationList: all };
    },
  },
});
