import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Transform, type Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import type { Context } from "../../aws/context.ts";
import type { Principal } from "../../aws/principal.ts";
import { headersOf } from "../../aws/protocol/encode-response.ts";
import { decodeRequest, encodeError } from "../../aws/protocol/index.ts";
import { parseXml } from "../../aws/protocol/xml-parser.ts";
import { escapeXml } from "../../aws/protocol/xml-writer.ts";
import { bucketOfS3Host, isPathStyleHost } from "../../aws/route-s3.ts";
import type { Route } from "../../aws/service.ts";
import { s3SignatureMismatch, unknownAccessKey } from "../../aws/sigv4-errors.ts";
import { signingKey } from "../../aws/sigv4-canonical.ts";
import { leaveUnread } from "../../aws/unread-body.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { corsAnswer } from "./cors.ts";
import { accessDenied, invalidArgument, malformedXml } from "./errors.ts";
import { isBucketName } from "./model.ts";
import { SENT_AS_FORM } from "./object-facts.ts";
import { checkPostPolicy, parsePostPolicy, type PostPolicy } from "./post-policy.ts";
import { findBucket } from "./store/buckets.ts";

/** All that comes before the file, in bytes: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html */
const MAX_FIELDS_BYTES = 20 * 1024;
const MAX_FIELDS = 200;
const AUDIENCE = { protocol: "restXml", service: "s3" } as const;

interface Form {
  /** Fields before the file, by their names in lower case. */
  readonly fields: Map<string, string>;
  readonly file: Readable;
}

/** A file that a browser sends with a form, to a bucket by host or by path. */
export const formUploadRoute: Route<any, { bucket: string }> = {
  name: "s3-form",
  match({ method, host, path, headers, publicHost }) {
    if (method !== "POST" || !/^multipart\/form-data\b/i.test(headers["content-type"] ?? "")) return undefined;
    const inHost = bucketOfS3Host(host, publicHost);
    const bucket = inHost ?? (isPathStyleHost(host, publicHost) ? /^\/([^/]+)\/?$/.exec(path)?.[1] : undefined);
    const isOurs = bucket !== undefined && isBucketName(bucket) && (inHost === undefined || path === "/");
    return isOurs ? { bucket } : undefined;
  },
  async handle(ctx, { bucket }, request, response) {
    const cors = await corsOf(ctx, bucket, request);
    try {
      const form = await readForm(request);
      const { status, headers, body } = await upload(ctx, bucket, form);
      response.writeHead(status, { ...cors, ...headers, "x-amz-request-id": ctx.requestId }).end(body);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      if (!(error instanceof AwsError))
        ctx.platform.log.error("a form upload failed", { bucket, requestId: ctx.requestId, error });
      const model = ctx.registry.models.load("s3");
      const answer = encodeError(model, "restXml", error, ctx.requestId, { method: "POST" });
      response.writeHead(answer.status, { ...cors, ...answer.headers, connection: "close" });
      response.write(String(answer.body ?? ""));
      await leaveUnread(request);
      response.end();
    }
  },
};

async function corsOf(ctx: Context<any>, name: string, { headers }: IncomingMessage): Promise<Record<string, string>> {
  if (headers.origin === undefined) return {};
  const bucket = await findBucket(ctx, name);
  return (bucket && corsAnswer(bucket.config.cors, headers.origin, "POST")) ?? {};
}

/** Reads the fields up to the file, which is left to be streamed. */
function readForm(request: IncomingMessage): Promise<Form> {
  const malformed = (why: string): AwsError =>
    new AwsError(
      "MalformedPOSTRequest",
      `The body of your POST request is not well-formed multipart/form-data. ${why}`,
      400,
    );
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    let size = 0;
    const fail = (error: AwsError): void => {
      request.unpipe(parser);
      reject(error);
    };
    let parser: BusboyInstance;
    try {
      parser = new Busboy({
        headers: request.headers as { "content-type": string },
        isPartAFile: (name) => name?.toLowerCase() === "file",
        limits: { fieldSize: MAX_FIELDS_BYTES, fields: MAX_FIELDS, headerPairs: 20 },
      });
    } catch (error) {
      return reject(malformed((error as Error).message));
    }
    parser.on("field", (name, value) => {
      size += Buffer.byteLength(name) + Buffer.byteLength(value);
      if (size > MAX_FIELDS_BYTES || fields.size >= MAX_FIELDS)
        return fail(
          new AwsError(
            "MaxPostPreDataLengthExceeded",
            "Your POST request fields preceding the upload file were too large.",
            400,
            {
              MaxPostPreDataLengthBytes: String(MAX_FIELDS_BYTES),
            },
          ),
        );
      fields.set(name.toLowerCase(), value);
    });
    // Nothing else ends the wait for a file that never comes.
    request.once("close", () => request.complete || fail(malformed("The client went away.")));
    let isOpen = true;
    parser.on("file", (_name, file, filename) => {
      if (!isOpen) return void file.resume(); // S3 takes one
      isOpen = false;
      const key = fields.get("key");
      if (key !== undefined && filename) fields.set("key", key.replaceAll("${filename}", filename));
      file.on("error", () => {}); // whoever reads it is told, and nobody may be reading
      const broken = (): void => void file.destroy(new Error("the client went away"));
      request.once("close", () => request.complete || broken());
      resolve({ fields, file });
    });
    parser.on("error", (error: Error) => fail(malformed(error.message)));
    parser.on("finish", () =>
      fail(
        new AwsError("InvalidArgument", "POST requires exactly one file upload per request.", 400, {
          ArgumentName: "file",
          ArgumentValue: "0",
        }),
      ),
    );
    request.pipe(parser);
  });
}

async function upload(ctx: Context<any>, bucket: string, { fields, file }: Form) {
  const key = fields.get("key");
  if (key === "") throw invalidArgument("User key must have a length greater than 0.", "key", "");
  if (key === undefined)
    throw invalidArgument(
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
      "key",
      "",
    );
  fields.set("bucket", bucket); // what a policy says of it is meant of the URL's
  const { principal, policy } = await signerOf(ctx, fields);
  if (policy) checkPostPolicy(policy, fields, ctx.now());
  const input = await inputOf(ctx, bucket, key, fields, bounded(file, policy?.length));
  const caller = ctx.as(principal);
  const stored = await caller.call("s3", "PutObject", input);
  const shape = ctx.registry.models.load("s3").operation("PutObject")!.output;
  return answerOf(ctx, { bucket, key, etag: String(stored.ETag), headers: headersOf(shape, { ...stored }) }, fields);
}

/** Fields of each signature, in the order in which they are missed. */
const OF_NEW = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"] as const;
const OF_OLD = ["AWSAccessKeyId", "Signature"] as const;

/** Whose signature the policy has. Without a policy the form is a stranger's. */
async function signerOf(
  ctx: Context<any>,
  fields: ReadonlyMap<string, string>,
): Promise<{ principal: Principal; policy?: PostPolicy }> {
  const [encoded, credential, oldKey] = [
    fields.get("policy"),
    fields.get("x-amz-credential"),
    fields.get("awsaccesskeyid"),
  ];
  const needs = (name: string): AwsError =>
    invalidArgument(
      `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
      name,
      "",
    );
  const has = (name: string): boolean => fields.has(name.toLowerCase());
  if (encoded === undefined) {
    if (credential ?? oldKey) throw needs("policy");
    return { principal: ctx.principal };
  }
  const missing = [...(OF_NEW.some(has) ? OF_NEW : []), ...(OF_OLD.some(has) ? OF_OLD : [])].find((name) => !has(name));
  if (missing !== undefined) throw needs(missing);
  const signature = fields.get(credential === undefined ? "signature" : "x-amz-signature");
  if (signature === undefined) throw accessDenied();
  const [accessKeyId = "", date = "", region = "", service = "", end] = (credential ?? oldKey!).split("/");
  if (credential !== undefined) {
    if (fields.get("x-amz-algorithm") !== "AWS4-HMAC-SHA256")
      throw invalidArgument(
        "Only AWS4-HMAC-SHA256 is supported.",
        "x-amz-algorithm",
        fields.get("x-amz-algorithm") ?? "",
      );
    if (!/^\d{8}$/.test(date) || service !== "s3" || end !== "aws4_request")
      throw invalidArgument(
        'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
        "x-amz-credential",
        credential,
      );
  }
  const found = await ctx.platform.identity.credentials(accessKeyId, fields.get("x-amz-security-token"));
  if (!found) throw unknownAccessKey(AUDIENCE, accessKeyId);
  const [expected, given] =
    credential === undefined
      ? [createHmac("sha1", found.secret).update(encoded).digest(), Buffer.from(signature, "base64")]
      : [
          createHmac("sha256", signingKey(found.secret, date, region, service))
            .update(encoded)
            .digest(),
          Buffer.from(signature, "hex"),
        ];
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw s3SignatureMismatch({ accessKeyId, signature, stringToSign: encoded });
  return { principal: found.principal, policy: parsePostPolicy(encoded) };
}

/** Ends with S3's error where the file has fewer or more bytes than the policy lets it have. */
function bounded(file: Readable, length: PostPolicy["length"]): Readable {
  if (!length) return file;
  let size = 0;
  const wrong = (code: string, message: string): AwsError =>
    new AwsError(code, message, 400, {
      ProposedSize: String(size),
      ...(code === "EntityTooSmall" ? { MinSizeAllowed: String(length.min) } : { MaxSizeAllowed: String(length.max) }),
    });
  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > length.max)
        return done(wrong("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"));
      done(null, chunk);
    },
    flush(done) {
      done(
        size < length.min
          ? wrong("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
          : null,
      );
    },
  });
  checked.on("error", () => file.unpipe(checked)); // as above: a refused upload is read by nobody
  file.once("error", (error) => checked.destroy(error));
  return file.pipe(checked);
}

/** A form's fields are what a client would send as headers of PutObject. */
async function inputOf(
  ctx: Context<any>,
  bucket: string,
  key: string,
  fields: ReadonlyMap<string, string>,
  stream: Readable,
): Promise<Record<string, unknown>> {
  const model = ctx.registry.models.load("s3");
  const operation = model.operation("PutObject")!;
  const headers: Record<string, string> = Object.fromEntries(fields);
  const { acl, tagging } = headers;
  if (acl !== undefined) headers["x-amz-acl"] = acl;
  if (tagging !== undefined) headers["x-amz-tagging"] = taggingHeader(tagging);
  for (const name of ["x-amz-security-token", "content-length", "content-md5"]) delete headers[name];
  const wire = { method: "PUT", path: "/", rawQuery: "", query: new URLSearchParams(), headers, stream, body: noBody };
  const route = { model, operation, protocol: "restXml", labels: { Bucket: bucket, Key: key } } as const;
  return { ...(await decodeRequest(route, wire)), [SENT_AS_FORM]: true };
}

const noBody = (): never => {
  throw new Error("the content of a form is streamed");
};

function xmlOf(text: string): ReturnType<typeof parseXml> {
  try {
    return parseXml(text);
  } catch {
    throw malformedXml();
  }
}

/** `<Tagging><TagSet><Tag><Key>..` as the header has it. */
function taggingHeader(xml: string): string {
  const root = xmlOf(xml);
  // Other XML has no tags, which is no mistake.
  if (root?.name !== "Tagging") return "";
  const tags = root.children.flatMap((set) => set.children);
  const part = (tag: (typeof tags)[number], name: string): string =>
    tag.children.find((child) => child.name === name)?.text ?? "";
  return new URLSearchParams(tags.map((tag): [string, string] => [part(tag, "Key"), part(tag, "Value")])).toString();
}

interface Stored {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  /** What the answer to PutObject says in its head: version, encryption, checksum. */
  readonly headers: Record<string, string>;
}

function answerOf(
  ctx: Context<any>,
  { bucket, key, etag, headers: said }: Stored,
  fields: ReadonlyMap<string, string>,
): { status: number; headers: Record<string, string>; body?: string } {
  const { host = "", secure = false } = ctx.http ?? {};
  const origin = `${secure ? "https" : "http"}://${host}`;
  const inHost = bucketOfS3Host(host, ctx.platform.settings.publicHost) !== undefined;
  const path = key.split("/").map(encodeURIComponent).join("/");
  const location = inHost ? `${origin}/${path}` : `${origin}/${bucket}/${path}`;
  const headers = { ...said, location, etag };
  const redirect = redirectTo(fields.get("success_action_redirect") ?? fields.get("redirect"), { bucket, key, etag });
  if (redirect !== undefined)
    return { status: 303, headers: { ...headers, location: redirect, "content-length": "0" } };
  switch (fields.get("success_action_status")) {
    case "200":
      return { status: 200, headers: { ...headers, "content-length": "0" } };
    case "201": {
      const parts = { Location: location, Bucket: bucket, Key: key, ETag: etag };
      const members = Object.entries(parts).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
      const body = `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>${members.join("")}</PostResponse>`;
      const length = String(Buffer.byteLength(body));
      return {
        status: 201,
        headers: { ...headers, "content-type": "application/xml", "content-length": length },
        body,
      };
    }
    default:
      return { status: 204, headers };
  }
}

/** The URL that a form names for its success, with what was stored; where it is none, it counts for nothing. */
function redirectTo(wanted: string | undefined, stored: Record<string, string>): string | undefined {
  if (!wanted || !URL.canParse(wanted)) return undefined;
  const url = new URL(wanted);
  for (const [name, value] of Object.entries(stored)) url.searchParams.append(name, value);
  return url.href;
}
