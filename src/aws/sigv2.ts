import { createHmac, timingSafeEqual } from "node:crypto";
import { AwsError } from "../kernel/aws-error.ts";
import { bucketOfS3Host } from "./route-s3.ts";
import { signingKey, type SignedRequest } from "./sigv4-canonical.ts";
import { requestTimeTooSkewed, s3SignatureMismatch, signatureMismatch, unknownAccessKey } from "./sigv4-errors.ts";
import { amzDateOf, MAX_SKEW_MS, type VerifiedSignature } from "./sigv4.ts";

/** S3's first signature, in a header or presigned: boto3 still makes it for the regions that had it. */
export interface OldSignature {
  readonly accessKeyId: string;
  readonly signature: string;
  /** Of a presigned request: seconds since the epoch. */
  readonly expires?: number;
  readonly token?: string;
}

/** What the old signature covers of a query: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html */
const SIGNED_PARAMETERS = new Set(
  (
    "accelerate acl analytics cors delete inventory lifecycle location logging metrics notification object-lock partNumber policy " +
    "publicAccessBlock replication requestPayment response-cache-control response-content-disposition response-content-encoding " +
    "response-content-language response-content-type response-expires restore select select-type storageClass tagging torrent uploadId " +
    "uploads versionId versioning versions website"
  ).split(" "),
);
/** What makes another operation of a request and is younger than the signature, which does not cover it: nobody adds it to another's URL. */
const UNSIGNED_RESOURCES = [
  "abac",
  "attributes",
  "encryption",
  "intelligent-tiering",
  "legal-hold",
  "metadataConfiguration",
  "metadataTable",
  "ownershipControls",
  "policyStatus",
  "renameObject",
  "retention",
  "session",
];
/** As long as the newer signature may be valid. */
const MAX_SECONDS = 7 * 24 * 60 * 60;
const OWN = new Set(["AWSAccessKeyId", "Signature", "Expires"]);

/** The old signature of a request, from its header or query; `undefined` where it has none. */
export function parseOldSignature(request: SignedRequest): OldSignature | undefined {
  const header = /^AWS ([^:\s]+):([A-Za-z0-9+/=]+)$/.exec(String(request.headers["authorization"] ?? ""));
  if (header) {
    const [, accessKeyId = "", signature = ""] = header;
    const token = request.headers["x-amz-security-token"];
    return { accessKeyId, signature, ...(typeof token === "string" ? { token } : {}) };
  }
  if (!request.rawQuery.includes("AWSAccessKeyId=")) return undefined;
  const query = new URLSearchParams(request.rawQuery);
  const [accessKeyId, signature, expires] = [...OWN].map((name) => query.get(name));
  if (!accessKeyId || !signature || !/^\d{1,10}$/.test(expires ?? ""))
    throw new AwsError(
      "AccessDenied",
      "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
      403,
    );
  const token = query.get("x-amz-security-token");
  return { accessKeyId, signature, expires: Number(expires), ...(token === null ? {} : { token }) };
}

export interface OldVerification {
  readonly now: number;
  readonly region: string;
  /** The host of the platform's URLs: a bucket may be named below it. */
  readonly publicHost: string;
  secretFor(accessKeyId: string, token: string | undefined): Promise<{ readonly secret: string } | undefined>;
}

/** Refuses an old signature that is not that of this request, or whose time is over. */
export async function verifyOldSignature(
  request: SignedRequest,
  old: OldSignature,
  { now, region, publicHost, secretFor }: OldVerification,
): Promise<VerifiedSignature> {
  if (old.expires === undefined) checkDate(request, now);
  else {
    checkExpiry(old.expires, now);
    if (picksMore(request.rawQuery)) throw signatureMismatch({ protocol: "restXml", service: "s3" });
  }
  const audience = { protocol: "restXml", service: "s3" } as const;
  const found = await secretFor(old.accessKeyId, old.token);
  if (!found) throw unknownAccessKey(audience, old.accessKeyId);
  const given = Buffer.from(old.signature, "base64");
  // Some sign a bucket's own path with a slash at its end that they do not send.
  const bucket = bucketOfS3Host(String(request.headers["host"] ?? ""), publicHost);
  const paths =
    bucket === undefined && /^\/[^/]+$/.test(request.path) ? [request.path, `${request.path}/`] : [request.path];
  const fits = paths.some((path) => {
    const expected = createHmac("sha1", found.secret)
      .update(textToSign(request, old, bucket, path))
      .digest();
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!fits) {
    const { accessKeyId, signature } = old;
    throw s3SignatureMismatch({ accessKeyId, signature, stringToSign: textToSign(request, old, bucket, request.path) });
  }
  const amzDate = amzDateOf(now);
  const scope = { amzDate, date: amzDate.slice(0, 8), region, service: "s3" };
  return {
    ...scope,
    accessKeyId: old.accessKeyId,
    signedHeaders: [],
    signature: old.signature,
    presigned: old.expires !== undefined,
    key: signingKey(found.secret, scope.date, region, "s3"),
    payloadHash: "UNSIGNED-PAYLOAD",
    ...(old.token === undefined ? {} : { token: old.token }),
  };
}

function picksMore(rawQuery: string): boolean {
  const query = new URLSearchParams(rawQuery);
  return UNSIGNED_RESOURCES.some((name) => query.has(name));
}

function checkExpiry(expires: number, now: number): void {
  const seconds = now / 1000;
  if (expires >= seconds && expires <= seconds + MAX_SECONDS) return;
  const message = expires < seconds ? "Request has expired" : "Expires must be at most seven days ahead";
  throw new AwsError("AccessDenied", message, 403, {
    Expires: new Date(expires * 1000).toISOString(),
    ServerTime: new Date(now).toISOString(),
  });
}

/** The time of a request that is signed in its header must be about now. */
function checkDate({ headers }: SignedRequest, now: number): void {
  const text = String(headers["x-amz-date"] ?? headers["date"] ?? "");
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new AwsError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403);
  if (Math.abs(at - now) > MAX_SKEW_MS) throw requestTimeTooSkewed(text.slice(0, 100), now, MAX_SKEW_MS);
}

/** When the request is, as it is signed: its end, or its date where no header of AWS's own says it. */
function timeToSign({ headers }: SignedRequest, expires: number | undefined): string {
  if (expires !== undefined) return String(expires);
  return headers["x-amz-date"] === undefined ? String(headers["date"] ?? "") : "";
}

function textToSign(
  request: SignedRequest,
  { expires }: OldSignature,
  bucket: string | undefined,
  path: string,
): string {
  const query = [...new URLSearchParams(request.rawQuery)];
  const parameters = new Map(expires === undefined ? [] : query);
  const header = (name: string): string => String(request.headers[name] ?? parameters.get(name) ?? "").trim();
  const names = [...Object.keys(request.headers), ...parameters.keys()].map((name) => name.toLowerCase());
  const custom = [...new Set(names.filter((name) => name.startsWith("x-amz-")))].sort();
  const signed = query
    .filter(([name]) => SIGNED_PARAMETERS.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === "" ? name : `${name}=${value}`));
  return [
    request.method,
    header("content-md5"),
    header("content-type"),
    timeToSign(request, expires),
    ...custom.map((name) => `${name}:${header(name)}`),
    `${bucket === undefined ? "" : `/${bucket}`}${path}${signed.length > 0 ? `?${signed.join("&")}` : ""}`,
  ].join("\n");
}
