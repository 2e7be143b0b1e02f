import type { Properties, ResourceContext, ResourceType, Tag } from "../../../aws/service.ts";
import { AwsError, codeOf } from "../../../kernel/aws-error.ts";

const HOME_REGION = "us-east-1";
/** `AccessControl` of a template, and the canned ACL that it means. */
const CANNED: Readonly<Record<string, string>> = {
  Private: "private",
  PublicRead: "public-read",
  PublicReadWrite: "public-read-write",
  AuthenticatedRead: "authenticated-read",
  LogDeliveryWrite: "log-delivery-write",
  BucketOwnerRead: "bucket-owner-read",
  BucketOwnerFullControl: "bucket-owner-full-control",
  AwsExecRead: "aws-exec-read",
};

type Call = (service: "s3", operation: string, input: object) => Promise<any>;
const caller = (ctx: ResourceContext): Call => (ctx.call as Call).bind(ctx);

/** One setting of a bucket: the property that says it, how it is put, and how it is taken away. */
interface Setting {
  readonly property: string;
  readonly put: (value: any, properties: Properties) => readonly [operation: string, input: object];
  readonly remove?: string | readonly [operation: string, input: object];
}

const SETTINGS: readonly Setting[] = [
  {
    property: "PublicAccessBlockConfiguration",
    // The operation refuses a configuration that says nothing; of a template it means that nothing is blocked.
    put: (value) => [
      "PutPublicAccessBlock",
      { PublicAccessBlockConfiguration: { BlockPublicAcls: false, ...(value as object) } },
    ],
    remove: "DeletePublicAccessBlock",
  },
  {
    property: "OwnershipControls",
    put: (value) => ["PutBucketOwnershipControls", { OwnershipControls: { Rules: value.Rules } }],
    remove: "DeleteBucketOwnershipControls",
  },
  {
    property: "AccessControl",
    put: (value) => ["PutBucketAcl", { ACL: CANNED[value] }],
    remove: ["PutBucketAcl", { ACL: "private" }],
  },
  {
    property: "VersioningConfiguration",
    put: (value) => ["PutBucketVersioning", { VersioningConfiguration: { Status: value.Status } }],
    remove: ["PutBucketVersioning", { VersioningConfiguration: { Status: "Suspended" } }],
  },
  {
    property: "BucketEncryption",
    put: (value) => ["PutBucketEncryption", { ServerSideEncryptionConfiguration: { Rules: encryptionRules(value) } }],
    remove: "DeleteBucketEncryption",
  },
  {
    property: "CorsConfiguration",
    put: (value) => ["PutBucketCors", { CORSConfiguration: { CORSRules: corsRules(value) } }],
    remove: "DeleteBucketCors",
  },
  {
    property: "WebsiteConfiguration",
    put: (value) => ["PutBucketWebsite", { WebsiteConfiguration: website(value) }],
    remove: "DeleteBucketWebsite",
  },
  {
    property: "LifecycleConfiguration",
    put: (value) => [
      "PutBucketLifecycleConfiguration",
      {
        LifecycleConfiguration: { Rules: (value.Rules ?? []).map(lifecycleRule) },
        TransitionDefaultMinimumObjectSize: value.TransitionDefaultMinimumObjectSize,
      },
    ],
    remove: "DeleteBucketLifecycle",
  },
  {
    property: "ObjectLockConfiguration",
    put: (value) => ["PutObjectLockConfiguration", { ObjectLockConfiguration: objectLock(value) }],
    remove: ["PutObjectLockConfiguration", { ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" } }],
  },
  {
    property: "LoggingConfiguration",
    put: (value, { BucketName: own }) => [
      "PutBucketLogging",
      { BucketLoggingStatus: { LoggingEnabled: logging(value, own) } },
    ],
    remove: ["PutBucketLogging", { BucketLoggingStatus: {} }],
  },
  {
    property: "AccelerateConfiguration",
    put: (value) => [
      "PutBucketAccelerateConfiguration",
      { AccelerateConfiguration: { Status: value.AccelerationStatus } },
    ],
    remove: ["PutBucketAccelerateConfiguration", { AccelerateConfiguration: { Status: "Suspended" } }],
  },
  {
    property: "NotificationConfiguration",
    put: (value) => ["PutBucketNotificationConfiguration", { NotificationConfiguration: notification(value) }],
    remove: ["PutBucketNotificationConfiguration", { NotificationConfiguration: {} }],
  },
];

function objectLock({ ObjectLockEnabled, Rule }: any): object {
  const { Mode, Days, Years } = Rule?.DefaultRetention ?? {};
  const DefaultRetention = { Mode, Days: numberOf(Days), Years: numberOf(Years) };
  return { ObjectLockEnabled: ObjectLockEnabled ?? "Enabled", ...(Rule ? { Rule: { DefaultRetention } } : {}) };
}

/** Without a destination a bucket takes its own logs. */
const logging = (value: any, own: unknown): object => ({
  TargetBucket: value.DestinationBucketName ?? own,
  TargetPrefix: value.LogFilePrefix ?? "",
  ...(value.TargetObjectKeyFormat ? { TargetObjectKeyFormat: value.TargetObjectKeyFormat } : {}),
});

function encryptionRules(value: any): object[] {
  return (value.ServerSideEncryptionConfiguration ?? []).map((rule: any) => ({
    BucketKeyEnabled: rule.BucketKeyEnabled,
    ApplyServerSideEncryptionByDefault: rule.ServerSideEncryptionByDefault,
  }));
}

function corsRules(value: any): object[] {
  return (value.CorsRules ?? []).map((rule: any) => ({
    ID: rule.Id,
    AllowedHeaders: rule.AllowedHeaders,
    AllowedMethods: rule.AllowedMethods,
    AllowedOrigins: rule.AllowedOrigins,
    ExposeHeaders: rule.ExposedHeaders,
    MaxAgeSeconds: rule.MaxAge === undefined ? undefined : Number(rule.MaxAge),
  }));
}

const numberOf = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));

/** CloudFormation still takes the class by its oldest name. */
const storageClass = (name: string): string => (name === "Glacier" ? "GLACIER" : name);

const transition = (one: any): object => ({
  Days: numberOf(one.TransitionInDays),
  Date: one.TransitionDate === undefined ? undefined : new Date(one.TransitionDate),
  StorageClass: storageClass(one.StorageClass),
});

function lifecycleRule(rule: any): object {
  const later =
    rule.NoncurrentVersionTransitions ??
    (rule.NoncurrentVersionTransition ? [rule.NoncurrentVersionTransition] : undefined);
  const transitions = rule.Transitions ?? (rule.Transition ? [rule.Transition] : undefined);
  const noncurrent =
    rule.NoncurrentVersionExpiration ??
    (rule.NoncurrentVersionExpirationInDays === undefined
      ? undefined
      : { NoncurrentDays: rule.NoncurrentVersionExpirationInDays });
  const expires =
    rule.ExpirationInDays !== undefined ||
    rule.ExpirationDate !== undefined ||
    rule.ExpiredObjectDeleteMarker !== undefined;
  return {
    ID: rule.Id,
    Status: rule.Status,
    Filter: {
      And: {
        Prefix: rule.Prefix,
        Tags: rule.TagFilters,
        ObjectSizeGreaterThan: numberOf(rule.ObjectSizeGreaterThan),
        ObjectSizeLessThan: numberOf(rule.ObjectSizeLessThan),
      },
    },
    ...(transitions ? { Transitions: transitions.map(transition) } : {}),
    ...(later
      ? {
          NoncurrentVersionTransitions: later.map((one: any) => ({
            NoncurrentDays: numberOf(one.TransitionInDays),
            NewerNoncurrentVersions: numberOf(one.NewerNoncurrentVersions),
            StorageClass: storageClass(one.StorageClass),
          })),
        }
      : {}),
    ...(expires
      ? {
          Expiration: {
            Days: numberOf(rule.ExpirationInDays),
            Date: rule.ExpirationDate === undefined ? undefined : new Date(rule.ExpirationDate),
            ExpiredObjectDeleteMarker:
              rule.ExpiredObjectDeleteMarker === undefined
                ? undefined
                : String(rule.ExpiredObjectDeleteMarker) === "true",
          },
        }
      : {}),
    ...(noncurrent
      ? {
          NoncurrentVersionExpiration: {
            NoncurrentDays: numberOf(noncurrent.NoncurrentDays),
            NewerNoncurrentVersions: numberOf(noncurrent.NewerNoncurrentVersions),
          },
        }
      : {}),
    ...(rule.AbortIncompleteMultipartUpload
      ? {
          AbortIncompleteMultipartUpload: {
            DaysAfterInitiation: numberOf(rule.AbortIncompleteMultipartUpload.DaysAfterInitiation),
          },
        }
      : {}),
  };
}

function website(value: any): object {
  const rules = value.RoutingRules?.map((rule: any) => ({
    Condition: rule.RoutingRuleCondition,
    Redirect: rule.RedirectRule,
  }));
  return {
    ...(value.IndexDocument ? { IndexDocument: { Suffix: value.IndexDocument } } : {}),
    ...(value.ErrorDocument ? { ErrorDocument: { Key: value.ErrorDocument } } : {}),
    ...(value.RedirectAllRequestsTo ? { RedirectAllRequestsTo: value.RedirectAllRequestsTo } : {}),
    ...(rules ? { RoutingRules: rules } : {}),
  };
}

function notification(value: any): object {
  const list = (name: string, configs: any[] | undefined, target: (config: any) => object): object =>
    configs?.length
      ? { [name]: configs.map((c) => ({ ...target(c), Events: [c.Event], ...keyFilter(c.Filter) })) }
      : {};
  const enabled = value.EventBridgeConfiguration?.EventBridgeEnabled;
  return {
    ...(value.EventBridgeConfiguration && String(enabled ?? true) !== "false" ? { EventBridgeConfiguration: {} } : {}),
    ...list("TopicConfigurations", value.TopicConfigurations, (c) => ({ TopicArn: c.Topic })),
    ...list("QueueConfigurations", value.QueueConfigurations, (c) => ({ QueueArn: c.Queue })),
    ...list("LambdaFunctionConfigurations", value.LambdaConfigurations, (c) => ({ LambdaFunctionArn: c.Function })),
  };
}

const keyFilter = (filter: any): object =>
  filter ? { Filter: { Key: { FilterRules: filter.S3Key?.Rules ?? [] } } } : {};

/**
 * A template that asks for a public ACL and says nothing of ownership was written before AWS closed new buckets by
 * default; it gets the bucket that it was written for.
 */
function withOldDefaults(properties: Properties): Properties {
  const acl = properties["AccessControl"];
  if (acl === undefined || acl === "Private" || properties["OwnershipControls"]) return properties;
  const block = properties["PublicAccessBlockConfiguration"] ?? {};
  return {
    ...properties,
    OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
    PublicAccessBlockConfiguration: block,
  };
}

function refuseUnknownAcl(properties: Properties): void {
  const acl = properties["AccessControl"];
  if (acl !== undefined && CANNED[acl] === undefined)
    throw new AwsError("ValidationError", `${acl} is not a valid AccessControl`, 400);
}

async function apply(ctx: ResourceContext, name: string, next: Properties, previous: Properties): Promise<void> {
  const call = caller(ctx);
  for (const { property, put, remove } of SETTINGS) {
    const [wanted, had] = [wish(property, next), wish(property, previous)];
    if (JSON.stringify(wanted) === JSON.stringify(had)) continue;
    if (wanted !== undefined) {
      const [operation, input] = put(wanted, { ...next, BucketName: name });
      await call("s3", operation, { Bucket: name, ...input });
    } else if (remove) {
      const [operation, input] = typeof remove === "string" ? [remove, {}] : remove;
      await call("s3", operation, { Bucket: name, ...input });
    }
  }
}

const isTrue = (value: unknown): boolean => value === true || value === "true";

/** `Private` is what a bucket is: to ask for it must not need a bucket that takes ACLs. */
const wish = (property: string, { [property]: value }: Properties): any =>
  property === "AccessControl" && value === "Private" ? undefined : value;

async function tag(
  ctx: ResourceContext,
  name: string,
  tags: readonly Tag[] | undefined,
  before: readonly Tag[] = [],
): Promise<void> {
  await ctx.withStackTags(tags, async (all) => {
    if (all.length === 0 && before.length > 0) await caller(ctx)("s3", "DeleteBucketTagging", { Bucket: name });
    if (all.length > 0) await caller(ctx)("s3", "PutBucketTagging", { Bucket: name, Tagging: { TagSet: all } });
  });
}

export const s3Bucket: ResourceType = {
  type: "AWS::S3::Bucket",
  refuses: {
    AbacStatus: ["Disabled"],
    AnalyticsConfigurations: [],
    "BucketEncryption.ServerSideEncryptionConfiguration.BlockedEncryptionTypes.EncryptionType": ["NONE"],
    BucketNamePrefix: [],
    BucketNamespace: ["global"],
    IntelligentTieringConfigurations: [],
    InventoryConfigurations: [],
    MetadataConfiguration: [],
    MetadataTableConfiguration: [],
    MetricsConfigurations: [],
    "ObjectLockConfiguration.Rule.DefaultRetention.DefaultEventHold": [],
    ReplicationConfiguration: [],
  },

  async create(ctx, given) {
    refuseUnknownAcl(given);
    const properties = withOldDefaults(given);
    const name = String(properties["BucketName"] ?? ctx.physicalName({ maxLength: 63, lowerCase: true }));
    try {
      const where = ctx.region === HOME_REGION ? {} : { CreateBucketConfiguration: { LocationConstraint: ctx.region } };
      // In us-east-1 making one's own bucket again is no error: a template must not take over a bucket that is there.
      if (!ctx.retried && (await exists(ctx, name)))
        throw new AwsError("BucketAlreadyOwnedByYou", `${name} already exists`, 409);
      const lock = isTrue(properties["ObjectLockEnabled"]) ? { ObjectLockEnabledForBucket: true } : {};
      await caller(ctx)("s3", "CreateBucket", { Bucket: name, ...where, ...lock });
    } catch (error) {
      if (!ctx.retried || codeOf(error) !== "BucketAlreadyOwnedByYou") throw error;
    }
    await apply(ctx, name, properties, {});
    await tag(ctx, name, given["Tags"]);
    return name;
  },

  async update(ctx, id, next, previous) {
    refuseUnknownAcl(next);
    const locks = isTrue(next["ObjectLockEnabled"]) && !isTrue(previous["ObjectLockEnabled"]);
    if (locks) next = { ...next, ObjectLockConfiguration: next["ObjectLockConfiguration"] ?? {} };
    await apply(ctx, id, withOldDefaults(next), withOldDefaults(previous));
    await tag(ctx, id, next["Tags"], previous["Tags"]);
  },

  async remove(ctx, id) {
    try {
      await caller(ctx)("s3", "DeleteBucket", { Bucket: id });
    } catch (error) {
      if (codeOf(error) !== "NoSuchBucket") throw error;
    }
  },

  async attributes(ctx, id) {
    const local = ctx.platform.settings.publicUrl;
    const { host, protocol } = new URL(local);
    return {
      Arn: `arn:aws:s3:::${id}`,
      DomainName: `${id}.s3.amazonaws.com`,
      RegionalDomainName: `${id}.s3.${ctx.region}.amazonaws.com`,
      DualStackDomainName: `${id}.s3.dualstack.${ctx.region}.amazonaws.com`,
      WebsiteURL: `${protocol}//${id}.s3-website-${ctx.region}.${host}`,
    };
  },
};

async function exists(ctx: ResourceContext, name: string): Promise<boolean> {
  try {
    await caller(ctx)("s3", "GetBucketLocation", { Bucket: name });
    return true;
  } catch (error) {
    // A role that may make buckets but not look at them finds out when it makes this one.
    if (codeOf(error) === "NoSuchBucket" || codeOf(error) === "AccessDenied") return false;
    throw error;
  }
}
