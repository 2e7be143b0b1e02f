import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";

/** What a signature covers of a request. */
export interface SignedRequest {
  readonly method: string;
  /** The path as it came, percent-encoded, without the query. */
  readonly path: string;
  /** What follows `?`, as it came. */
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names and values in turn, as they came; needed only where a signed header comes more than once. */
  readonly rawHeaders?: readonly string[];
}

/** The parts of a signature that its string to sign repeats. */
export interface SignatureScope {
  readonly amzDate: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

const BLOCK = 64;

/**
 * HMAC-SHA256 (RFC 2104) by two one-shot hashes: in Node 24 `createHmac` takes twenty times as long, which was half of the
 * cost of a verification.
 */
export function hmacSha256(key: string | Buffer, text: string): Buffer {
  let keyBytes = typeof key === "string" ? Buffer.from(key, "utf8") : key;
  if (keyBytes.length > BLOCK) keyBytes = hash("sha256", keyBytes, "buffer");
  const message = Buffer.from(text, "utf8");
  const inner = Buffer.alloc(BLOCK + message.length, 0x36);
  const outer = Buffer.alloc(BLOCK + 32, 0x5c);
  for (let index = 0; index < keyBytes.length; index++) {
    inner[index]! ^= keyBytes[index]!;
    outer[index]! ^= keyBytes[index]!;
  }
  inner.set(message, BLOCK);
  outer.set(hash("sha256", inner, "buffer"), BLOCK);
  return hash("sha256", outer, "buffer");
}

export const EMPTY_SHA256 = sha256Hex("");

/** The key that signs for one day, region and service. */
export function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  return hmacSha256(hmacSha256(hmacSha256(hmacSha256(`AWS4${secret}`, date), region), service), "aws4_request");
}

export function scopeText({ date, region, service }: SignatureScope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

export function stringToSign(
  request: SignedRequest,
  scope: SignatureScope,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  const canonical = canonicalRequest(request, scope.service, signedHeaders, payloadHash);
  return `AWS4-HMAC-SHA256\n${scope.amzDate}\n${scopeText(scope)}\n${sha256Hex(canonical)}`;
}

export function canonicalRequest(
  request: SignedRequest,
  service: string,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  let headers = "";
  for (const name of signedHeaders) headers += `${name}:${canonicalHeader(request, name)}\n`;
  const path = canonicalPath(request.path, service);
  const query = canonicalQuery(request.rawQuery);
  return `${request.method}\n${path}\n${query}\n${headers}\n${signedHeaders.join(";")}\n${payloadHash}`;
}

function canonicalHeader(request: SignedRequest, name: string): string {
  const value = request.headers[name] ?? (name === "host" ? request.headers[":authority"] : undefined);
  if (value === undefined) return "";
  const { rawHeaders } = request;
  // Node joins repeated headers with ", ", where the signature has ",".
  const several = Array.isArray(value) || (rawHeaders && value.includes(", "));
  if (!several) return trimSpaces(asSigned(value));
  const values = rawHeaders ? valuesOf(rawHeaders, name) : [];
  return (values.length > 0 ? values : [value].flat()).map((each) => trimSpaces(asSigned(each))).join(",");
}

/** Node reads headers as Latin-1; clients sign the UTF-8 that they mean, however they send it. */
function asSigned(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : value;
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() === name) values.push(rawHeaders[index + 1]!);
  }
  return values;
}

function trimSpaces(text: string): string {
  const trimmed = text.trim();
  return trimmed.includes("  ") ? trimmed.replace(/ +/g, " ") : trimmed;
}

/** S3 signs its keys as they are, an encoded slash as a slash; every other service signs the normalised path, encoded once more. */
function canonicalPath(path: string, service: string): string {
  if (service === "s3" || service === "s3-object-lambda" || service === "s3express") {
    return (
      path
        .split("/")
        .map((segment) => decode(segment).split("/").map(encode).join("/"))
        .join("/") || "/"
    );
  }
  if (path === "/") return path;
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") segments.pop();
    else segments.push(encode(segment));
  }
  const normalised = `/${segments.join("/")}`;
  return normalised !== "/" && path.endsWith("/") ? `${normalised}/` : normalised;
}

/** Sorted by the bytes of the encoded name, then of the value; without the signature itself. */
function canonicalQuery(rawQuery: string): string {
  if (rawQuery === "") return "";
  const pairs: [string, string][] = [];
  for (const pair of rawQuery.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? "" : pair.slice(equals + 1);
    if (name !== "X-Amz-Signature") pairs.push([reencode(name), reencode(value)]);
  }
  pairs.sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]));
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function reencode(text: string): string {
  return encode(decode(text.replaceAll("+", "%20")));
}

function encode(text: string): string {
  if (/^[A-Za-z0-9\-._~]*$/.test(text)) return text;
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
