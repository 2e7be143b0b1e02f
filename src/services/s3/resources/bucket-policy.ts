import { policyText } from "../../../aws/policy-text.ts";
import type { Properties, ResourceContext, ResourceType } from "../../../aws/service.ts";
import { codeOf } from "../../../kernel/aws-error.ts";

const bucketOf = (properties: Properties): string => String(properties["Bucket"]);

async function put(ctx: ResourceContext, properties: Properties): Promise<void> {
  const document: unknown = properties["PolicyDocument"];
  const Policy = policyText(document);
  await ctx.call("s3", "PutBucketPolicy", { Bucket: bucketOf(properties), Policy });
}

export const s3BucketPolicy: ResourceType = {
  type: "AWS::S3::BucketPolicy",

  async create(ctx, properties) {
    await put(ctx, properties);
    return bucketOf(properties);
  },

  async update(ctx, _id, next) {
    await put(ctx, next);
  },

  async remove(ctx, id) {
    try {
      await ctx.call("s3", "DeleteBucketPolicy", { Bucket: id });
    } catch (error) {
      if (codeOf(error) !== "NoSuchBucket") throw error;
    }
  },
};
