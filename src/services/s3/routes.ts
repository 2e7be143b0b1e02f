import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../aws/context.ts";
import { hostIdOf } from "../../aws/host-id.ts";
import { belowZone } from "../../aws/host-zones.ts";
import { escapeXml } from "../../aws/protocol/xml-writer.ts";
import { bucketOfS3Host, isPathStyleHost } from "../../aws/route-s3.ts";
import type { Route } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { sendStream } from "../../kernel/send-stream.ts";
import { corsAnswer } from "./cors.ts";
import { noSuchBucket } from "./errors.ts";
import { isBucketName } from "./model.ts";
import { findBucket } from "./store/buckets.ts";
import { errorPage, notForWebsites, noWebsite } from "./website-page.ts";
import { keyOfVisit, redirectOf } from "./website.ts";

/** What is before the zone in a website's name. */
const WEBSITE = /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3-website(?:[.-][a-z]{2}(?:-[a-z]+)+-\d)?$/;

interface Visit {
  readonly bucket: string;
  readonly key: string;
  readonly method: string;
}

/** Static websites: `http://<bucket>.s3-website-<region>.localhost/`, and below the platform's own host. Everybody is a stranger here. */
export const websiteRoute: Route<any, Visit> = {
  name: "s3-website",
  match({ host, path, method, publicHost }) {
    if (!host.includes(".s3-website")) return undefined;
    const bucket = WEBSITE.exec(belowZone(host, publicHost)?.name ?? "")?.[1];
    const key = bucket === undefined ? undefined : decoded(path.slice(1));
    return bucket === undefined || key === undefined ? undefined : { bucket, key, method };
  },
  handle: (ctx, visit, request, response) => serveVisit(ctx, visit, request, response),
};

/** What a browser asks before it calls a bucket from another origin. */
export const preflightRoute: Route<any, { bucket: string; isObject: boolean }> = {
  name: "s3-preflight",
  match({ method, host, path, publicHost }) {
    if (method !== "OPTIONS") return undefined;
    const inHost = bucketOfS3Host(host, publicHost);
    const bucket = inHost ?? (isPathStyleHost(host, publicHost) ? decoded(path.split("/")[1] ?? "") : undefined);
    const isObject = inHost === undefined ? /^\/[^/]+\/./.test(path) : path !== "/";
    return bucket !== undefined && isBucketName(bucket) ? { bucket, isObject } : undefined;
  },
  async handle(ctx, { bucket: name, isObject }, request, response) {
    const refuse = (status: number, code: string, message: string, more = ""): void => {
      const ids = `<RequestId>${ctx.requestId}</RequestId><HostId>${hostIdOf(ctx.requestId)}</HostId>`;
      const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}${ids}</Error>`;
      const headers = { "content-type": "application/xml", "content-length": Buffer.byteLength(body) };
      response.writeHead(status, headers).end(body);
    };
    const { origin, "access-control-request-method": method, "access-control-request-headers": list } = request.headers;
    if (origin === undefined)
      return refuse(400, "BadRequest", "Insufficient information. Origin request header needed.");
    const wanted = String(list ?? "")
      .split(",")
      .map((header) => header.trim())
      .filter(Boolean);
    const bucket = await findBucket(ctx, name);
    const rules = bucket?.config.cors;
    if (rules && method === undefined) return refuse(400, "BadRequest", "Invalid Access-Control-Request-Method: null");
    const headers = rules ? corsAnswer(rules, origin, String(method), wanted) : undefined;
    if (headers) return void response.writeHead(200, { ...headers, "content-length": "0" }).end();
    const message = rules
      ? "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
      : `CORSResponse: ${bucket ? "CORS is not enabled for this bucket." : "Bucket not found"}`;
    const about = `<Method>${escapeXml(method ?? "OPTIONS")}</Method><ResourceType>${rules && isObject ? "OBJECT" : "BUCKET"}</ResourceType>`;
    refuse(403, "AccessForbidden", message, about);
  },
};

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

async function serveVisit(
  ctx: Context<any>,
  visit: Visit,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  const bucket = await findBucket(ctx, visit.bucket);
  const seen = { method: visit.method, requestId: ctx.requestId };
  if (!bucket) return errorPage(response, noSuchBucket(visit.bucket), seen);
  const { website } = bucket.config;
  if (!website) return errorPage(response, noWebsite(visit.bucket), seen);
  if (visit.method !== "GET" && visit.method !== "HEAD") return errorPage(response, notForWebsites(visit.method), seen);
  const here = { scheme: ctx.http?.secure ? "https" : "http", host: ctx.http?.host ?? "" };
  const all = website.RedirectAllRequestsTo;
  if (all) return redirect(response, 301, `${all.Protocol ?? here.scheme}://${all.HostName}${request.url ?? "/"}`);
  const moved = redirectOf(website, visit.key, here);
  if (moved) return redirect(response, moved.status, moved.location);
  try {
    await answer(ctx, visit, { Key: keyOfVisit(website, visit.key), ...conditionsOf(request) }, 200, response);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (error.code === "NotModified") return void response.writeHead(304, headersOf(error.fields)).end();
    await failVisit(ctx, website, visit, error, here, response);
  }
}

/** A folder without its slash, a routing rule for the error, the site's error page, or a plain page. */
async function failVisit(
  ctx: Context<any>,
  website: S3.WebsiteConfiguration,
  visit: Visit,
  error: AwsError,
  here: { scheme: string; host: string },
  response: ServerResponse,
): Promise<void> {
  const status = error.code === "AccessDenied" ? 403 : error.status;
  if (visit.key !== "" && !visit.key.endsWith("/") && website.IndexDocument?.Suffix) {
    const index = { Bucket: visit.bucket, Key: `${visit.key}/${website.IndexDocument.Suffix}` };
    const exists = await ctx.call("s3", "HeadObject", index).then(
      () => true,
      () => false,
    );
    if (exists) return redirect(response, 302, `/${visit.key.split("/").map(encodeURIComponent).join("/")}/`);
  }
  const moved = redirectOf(website, visit.key, here, status);
  if (moved) return redirect(response, moved.status, moved.location);
  let second: AwsError | undefined;
  if (website.ErrorDocument?.Key) {
    try {
      return await answer(ctx, visit, { Key: website.ErrorDocument.Key }, status, response);
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      second = thrown;
    }
  }
  errorPage(response, error, { method: visit.method, requestId: ctx.requestId }, second);
}

const conditionsOf = ({ headers }: IncomingMessage): object => ({
  ...(headers["if-none-match"] === undefined ? {} : { IfNoneMatch: headers["if-none-match"] }),
  ...(headers["if-modified-since"] === undefined ? {} : { IfModifiedSince: new Date(headers["if-modified-since"]) }),
  ...(headers.range === undefined ? {} : { Range: headers.range }),
});

const headersOf = (fields: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => /^[a-z-]+$/.test(name))
      .map(([name, value]) => [name, String(value)]),
  );

async function answer(
  ctx: Context<any>,
  visit: Visit,
  input: { Key: string },
  status: number,
  response: ServerResponse,
): Promise<void> {
  const object = await ctx.call("s3", visit.method === "HEAD" ? "HeadObject" : "GetObject", {
    Bucket: visit.bucket,
    ...input,
  });
  if (object.WebsiteRedirectLocation) return redirect(response, 301, object.WebsiteRedirectLocation);
  const optional = {
    "cache-control": object.CacheControl,
    "content-disposition": object.ContentDisposition,
    "content-encoding": object.ContentEncoding,
    "content-language": object.ContentLanguage,
    "content-range": object.ContentRange,
    etag: object.ETag,
    "last-modified": object.LastModified?.toUTCString(),
  };
  response.writeHead(object.ContentRange && status === 200 ? 206 : status, {
    "content-type": object.ContentType ?? "binary/octet-stream",
    "content-length": String(object.ContentLength ?? 0),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  });
  const { Body: body } = object as { Body?: unknown };
  if (body instanceof Readable) await sendStream(body, response).catch(() => response.destroy());
  else response.end();
}

function redirect(response: ServerResponse, status: number, location: string): void {
  response.writeHead(status, { location, "content-length": "0" }).end();
}
