import type * as S3 from "@aws-sdk/client-s3";
import { asksFor } from "../../aws/authorize.ts";
import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import { aclAllows, aclsCount, aclTakesLogs, hasAcl, LOG_SERVICE } from "./acl.ts";
import { isPublicPolicy } from "./bucket-policy.ts";
import { accessDenied, invalidArgument } from "./errors.ts";
import { bucketArn, objectArn, type Bucket } from "./model.ts";
import { existingConditions, storingConditions, type StoringInput } from "./object-conditions.ts";
import { bucketOfInput } from "./store/buckets.ts";
import { findVersion } from "./store/objects.ts";

/** How the condition keys begin that tell the tags of an object. */
const EXISTING_TAG = "s3:existingobjecttag/";

interface BucketInput {
  readonly Bucket?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
}

interface ObjectInput extends BucketInput {
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
}

/** What the bucket itself says about a call: its policy, and whether its ACL lets this caller. */
function bySelf(ctx: Context<any>, bucket: Bucket): Pick<Permission, "resourcePolicy" | "owner"> {
  const { policy, publicAccessBlock, payer } = bucket.config;
  // Where requesters pay, each must say who they are.
  if (payer === "Requester" && ctx.principal.kind === "anonymous") throw accessDenied();
  // A public policy of a restricted bucket counts for nobody but the owner's account and services.
  const isOutside =
    ctx.principal.kind === "anonymous" ||
    (ctx.principal.kind !== "service" && ctx.principal.account !== bucket.account);
  const counts =
    policy !== undefined && !(publicAccessBlock?.RestrictPublicBuckets && isOutside && isPublicPolicy(policy));
  return { owner: bucket.account, ...(counts ? { resourcePolicy: policy } : {}) };
}

/** Permission for `action` on the bucket of the input; `acl` is the right in the bucket's ACL that suffices too. */
export function onBucket(action: string, acl?: S3.Permission, conditions?: (input: any) => Permission["conditions"]) {
  return async (input: BucketInput, ctx: Context<any>): Promise<Permission[]> => {
    const bucket = await bucketOfInput(ctx, input);
    return [bucketPermission(ctx, bucket, action, acl, conditions?.(input))];
  };
}

export function bucketPermission(
  ctx: Context<any>,
  bucket: Bucket,
  action: string,
  acl?: S3.Permission,
  conditions?: Permission["conditions"],
): Permission {
  const granted = acl !== undefined && aclAllows(bucket, bucket.config.grants, acl, ctx.principal.kind === "anonymous");
  return {
    action: `s3:${action}`,
    resource: bucketArn(bucket.name),
    granted,
    ...(conditions ? { conditions } : {}),
    ...bySelf(ctx, bucket),
  };
}

/** Permission for `action` (or `versioned`, where a version is named) on the object of the input. */
export function onObject(action: string, options: { versioned?: string; acl?: S3.Permission } = {}) {
  return async (input: ObjectInput, ctx: Context<any>): Promise<Permission[]> => {
    const bucket = await bucketOfInput(ctx, input);
    return [
      await objectPermission(
        ctx,
        bucket,
        input,
        input.VersionId !== undefined && options.versioned ? options.versioned : action,
        options.acl,
      ),
    ];
  };
}

export async function objectPermission(
  ctx: Context<any>,
  bucket: Bucket,
  input: ObjectInput & { readonly Tagging?: unknown },
  action: string,
  acl?: S3.Permission,
): Promise<Permission> {
  const key = String(input.Key);
  const self = bySelf(ctx, bucket);
  const isNew = action === "PutObject" || action.includes("Multipart");
  const counts = !isNew && ((acl !== undefined && aclsCount(bucket)) || (await asksFor(ctx, self, EXISTING_TAG)));
  const version = counts ? await findVersion(ctx, bucket.name, key, input.VersionId) : undefined;
  const conditions = existingConditions(version, input);
  // Of what is not there the bucket's own list decides: who may read that learns that there is no such key.
  const grants = version ? version.facts.grants : bucket.config.grants;
  const granted =
    acl !== undefined && aclAllows(bucket, grants, version ? acl : "READ", ctx.principal.kind === "anonymous");
  return {
    action: `s3:${action}`,
    resource: objectArn(bucket.name, key),
    granted,
    ...(conditions ? { conditions } : {}),
    ...self,
  };
}

/** Permissions to store an object, with what the input sets of it besides its content. */
export async function storing(input: ObjectInput & StoringInput, ctx: Context<any>): Promise<Permission[]> {
  const bucket = await bucketOfInput(ctx, input);
  const anonymous = ctx.principal.kind === "anonymous";
  const deliversLogs = ctx.principal.kind === "service" && ctx.principal.service === LOG_SERVICE;
  // Policies for AWS's services that deliver ask for this list, and allow PutObject alone.
  const givesToOwner = ctx.principal.kind === "service" && input.ACL === "bucket-owner-full-control";
  const conditions = storingConditions(input);
  const on = (action: string): Permission => ({
    action: `s3:${action}`,
    resource: objectArn(bucket.name, String(input.Key)),
    // Who may write by the bucket's list owns what they write, and says who else may have it.
    granted:
      /^PutObject(Acl)?$/.test(action) &&
      (aclAllows(bucket, bucket.config.grants, "WRITE", anonymous) || (deliversLogs && aclTakesLogs(bucket))),
    ...(conditions ? { conditions } : {}),
    ...bySelf(ctx, bucket),
  });
  return [
    on("PutObject"),
    ...(hasAcl(input) && !givesToOwner ? [on("PutObjectAcl")] : []),
    ...(input.Tagging ? [on("PutObjectTagging")] : []),
    ...(input.ObjectLockMode ? [on("PutObjectRetention")] : []),
    ...(input.ObjectLockLegalHoldStatus ? [on("PutObjectLegalHold")] : []),
  ];
}

/** Conditions that list operations can be restricted by. */
export const listConditions = (input: {
  Prefix?: string;
  Delimiter?: string;
  MaxKeys?: number;
}): Permission["conditions"] => ({
  "s3:prefix": input.Prefix ?? "",
  "s3:delimiter": input.Delimiter,
  "s3:max-keys": input.MaxKeys === undefined ? undefined : String(input.MaxKeys),
});

/** Where a copy comes from: `bucket/key?versionId=…`, encoded, with or without a leading slash, or an ARN. */
export function copySource(source: string | undefined): { bucket: string; key: string; version?: string } {
  const text = String(source);
  const mark = text.lastIndexOf("?versionId=");
  const wrong = (): Error =>
    invalidArgument("Invalid copy source object key", "x-amz-copy-source", "x-amz-copy-source");
  try {
    const encoded = mark < 0 ? text : text.slice(0, mark);
    // A URL with the bucket in its path is taken too: a bucket's name has no colon.
    const path = decodeURIComponent(encoded.replaceAll("+", " "))
      .replace(/^https?:\/\/[^/]+/, "")
      .replace(/^\//, "")
      .replace(/^arn:aws:s3:::/, "");
    const slash = path.indexOf("/");
    if (slash <= 0 || slash === path.length - 1) throw wrong();
    const version = mark < 0 ? {} : { version: decodeURIComponent(text.slice(mark + "?versionId=".length)) };
    return { bucket: path.slice(0, slash), key: path.slice(slash + 1), ...version };
  } catch {
    throw wrong();
  }
}

/** Permissions of a copy: to read the source, to store the target. */
export async function copying(input: ObjectInput & StoringInput, ctx: Context<any>): Promise<Permission[]> {
  const from = copySource(input.CopySource);
  const source = await bucketOfInput(ctx, {
    Bucket: from.bucket,
    ExpectedBucketOwner: (input as { ExpectedSourceBucketOwner?: string }).ExpectedSourceBucketOwner,
  });
  const sourceInput = { Key: from.key, ...(from.version === undefined ? {} : { VersionId: from.version }) };
  const read = await objectPermission(
    ctx,
    source,
    sourceInput,
    from.version === undefined ? "GetObject" : "GetObjectVersion",
    "READ",
  );
  return [read, ...(await storing(input, ctx))];
}
