import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { Statement } from "../../../ports/database.ts";
import { grantsOf, hasAcl, isPublicGrant } from "../acl.ts";
import { MAX_BUCKETS } from "../limits.ts";
import { bucketArn, canonicalId, inSeconds, isBucketName, newBucketConfig, OWNERSHIPS, type Bucket } from "../model.ts";
import { onBucket } from "../permissions.ts";
import { bucketOfInput, findBucket, insertBucket, listBuckets, removeBucket } from "../store/buckets.ts";
import { endUpload, listParts, listUploads } from "../store/uploads.ts";
import { checkedTags } from "../tags.ts";

const HOME_REGION = "us-east-1";
/** What eu-west-1 was called once: who asks for a bucket there by this name reads it back. */
const OLD_EUROPE = "EU";
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** The region that a new bucket goes to, as AWS reads it off the endpoint and the constraint. */
function regionOf(ctx: Context<any>, constraint: string | undefined): string {
  if (constraint === undefined || constraint === "") {
    if (ctx.region === HOME_REGION) return HOME_REGION;
    throw new AwsError(
      "IllegalLocationConstraintException",
      "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
      400,
    );
  }
  const region = constraint === OLD_EUROPE ? "eu-west-1" : constraint;
  if ((!REGION.test(region) || region === HOME_REGION) && ctx.region === HOME_REGION) {
    throw new AwsError("InvalidLocationConstraint", "The specified location-constraint is not valid", 400, {
      LocationConstraint: constraint,
    });
  }
  // A client of us-east-1 may make buckets anywhere.
  if (region !== ctx.region && ctx.region !== HOME_REGION) {
    throw new AwsError(
      "IllegalLocationConstraintException",
      `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
      400,
    );
  }
  return region;
}

/** A bucket of the account's own namespace in a region ends with both: https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html */
function checkNamespace(name: string, namespace: string | undefined, place: string): void {
  if (namespace !== "account-regional" || name.endsWith(`-${place}-an`)) return;
  const message = `The name of a bucket in the account regional namespace must end with -${place}-an.`;
  throw new AwsError("InvalidBucketNamespace", message, 400, { BucketName: name });
}

const notRegion = (name: string): AwsError =>
  new AwsError("InvalidArgument", `Argument value ${name.slice(0, 200)} is not a valid AWS Region`, 400, {
    ArgumentName: "bucket-region",
  });

/** `LocationConstraint` of a bucket; the oldest region has none. */
const location = (bucket: Bucket): S3.BucketLocationConstraint | undefined =>
  bucket.region === HOME_REGION
    ? undefined
    : (((bucket.config.oldEurope && OLD_EUROPE) || bucket.region) as S3.BucketLocationConstraint); // any region that the bucket was made in

export const buckets = operations<typeof S3, any>()({
  CreateBucket: {
    permissions: (input) => [
      {
        action: "s3:CreateBucket",
        resource: bucketArn(String(input.Bucket)),
        conditions: { "s3:LocationConstraint": input.CreateBucketConfiguration?.LocationConstraint },
      },
      ...(hasAcl(input) ? [{ action: "s3:PutBucketAcl", resource: bucketArn(String(input.Bucket)) }] : []),
      ...(input.ObjectOwnership
        ? [{ action: "s3:PutBucketOwnershipControls", resource: bucketArn(String(input.Bucket)) }]
        : []),
      ...(input.ObjectLockEnabledForBucket
        ? ["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"].map((action) => ({
            action,
            resource: bucketArn(String(input.Bucket)),
          }))
        : []),
    ],
    async run(ctx, input) {
      const name = String(input.Bucket);
      if (!isBucketName(name))
        throw new AwsError("InvalidBucketName", "The specified bucket is not valid.", 400, { BucketName: name });
      const region = regionOf(ctx, input.CreateBucketConfiguration?.LocationConstraint);
      checkNamespace(name, input.BucketNamespace, `${ctx.account}-${region}`);
      const owner = canonicalId(ctx.account);
      if (input.ObjectOwnership !== undefined && !OWNERSHIPS.includes(input.ObjectOwnership))
        throw new AwsError(
          "InvalidArgument",
          `Invalid x-amz-object-ownership header: ${input.ObjectOwnership.slice(0, 200)}`,
          400,
          { ArgumentName: "x-amz-object-ownership" },
        );
      const base = newBucketConfig(input.ObjectOwnership);
      const grants = grantsOf(input, owner);
      if (grants && base.ownership === "BucketOwnerEnforced" && grants.some(({ grantee }) => !("id" in grantee))) {
        throw new AwsError(
          "InvalidBucketAclWithObjectOwnership",
          "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
          400,
        );
      }
      if (grants?.some(isPublicGrant)) {
        throw new AwsError(
          "InvalidBucketAclWithBlockPublicAccessError",
          "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
          400,
        );
      }
      const tags = input.CreateBucketConfiguration?.Tags;
      const config = {
        ...base,
        ...(grants ? { grants } : {}),
        ...(input.CreateBucketConfiguration?.LocationConstraint === OLD_EUROPE ? { oldEurope: true as const } : {}),
        ...(input.ObjectLockEnabledForBucket ? { objectLock: {}, versioning: "Enabled" as const } : {}),
        ...(tags?.length ? { tags: checkedTags(tags, "new bucket") } : {}),
      };
      const have = await listBuckets(ctx, { limit: MAX_BUCKETS });
      if (have.length >= MAX_BUCKETS)
        throw new AwsError("TooManyBuckets", "You have attempted to create more buckets than allowed", 400);
      if (!(await insertBucket(ctx, name, region, config))) await refuseExisting(ctx, name, !tags?.length);
      return {
        Location: region === HOME_REGION ? `/${name}` : `http://${name}.s3.amazonaws.com/`,
        BucketArn: bucketArn(name),
      };
    },
  },
  HeadBucket: {
    permissions: onBucket("ListBucket", "READ"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      return { BucketRegion: bucket.region, BucketArn: bucketArn(bucket.name), AccessPointAlias: false };
    },
  },
  DeleteBucket: {
    permissions: onBucket("DeleteBucket"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      if (await removeBucket(ctx, bucket.name, await endAllUploads(ctx, bucket.name))) return {};
      const message = bucket.config.versioning
        ? "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        : "The bucket you tried to delete is not empty";
      throw new AwsError("BucketNotEmpty", message, 409, { BucketName: bucket.name });
    },
  },
  ListBuckets: {
    permissions: () => [{ action: "s3:ListAllMyBuckets", resource: "*" }],
    async run(ctx, input) {
      const limit = input.MaxBuckets ?? MAX_BUCKETS;
      if (input.BucketRegion !== undefined && !REGION.test(input.BucketRegion)) throw notRegion(input.BucketRegion);
      const after =
        input.ContinuationToken === undefined
          ? undefined
          : Buffer.from(input.ContinuationToken, "base64url").toString();
      const found = await listBuckets(ctx, {
        ...(input.Prefix === undefined ? {} : { prefix: input.Prefix }),
        ...(after === undefined ? {} : { after }),
        limit: MAX_BUCKETS,
      });
      const inRegion = found.filter(
        (bucket) => input.BucketRegion === undefined || bucket.region === input.BucketRegion,
      );
      const page = inRegion.slice(0, limit);
      const last = page.at(-1);
      const paged = [input.MaxBuckets, input.BucketRegion, input.ContinuationToken, input.Prefix].some(
        (said) => said !== undefined,
      );
      return {
        Owner: { ID: canonicalId(ctx.account) },
        Buckets: page.map((bucket) => ({
          Name: bucket.name,
          CreationDate: inSeconds(bucket.createdAt),
          ...(paged ? { BucketRegion: bucket.region, BucketArn: bucketArn(bucket.name) } : {}),
        })),
        ...(input.Prefix === undefined ? {} : { Prefix: input.Prefix }),
        ...(last && inRegion.length > page.length
          ? { ContinuationToken: Buffer.from(last.name).toString("base64url") }
          : {}),
      };
    },
  },
  GetBucketLocation: {
    permissions: onBucket("GetBucketLocation"),
    run: async (ctx, input) => ({ LocationConstraint: location(await bucketOfInput(ctx, input)) }),
  },
});

/** Uploads that were never completed go with their bucket. */
async function endAllUploads(ctx: Context<any>, bucket: string): Promise<Statement[]> {
  const uploads = await listUploads(ctx, bucket, { where: "1 = 1", parameters: [], limit: 10_000 });
  const statements: Statement[] = [];
  for (const upload of uploads) statements.push(...endUpload(upload, await listParts(ctx, upload.id), ctx.now()));
  return statements;
}

/** Tells the owner of a name from others; in us-east-1 making one's own bucket again is no error. */
async function refuseExisting(ctx: Context<any>, name: string, mayRepeat: boolean): Promise<void> {
  const existing = await findBucket(ctx, name);
  if (existing?.account !== ctx.account) {
    throw new AwsError(
      "BucketAlreadyExists",
      "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
      409,
      { BucketName: name },
    );
  }
  if (existing.region === HOME_REGION && ctx.region === HOME_REGION && mayRepeat) return;
  throw new AwsError(
    "BucketAlreadyOwnedByYou",
    "Your previous request to create the named bucket succeeded and you already own it.",
    409,
    { BucketName: name },
  );
}
