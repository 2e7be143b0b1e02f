import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { ANSWER_STATUS } from "../../../aws/protocol/encode-response.ts";
import { AwsError, codeOf, notImplemented } from "../../../kernel/aws-error.ts";
import { aclOutput, allowedGrants, cannedGrants, hasAcl } from "../acl.ts";
import { restoration } from "../archive.ts";
import { methodNotAllowed, noSuchKey } from "../errors.ts";
import { objectEvents } from "../events.ts";
import type { Bucket, ObjectFacts, ObjectVersion } from "../model.ts";
import { onObject } from "../permissions.ts";
import { bucketOfInput } from "../store/buckets.ts";
import { changeFacts, findVersion } from "../store/objects.ts";
import { checkedTags } from "../tags.ts";
import { readable } from "./objects.ts";

/** Tags and access control lists of objects, and their way out of the archive. */
export const objectSettings = operations<typeof S3, any>()({
  GetObjectTagging: {
    permissions: onObject("GetObjectTagging", { versioned: "GetObjectVersionTagging" }),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const version = await taggable(ctx, bucket, input, "GET");
      return {
        TagSet: [...(version.facts.tags ?? [])],
        ...(bucket.config.versioning ? { VersionId: version.version } : {}),
      };
    },
  },
  PutObjectTagging: {
    permissions: onObject("PutObjectTagging", { versioned: "PutObjectVersionTagging" }),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const version = await taggable(ctx, bucket, input, "PUT");
      const tags = checkedTags(input.Tagging?.TagSet, "object");
      await changeFacts(
        ctx,
        version,
        (facts) => withTags(facts, tags),
        (changed) => objectEvents(ctx, bucket, changed, "ObjectTagging:Put"),
      );
      return bucket.config.versioning ? { VersionId: version.version } : {};
    },
  },
  DeleteObjectTagging: {
    permissions: onObject("DeleteObjectTagging", { versioned: "DeleteObjectVersionTagging" }),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const version = await taggable(ctx, bucket, input, "DELETE");
      await changeFacts(
        ctx,
        version,
        (facts) => withTags(facts, []),
        (changed) => objectEvents(ctx, bucket, changed, "ObjectTagging:Delete"),
      );
      return bucket.config.versioning ? { VersionId: version.version } : {};
    },
  },
  GetObjectAcl: {
    permissions: onObject("GetObjectAcl", { versioned: "GetObjectVersionAcl", acl: "READ_ACP" }),
    async run(ctx, input) {
      const version = await readable(ctx, await bucketOfInput(ctx, input), input);
      return aclOutput(version.facts.owner, version.facts.grants ?? cannedGrants("private", version.facts.owner));
    },
  },
  PutObjectAcl: {
    permissions: onObject("PutObjectAcl", { versioned: "PutObjectVersionAcl", acl: "WRITE_ACP" }),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const version = await readable(ctx, bucket, input, "PUT");
      const grants = allowedGrants(bucket, input, version.facts.owner);
      const tell = (changed: ObjectVersion) => objectEvents(ctx, bucket, changed, "ObjectAcl:Put");
      if (grants) await changeFacts(ctx, version, (facts) => ({ ...facts, grants }), tell);
      else if (!hasAcl(input)) {
        throw new AwsError("MissingSecurityHeader", "Your request was missing a required header", 400, {
          MissingHeaderName: "x-amz-acl",
        });
      }
      return {};
    },
  },
  RestoreObject: {
    permissions: onObject("RestoreObject"),
    async run(ctx, input) {
      const bucket = await bucketOfInput(ctx, input);
      const version = await readable(ctx, bucket, input, "POST");
      const { Days: days, Type: type, OutputLocation: output } = input.RestoreRequest ?? {};
      if (type === "SELECT" || output) throw notImplemented("RestoreObject with S3 Select");
      const { until, again } = restoration(version, days, ctx.now());
      // AWS takes minutes to hours to fetch the copy; here it is there with the answer.
      await changeFacts(
        ctx,
        version,
        (facts) => ({ ...facts, restoredUntil: until }),
        (changed) =>
          again
            ? []
            : [
                ...objectEvents(ctx, bucket, changed, "ObjectRestore:Post"),
                ...objectEvents(ctx, bucket, changed, "ObjectRestore:Completed"),
              ],
      );
      return (again ? {} : { [ANSWER_STATUS]: 202 }) as S3.RestoreObjectCommandOutput;
    },
  },
});

/** The version whose tags a call is about; a delete marker has none. */
async function taggable(
  ctx: Context<any>,
  bucket: Bucket,
  input: { Key?: string | undefined; VersionId?: string | undefined },
  method: string,
): Promise<ObjectVersion> {
  const key = String(input.Key);
  const found = await findVersion(ctx, bucket.name, key, input.VersionId);
  if (found?.marker) throw methodNotAllowed(method);
  return readable(ctx, bucket, input, method).catch((error: unknown) => {
    // So S3 names it here, and here only.
    throw method === "GET" && codeOf(error) === "NoSuchKey" ? noSuchKey(`${bucket.name}/${key}`) : error;
  });
}

function withTags({ tags: _old, ...facts }: ObjectFacts, tags: readonly S3.Tag[]): ObjectFacts {
  return tags.length > 0 ? { ...facts, tags } : facts;
}
