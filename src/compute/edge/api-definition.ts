import type { Properties, ResourceContext } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { readWithin } from "../../kernel/read-within.ts";

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const MAX_DEFINITION = 6 * 1024 * 1024;

/**
 * The OpenAPI document that the template holds (`Body`), or that it names in S3 (`BodyS3Location`), read as whoever deploys;
 * undefined where it does neither.
 */
export async function apiDefinition(ctx: ResourceContext, properties: Properties): Promise<Buffer | undefined> {
  const { Body, BodyS3Location } = properties as {
    Body?: unknown;
    BodyS3Location?: { Bucket: string; Key: string; Version?: string; Etag?: string; ETag?: string };
  };
  if (Body !== undefined) return Buffer.from(typeof Body === "string" ? Body : JSON.stringify(Body));
  if (!BodyS3Location) return undefined;
  const { Bucket, Key, Version, ETag = BodyS3Location.Etag } = BodyS3Location; // REST APIs write it in one way, HTTP APIs in the other
  const which = { ...(Version ? { VersionId: Version } : {}), ...(ETag ? { IfMatch: ETag } : {}) };
  const answer = await ctx.call("s3", "GetObject", { Bucket, Key, ...which });
  const tooLong = () =>
    new AwsError(
      "BadRequestException",
      `The definition s3://${Bucket}/${Key} is larger than ${MAX_DEFINITION} bytes`,
      400,
    );
  return readWithin(answer.Body as AsyncIterable<Buffer>, MAX_DEFINITION, tooLong);
}
