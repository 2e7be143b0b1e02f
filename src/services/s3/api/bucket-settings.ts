import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError, notImplemented } from "../../../kernel/aws-error.ts";
import { aclOutput, allowedGrants, cannedGrants, hasAcl } from "../acl.ts";
import { checkedPolicy, isPublicPolicy } from "../bucket-policy.ts";
import { checkedCors } from "../cors.ts";
import { accessDenied, invalidRequest, malformedXml } from "../errors.ts";
import { testEvent } from "../events.ts";
import { checkedLifecycle } from "../lifecycle.ts";
import { canonicalId, OWNERSHIPS, type Bucket, type BucketConfig } from "../model.ts";
import { checkDestinations, checkedNotification, refuseUnreachable } from "../notifications.ts";
import { onBucket } from "../permissions.ts";
import { bucketOfInput, changeConfig } from "../store/buckets.ts";
import { retagged, systemTags } from "../tags.ts";
import { checkedWebsite } from "../website.ts";

type Key = keyof BucketConfig;

interface BucketInput {
  readonly Bucket?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
}

/** What is set of a bucket, or AWS's error for what is not. */
async function setting<K extends Key>(
  ctx: Context<any>,
  input: BucketInput,
  key: K,
  code: string,
  message: string,
): Promise<NonNullable<BucketConfig[K]>> {
  return settingOf(await bucketOfInput(ctx, input), key, code, message);
}

function settingOf<K extends Key>(
  { name, config }: Bucket,
  key: K,
  code: string,
  message: string,
): NonNullable<BucketConfig[K]> {
  const value = config[key];
  if (value === undefined) throw new AwsError(code, message, 404, { BucketName: name });
  return value as NonNullable<BucketConfig[K]>;
}

async function set(
  ctx: Context<any>,
  input: BucketInput,
  make: (bucket: Bucket) => Partial<BucketConfig>,
): Promise<{}> {
  await changeConfig(ctx, input, (config, bucket) => ({ ...config, ...make(bucket) }));
  return {};
}

async function unset(ctx: Context<any>, input: BucketInput, key: Key): Promise<{}> {
  await changeConfig(ctx, input, ({ [key]: _gone, ...rest }) => rest as BucketConfig);
  return {};
}

async function setTags(
  ctx: Context<any>,
  input: BucketInput,
  make: (before: BucketConfig["tags"]) => S3.Tag[],
): Promise<{}> {
  await changeConfig(ctx, input, ({ tags: before, ...rest }) => {
    const tags = make(before);
    return tags.length > 0 ? { ...rest, tags } : rest;
  });
  return {};
}

const NO_POLICY = ["NoSuchBucketPolicy", "The bucket policy does not exist"] as const;
const NO_CORS = ["NoSuchCORSConfiguration", "The CORS configuration does not exist"] as const;
const NO_WEBSITE = [
  "NoSuchWebsiteConfiguration",
  "The specified bucket does not have a website configuration",
] as const;
const NO_OWNERSHIP = ["OwnershipControlsNotFoundError", "The bucket ownership controls were not found"] as const;
const NO_TAGS = ["NoSuchTagSet", "The TagSet does not exist"] as const;
const NO_LIFECYCLE = ["NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"] as const;
/** Objects below 128 KiB are not moved to another class, whichever it is. */
const USUAL_MINIMUM = "all_storage_classes_128K";
const NO_BLOCK = [
  "NoSuchPublicAccessBlockConfiguration",
  "The public access block configuration was not found",
] as const;

export const bucketSettings = operations<typeof S3, any>()({
  GetBucketVersioning: {
    permissions: onBucket("GetBucketVersioning"),
    async run(ctx, input) {
      const { versioning } = (await bucketOfInput(ctx, input)).config;
      return versioning ? { Status: versioning } : {};
    },
  },
  PutBucketVersioning: {
    permissions: onBucket("PutBucketVersioning"),
    async run(ctx, input) {
      const status = input.VersioningConfiguration?.Status;
      if (status !== undefined && status !== "Enabled" && status !== "Suspended") throw malformedXml();
      if (status === undefined) {
        throw new AwsError("IllegalVersioningConfigurationException", "The Versioning element must be specified", 400);
      }
      if (input.VersioningConfiguration?.MFADelete === "Enabled") throw notImplemented("MFA delete");
      return set(ctx, input, ({ config }) => {
        if (config.objectLock && status === "Suspended")
          throw new AwsError(
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
            409,
          );
        return { versioning: status };
      });
    },
  },
  GetBucketPolicy: {
    permissions: onBucket("GetBucketPolicy"),
    run: async (ctx, input) => ({ Policy: await setting(ctx, input, "policy", ...NO_POLICY) }),
  },
  PutBucketPolicy: {
    permissions: onBucket("PutBucketPolicy"),
    async run(ctx, input) {
      return set(ctx, input, (bucket) => {
        const policy = checkedPolicy(String(input.Policy), bucket.name);
        if (bucket.config.publicAccessBlock?.BlockPublicPolicy && isPublicPolicy(policy)) {
          throw accessDenied(
            `User is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::${bucket.name}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`,
          );
        }
        return { policy };
      });
    },
  },
  DeleteBucketPolicy: { permissions: onBucket("DeleteBucketPolicy"), run: (ctx, input) => unset(ctx, input, "policy") },
  GetBucketPolicyStatus: {
    permissions: onBucket("GetBucketPolicyStatus"),
    run: async (ctx, input) => ({
      PolicyStatus: { IsPublic: isPublicPolicy(await setting(ctx, input, "policy", ...NO_POLICY)) },
    }),
  },
  GetPublicAccessBlock: {
    permissions: onBucket("GetBucketPublicAccessBlock"),
    run: async (ctx, input) => ({
      PublicAccessBlockConfiguration: await setting(ctx, input, "publicAccessBlock", ...NO_BLOCK),
    }),
  },
  PutPublicAccessBlock: {
    permissions: onBucket("PutBucketPublicAccessBlock"),
    async run(ctx, input) {
      const wanted = input.PublicAccessBlockConfiguration;
      if (!wanted) throw malformedXml();
      if (Object.values(wanted).every((value) => value === undefined))
        throw invalidRequest("Must specify at least one configuration.");
      const publicAccessBlock = {
        BlockPublicAcls: wanted.BlockPublicAcls ?? false,
        IgnorePublicAcls: wanted.IgnorePublicAcls ?? false,
        BlockPublicPolicy: wanted.BlockPublicPolicy ?? false,
        RestrictPublicBuckets: wanted.RestrictPublicBuckets ?? false,
      };
      return set(ctx, input, () => ({ publicAccessBlock }));
    },
  },
  DeletePublicAccessBlock: {
    permissions: onBucket("PutBucketPublicAccessBlock"),
    run: (ctx, input) => unset(ctx, input, "publicAccessBlock"),
  },
  GetBucketOwnershipControls: {
    permissions: onBucket("GetBucketOwnershipControls"),
    async run(ctx, input) {
      const ownership = await setting(ctx, input, "ownership", ...NO_OWNERSHIP);
      return { OwnershipControls: { Rules: [{ ObjectOwnership: ownership }] } };
    },
  },
  PutBucketOwnershipControls: {
    permissions: onBucket("PutBucketOwnershipControls"),
    async run(ctx, input) {
      const rules = input.OwnershipControls?.Rules ?? [];
      const ownership = rules[0]?.ObjectOwnership;
      if (rules.length !== 1 || !ownership || !OWNERSHIPS.includes(ownership)) throw malformedXml();
      return set(ctx, input, ({ config }) => {
        if (ownership === "BucketOwnerEnforced" && config.grants?.some(({ grantee }) => "uri" in grantee)) {
          throw new AwsError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            400,
          );
        }
        return { ownership };
      });
    },
  },
  DeleteBucketOwnershipControls: {
    permissions: onBucket("PutBucketOwnershipControls"),
    run: (ctx, input) => unset(ctx, input, "ownership"),
  },
  GetBucketAcl: {
    permissions: onBucket("GetBucketAcl", "READ_ACP"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const owner = canonicalId(bucket.account);
      return aclOutput(owner, bucket.config.grants ?? cannedGrants("private", owner));
    },
  },
  PutBucketAcl: {
    permissions: onBucket("PutBucketAcl", "WRITE_ACP"),
    async run(ctx, input) {
      return set(ctx, input, (bucket) => {
        const grants = allowedGrants(bucket, input, canonicalId(bucket.account));
        if (!grants && !hasAcl(input)) {
          throw new AwsError("MissingSecurityHeader", "Your request was missing a required header", 400, {
            MissingHeaderName: "x-amz-acl",
          });
        }
        return grants ? { grants } : {};
      });
    },
  },
  GetBucketCors: {
    permissions: onBucket("GetBucketCORS"),
    run: async (ctx, input) => ({ CORSRules: [...(await setting(ctx, input, "cors", ...NO_CORS))] }),
  },
  PutBucketCors: {
    permissions: onBucket("PutBucketCORS"),
    run: async (ctx, input) => {
      const cors = checkedCors(input.CORSConfiguration?.CORSRules);
      return set(ctx, input, () => ({ cors }));
    },
  },
  DeleteBucketCors: { permissions: onBucket("PutBucketCORS"), run: (ctx, input) => unset(ctx, input, "cors") },
  GetBucketWebsite: {
    permissions: onBucket("GetBucketWebsite"),
    run: (ctx, input) => setting(ctx, input, "website", ...NO_WEBSITE),
  },
  PutBucketWebsite: {
    permissions: onBucket("PutBucketWebsite"),
    run: async (ctx, input) => {
      const website = checkedWebsite(input.WebsiteConfiguration);
      return set(ctx, input, () => ({ website }));
    },
  },
  DeleteBucketWebsite: {
    permissions: onBucket("DeleteBucketWebsite"),
    run: (ctx, input) => unset(ctx, input, "website"),
  },
  GetBucketTagging: {
    permissions: onBucket("GetBucketTagging"),
    run: async (ctx, input) => ({ TagSet: [...(await setting(ctx, input, "tags", ...NO_TAGS))] }),
  },
  PutBucketTagging: {
    permissions: onBucket("PutBucketTagging"),
    run: (ctx, input) => setTags(ctx, input, (all) => retagged(all, input.Tagging?.TagSet, ctx.once !== undefined)),
  },
  DeleteBucketTagging: {
    permissions: onBucket("PutBucketTagging"),
    run: (ctx, input) => setTags(ctx, input, (all) => (ctx.once === undefined ? systemTags(all) : [])),
  },
  GetBucketEncryption: {
    permissions: onBucket("GetEncryptionConfiguration"),
    async run(ctx, input) {
      const { encryption } = (await bucketOfInput(ctx, input)).config;
      const standard = {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" as const }, BucketKeyEnabled: false }],
      };
      return { ServerSideEncryptionConfiguration: encryption ?? standard };
    },
  },
  PutBucketEncryption: {
    permissions: onBucket("PutEncryptionConfiguration"),
    async run(ctx, input) {
      const encryption = checkedEncryption(input.ServerSideEncryptionConfiguration);
      return set(ctx, input, () => ({ encryption }));
    },
  },
  DeleteBucketEncryption: {
    permissions: onBucket("PutEncryptionConfiguration"),
    run: (ctx, input) => unset(ctx, input, "encryption"),
  },
  GetBucketNotificationConfiguration: {
    permissions: onBucket("GetBucketNotification"),
    run: async (ctx, input) => (await bucketOfInput(ctx, input)).config.notification ?? {},
  },
  PutBucketNotificationConfiguration: {
    permissions: onBucket("PutBucketNotification"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const notification = checkedNotification(ctx, bucket, input.NotificationConfiguration ?? {});
      refuseUnreachable(ctx, notification);
      if (!input.SkipDestinationValidation) await checkDestinations(ctx, bucket, notification, testEvent(ctx, bucket));
      return set(ctx, input, () => ({ notification }));
    },
  },
  GetBucketLifecycleConfiguration: {
    permissions: onBucket("GetLifecycleConfiguration"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const rules = settingOf(bucket, "lifecycle", ...NO_LIFECYCLE);
      const { minimumSize } = bucket.config;
      return { Rules: rules.map(readRule), TransitionDefaultMinimumObjectSize: minimumSize ?? USUAL_MINIMUM };
    },
  },
  PutBucketLifecycleConfiguration: {
    permissions: onBucket("PutLifecycleConfiguration"),
    async run(ctx, input) {
      const lifecycle = checkedLifecycle(input.LifecycleConfiguration?.Rules);
      const minimumSize = input.TransitionDefaultMinimumObjectSize ?? USUAL_MINIMUM;
      if (minimumSize !== USUAL_MINIMUM && minimumSize !== "varies_by_storage_class")
        throw invalidRequest(`Invalid TransitionDefaultMinimumObjectSize found: ${String(minimumSize).slice(0, 200)}`);
      await set(ctx, input, () => ({ lifecycle, minimumSize }));
      return { TransitionDefaultMinimumObjectSize: minimumSize };
    },
  },
  DeleteBucketLifecycle: {
    permissions: onBucket("PutLifecycleConfiguration"),
    run: (ctx, input) => unset(ctx, input, "lifecycle"),
  },
  GetBucketReplication: {
    permissions: onBucket("GetReplicationConfiguration"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      throw new AwsError("ReplicationConfigurationNotFoundError", "The replication configuration was not found", 404, {
        BucketName: bucket.name,
      });
    },
  },
});

function checkedEncryption(
  encryption: S3.ServerSideEncryptionConfiguration | undefined,
): S3.ServerSideEncryptionConfiguration {
  const rule = encryption?.Rules?.[0];
  if (!encryption || !rule || encryption.Rules?.length !== 1) throw malformedXml();
  const standard = rule.ApplyServerSideEncryptionByDefault;
  if (standard?.KMSMasterKeyID !== undefined && !standard.SSEAlgorithm?.startsWith("aws:kms"))
    throw new AwsError(
      "InvalidArgument",
      "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
      400,
      { ArgumentName: "ApplyServerSideEncryptionByDefault" },
    );
  return { ...encryption, Rules: [{ ...rule, BucketKeyEnabled: rule.BucketKeyEnabled ?? false }] };
}

/** A stored rule has its dates as text. */
function readRule(rule: S3.LifecycleRule): S3.LifecycleRule {
  const dated = <T extends { Date?: Date | undefined }>(action: T): T =>
    action.Date === undefined ? action : { ...action, Date: new Date(action.Date) };
  return {
    ...rule,
    ...(rule.Expiration ? { Expiration: dated(rule.Expiration) } : {}),
    ...(rule.Transitions ? { Transitions: rule.Transitions.map(dated) } : {}),
  };
}
