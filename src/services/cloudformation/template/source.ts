import type { Readable } from "node:stream";
import type { Context } from "../../../aws/context.ts";
import { MAX_INLINE_BYTES, MAX_TEMPLATE_BYTES } from "../../../engines/cloudformation/index.ts";
import { codeOf, messageOf } from "../../../kernel/aws-error.ts";
import { readWithin } from "../../../kernel/read-within.ts";
import { validation } from "../errors.ts";

/** The text of a template that a call gives inline or in a bucket; `undefined` where it gives none. */
export async function templateText(
  ctx: Context<any>,
  body: string | undefined,
  url: string | undefined,
): Promise<string | undefined> {
  if (body !== undefined && url !== undefined)
    throw validation("Only one of TemplateBody or TemplateURL may be specified.");
  if (body !== undefined) {
    if (Buffer.byteLength(body) > MAX_INLINE_BYTES) {
      throw validation(
        `1 validation error detected: Value '${body}' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${MAX_INLINE_BYTES}`,
      );
    }
    return body;
  }
  return url === undefined ? undefined : readUrl(ctx, url, MAX_TEMPLATE_BYTES);
}

/** Reads an object that a URL names: of our own S3 only, with the caller's permissions. */
export async function readUrl(ctx: Context<any>, url: string, limit: number): Promise<string> {
  const place = s3Place(ctx, url);
  try {
    return await readObject(ctx, place, limit);
  } catch (error) {
    if (codeOf(error) === "ValidationError") throw error;
    const more = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html";
    throw validation(`S3 error: ${messageOf(error)}\n${more}`);
  }
}

interface Place {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId?: string;
}

export async function readObject(ctx: Context<any>, place: Place, limit: number): Promise<string> {
  const { Body, ContentLength } = await ctx.call("s3", "GetObject", { ...place });
  const body = Body as unknown as Readable | Uint8Array | string | undefined;
  const tooLong = (): Error => validation(`Template may not exceed ${limit} bytes in size.`);
  if ((ContentLength ?? 0) > limit) {
    if (body && typeof body === "object" && "destroy" in body) body.destroy();
    throw tooLong();
  }
  if (body === undefined) return "";
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString("utf8");
  return (await readWithin(body, limit, tooLong)).toString("utf8");
}

const PATH_STYLE = /^s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.(?:amazonaws\.com|localhost)$/;
const VIRTUAL = /^(.+?)\.s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.(?:amazonaws\.com|localhost)$/;

function s3Place(ctx: Context<any>, text: string): Place {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw validation("TemplateURL must be a supported URL.");
  }
  if (url.protocol === "s3:")
    throw validation(`S3 error: Domain name specified in ${url.hostname} is not a valid S3 domain`);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw validation("TemplateURL must be a supported URL.");
  const path = decodePath(url.pathname);
  const version = url.searchParams.get("versionId");
  const rest = version ? { VersionId: version } : {};
  const virtual = VIRTUAL.exec(url.hostname);
  if (virtual) return { Bucket: virtual[1]!, Key: path, ...rest };
  const slash = path.indexOf("/");
  const own = new Set(["localhost", "127.0.0.1", "[::1]", new URL(ctx.platform.settings.publicUrl).hostname]);
  if (slash <= 0 || !(PATH_STYLE.test(url.hostname) || own.has(url.hostname))) {
    throw validation("TemplateURL must be a supported URL.");
  }
  return { Bucket: path.slice(0, slash), Key: path.slice(slash + 1), ...rest };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path.slice(1));
  } catch {
    throw validation("TemplateURL must be a supported URL.");
  }
}
