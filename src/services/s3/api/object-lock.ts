import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import type { Bucket, ObjectVersion } from "../model.ts";
import {
  checkBypass,
  checkChange,
  checkedBucketLock,
  checkedHold,
  checkedRetention,
  mayBypass,
  needsLock,
  type ObjectLock,
} from "../object-lock.ts";
import { onBucket, onObject } from "../permissions.ts";
import { bucketOfInput, changeConfig } from "../store/buckets.ts";
import { changeFacts } from "../store/objects.ts";
import { readable } from "./objects.ts";

interface VersionInput {
  readonly Bucket?: string | undefined;
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
}

async function lockable(
  ctx: Context<any>,
  input: VersionInput,
  method: "GET" | "PUT",
): Promise<{ bucket: Bucket; version: ObjectVersion }> {
  const bucket = await bucketOfInput(ctx, input);
  needsLock(bucket);
  return { bucket, version: await readable(ctx, bucket, input, method) };
}

async function lockOf<K extends keyof ObjectLock>(
  ctx: Context<any>,
  input: VersionInput,
  part: K,
): Promise<NonNullable<ObjectLock[K]>> {
  const { version } = await lockable(ctx, input, "GET");
  const found = version.facts.lock?.[part];
  if (found === undefined)
    throw new AwsError(
      "NoSuchObjectLockConfiguration",
      "The specified object does not have a ObjectLock configuration",
      404,
    );
  return found;
}

/** Object Lock: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html */
export const objectLock = operations<typeof S3, any>()({
  GetObjectLockConfiguration: {
    permissions: onBucket("GetBucketObjectLockConfiguration"),
    async run(ctx, input) {
      const { name, config } = await bucketOfInput(ctx, input);
      if (!config.objectLock)
        throw new AwsError(
          "ObjectLockConfigurationNotFoundError",
          "Object Lock configuration does not exist for this bucket",
          404,
          { BucketName: name },
        );
      const { defaultRetention } = config.objectLock;
      return {
        ObjectLockConfiguration: {
          ObjectLockEnabled: "Enabled",
          ...(defaultRetention ? { Rule: { DefaultRetention: defaultRetention } } : {}),
        },
      };
    },
  },
  PutObjectLockConfiguration: {
    permissions: onBucket("PutBucketObjectLockConfiguration"),
    async run(ctx, input) {
      const lock = checkedBucketLock(input.ObjectLockConfiguration);
      await changeConfig(ctx, input, (config) => {
        if (config.versioning !== "Enabled")
          throw new AwsError(
            "InvalidBucketState",
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            409,
          );
        return { ...config, objectLock: lock };
      });
      return {};
    },
  },
  GetObjectRetention: {
    permissions: onObject("GetObjectRetention"),
    async run(ctx, input) {
      const { mode, until } = await lockOf(ctx, input, "retention");
      return { Retention: { Mode: mode, RetainUntilDate: new Date(until) } };
    },
  },
  PutObjectRetention: {
    permissions: onObject("PutObjectRetention"),
    async run(ctx, input) {
      const { bucket, version } = await lockable(ctx, input, "PUT");
      checkBypass(bucket, input);
      const next = checkedRetention(input.Retention, ctx.now());
      const bypass = await mayBypass(ctx, bucket, input);
      await changeFacts(ctx, version, (facts) => {
        checkChange(facts, next, ctx.now(), bypass);
        const { retention: _old, ...lock } = facts.lock ?? {};
        return { ...facts, lock: { ...lock, ...(next ? { retention: next } : {}) } };
      });
      return {};
    },
  },
  GetObjectLegalHold: {
    permissions: onObject("GetObjectLegalHold"),
    run: async (ctx, input) => ({ LegalHold: { Status: await lockOf(ctx, input, "legalHold") } }),
  },
  PutObjectLegalHold: {
    permissions: onObject("PutObjectLegalHold"),
    async run(ctx, input) {
      const legalHold = checkedHold(input.LegalHold);
      const { version } = await lockable(ctx, input, "PUT");
      await changeFacts(ctx, version, (facts) => ({ ...facts, lock: { ...facts.lock, legalHold } }));
      return {};
    },
  },
});
