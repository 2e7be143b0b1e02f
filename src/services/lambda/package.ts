import { Readable } from "node:stream";
import type { Context } from "../../aws/context.ts";
import { MAX_UNZIPPED } from "../../compute/lambda/code-store.ts";
import { AwsError, messageOf } from "../../kernel/aws-error.ts";
import { MAX_ZIP_BYTES } from "./limits.ts";
import { invalidParameter } from "./model.ts";
import type { LambdaState } from "./state.ts";

/** Where a deployment package comes from. */
export interface CodeInput {
  readonly ZipFile?: Uint8Array | undefined;
  readonly S3Bucket?: string | undefined;
  readonly S3Key?: string | undefined;
  readonly S3ObjectVersion?: string | undefined;
  readonly ImageUri?: string | undefined;
}

/** Stores and unpacks a deployment package; answers its digest and size. Throws in Lambda's words for a bad one. */
export async function storePackage(
  ctx: Context<LambdaState>,
  code: CodeInput | undefined,
): Promise<{ codeDigest: string; codeSize: number }> {
  if (code?.ImageUri)
    throw new AwsError("NotImplemented", "Starling does not implement container images for functions yet.", 501);
  const content = code?.ZipFile ? inline(code.ZipFile) : await fromS3(ctx, code);
  // What comes from S3 is measured by what is in it.
  const maxBytes = code?.ZipFile ? MAX_ZIP_BYTES : MAX_UNZIPPED;
  const { digest, size } = await ctx.platform.blobs.put(content, { maxBytes }).catch((error: unknown) => {
    if ((error as Error).name !== "BlobTooBig") throw error;
    if (!code?.ZipFile) throw invalidParameter(`Unzipped size must be smaller than ${MAX_UNZIPPED} bytes`);
    throw new AwsError(
      "RequestEntityTooLargeException",
      `Zipped size must be smaller than ${MAX_ZIP_BYTES} bytes`,
      413,
    );
  });
  await ctx.state.code.unpacked(digest, ctx.platform.blobs.file(digest));
  return { codeDigest: digest, codeSize: size };
}

function inline(zip: Uint8Array): Uint8Array {
  if (zip.length === 0) throw invalidParameter("Uploaded file must be a non-empty zip");
  return zip;
}

async function fromS3(ctx: Context<LambdaState>, code: CodeInput | undefined): Promise<Readable | Uint8Array> {
  if (!code?.S3Bucket || !code.S3Key) throw invalidParameter("Please provide a source for function code.");
  const input = {
    Bucket: code.S3Bucket,
    Key: code.S3Key,
    ...(code.S3ObjectVersion ? { VersionId: code.S3ObjectVersion } : {}),
  };
  try {
    const { Body } = await ctx.call("s3", "GetObject", input);
    return typeof Body === "string" ? Buffer.from(Body) : ((Body ?? Buffer.alloc(0)) as Readable | Uint8Array);
  } catch (error) {
    const code_ = error instanceof AwsError ? error.code : "InternalError";
    const message = `Error occurred while GetObject. S3 Error Code: ${code_}. S3 Error Message: ${messageOf(error)}`;
    throw code_ === "AccessDenied"
      ? new AwsError(
          "AccessDeniedException",
          `Your access has been denied by S3, please make sure your request credentials have permission to GetObject for ${code.S3Bucket}/${code.S3Key}. ${message}`,
          403,
        )
      : invalidParameter(message);
  }
}
