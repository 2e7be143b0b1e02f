import { timingSafeEqual } from "node:crypto";
import { AwsError, codeOf } from "../kernel/aws-error.ts";
import type { Protocol } from "./model-pack.ts";
import {
  canonicalRequest,
  hmacSha256,
  sha256Hex,
  signingKey,
  stringToSign,
  type SignatureScope,
  type SignedRequest,
} from "./sigv4-canonical.ts";
import {
  expiredToken,
  malformedSignature,
  missingParameters,
  requestTimeTooSkewed,
  s3SignatureMismatch,
  severalSignatures,
  signatureMismatch,
  unknownAccessKey,
  type SignatureAudience,
} from "./sigv4-errors.ts";

/** The signature that a request claims to have. */
export interface Signature extends SignatureScope {
  readonly accessKeyId: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly presigned: boolean;
  /** Seconds for which a presigned request is valid. */
  readonly expires?: number;
  /** The session token, where the credentials are temporary. */
  readonly token?: string;
}

export interface VerifiedSignature extends Signature {
  /** The key by which the chunks of a body are signed. */
  readonly key: Buffer;
  /** What was signed for the body: a hex SHA-256, `UNSIGNED-PAYLOAD` or one of the `STREAMING-` forms. */
  readonly payloadHash: string;
}

export interface VerifyOptions {
  /** The secret of an access key; `undefined` where there is none such. Throws `ExpiredToken` for a session that is over. */
  secretFor(accessKeyId: string, token: string | undefined): Promise<{ readonly secret: string } | undefined>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How the refusal is spelled. */
  readonly protocol: Protocol;
  /** The signing name of the service that the request is for; a signature for another is refused. */
  readonly signingName?: string;
  /** The whole body. Asked for only where the signature covers it: not for S3. */
  body(): Promise<Buffer>;
  /** Keeps derived keys between requests. */
  readonly keys?: SigningKeyCache;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
/** How far the clocks of a client and the platform may be apart. */
export const MAX_SKEW_MS = 15 * 60 * 1000;
const MAX_EXPIRES = 7 * 24 * 60 * 60;
/** What a presigned request has, in the order in which S3 names it. */
const PARAMETERS = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Signature",
  "X-Amz-Date",
  "X-Amz-SignedHeaders",
  "X-Amz-Expires",
];
const HEX_SHA256 = /^[0-9a-f]{64}$/;
const AMZ_DATE = /^\d{8}T\d{6}Z$/;

/** The signature of a request, from its Authorization header or its query; `undefined` where it has none. */
export function parseSignature(request: SignedRequest, protocol: Protocol = "restXml"): Signature | undefined {
  const authorization = firstOf(request.headers.authorization);
  const inHeader = authorization?.startsWith(ALGORITHM) === true;
  const query = request.rawQuery.includes("X-Amz-") ? new URLSearchParams(request.rawQuery) : undefined;
  const inQuery = query !== undefined && (query.has("X-Amz-Signature") || query.has("X-Amz-Algorithm"));
  if (inHeader && inQuery) throw severalSignatures({ protocol, service: "" });
  if (inHeader) return parseHeader(request, authorization, protocol);
  return inQuery ? parseQuery(query, protocol) : undefined;
}

function parseHeader(request: SignedRequest, authorization: string, protocol: Protocol): Signature {
  const parts: Record<string, string> = {};
  for (const [, name, value] of authorization
    .slice(ALGORITHM.length)
    .matchAll(/(Credential|SignedHeaders|Signature)=([^,\s]+)/g)) {
    parts[name!] = value!;
  }
  const { Credential, SignedHeaders, Signature: signature } = parts;
  const audience = { protocol, service: claimedService(Credential) };
  if (!Credential || !SignedHeaders || !signature) {
    const message = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.";
    throw malformedSignature(audience, false, message);
  }
  const amzDate = firstOf(request.headers["x-amz-date"]) ?? toAmzDate(firstOf(request.headers.date));
  if (!amzDate) {
    const message = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    throw malformedSignature(audience, false, message);
  }
  const token = firstOf(request.headers["x-amz-security-token"]);
  return {
    ...parseCredential(Credential, audience, false),
    signedHeaders: SignedHeaders.split(";"),
    signature,
    presigned: false,
    amzDate,
    ...(token !== undefined && { token }),
  };
}

function parseQuery(query: URLSearchParams, protocol: Protocol): Signature {
  const audience = { protocol, service: claimedService(query.get("X-Amz-Credential")) };
  const missing = PARAMETERS.filter((name) => !query.get(name));
  if (missing.length > 0) throw missingParameters(audience, missing);
  const only = (name: string): string => {
    const [value = "", ...others] = query.getAll(name);
    if (others.length === 0) return value;
    const message = `Query-string authentication version 4 requires exactly one ${name} parameter.`;
    throw malformedSignature(audience, true, message);
  };
  if (only("X-Amz-Algorithm") !== ALGORITHM) {
    throw malformedSignature(audience, true, `X-Amz-Algorithm only supports "${ALGORITHM}"`);
  }
  const credential = parseCredential(only("X-Amz-Credential"), audience, true);
  const expires = only("X-Amz-Expires");
  const fault = faultOfExpires(expires);
  if (fault !== undefined) throw malformedSignature(audience, true, fault);
  const token = query.get("X-Amz-Security-Token");
  return {
    ...credential,
    signedHeaders: only("X-Amz-SignedHeaders").split(";"),
    signature: only("X-Amz-Signature"),
    presigned: true,
    amzDate: only("X-Amz-Date"),
    expires: Number(expires),
    ...(token !== null && { token }),
  };
}

function faultOfExpires(expires: string): string | undefined {
  if (!/^-?\d{1,15}$/.test(expires)) return "X-Amz-Expires should be a number";
  if (Number(expires) < 0) return "X-Amz-Expires must be non-negative";
  if (Number(expires) <= MAX_EXPIRES) return undefined;
  return `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${MAX_EXPIRES} seconds`;
}

/** Good enough to choose the words of a refusal. */
function claimedService(credential: string | null | undefined): string {
  return credential?.split("/").at(-2) ?? "";
}

type Credential = Pick<Signature, "accessKeyId" | "date" | "region" | "service">;

function parseCredential(text: string, audience: SignatureAudience, presigned: boolean): Credential {
  const parts = text.split("/");
  const [date, region, service, terminator] = parts.slice(-4);
  if (parts.length < 5 || !date || region === undefined || !service || terminator !== "aws4_request") {
    const message = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".';
    const where = presigned ? "Error parsing the X-Amz-Credential parameter; " : "";
    throw malformedSignature(audience, presigned, `${where}${message}`);
  }
  return { accessKeyId: parts.slice(0, -4).join("/"), date, region, service };
}

/**
 * Refuses a signature that is not that of this request, that is too old, or that is meant for another service. The body
 * is checked against what was signed, except for S3, whose body is checked as it is read (`decodedBody`).
 */
export async function verifySignature(
  request: SignedRequest,
  signature: Signature,
  options: VerifyOptions,
): Promise<VerifiedSignature> {
  const audience: SignatureAudience = { protocol: options.protocol, service: signature.service };
  checkScope(signature, options, audience);
  checkTime(signature, options.now, audience);
  checkSignedHeaders(request, signature, audience);
  const found = await options.secretFor(signature.accessKeyId, signature.token).catch((error: unknown) => {
    throw codeOf(error) === "ExpiredToken" ? expiredToken(audience) : error;
  });
  if (!found) throw unknownAccessKey(audience, signature.accessKeyId);

  const payloadHash = await signedPayloadHash(request, signature, options, audience);
  const { date, region, service, signedHeaders } = signature;
  const key = options.keys?.get(found.secret, date, region, service) ?? signingKey(found.secret, date, region, service);
  const expected = hmacSha256(key, stringToSign(request, signature, signedHeaders, payloadHash));
  const given = HEX_SHA256.test(signature.signature) ? Buffer.from(signature.signature, "hex") : Buffer.alloc(0);
  if (given.length !== expected.length || !timingSafeEqual(expected, given)) {
    if (!isS3(service)) throw signatureMismatch(audience);
    throw s3SignatureMismatch({
      accessKeyId: signature.accessKeyId,
      signature: signature.signature,
      stringToSign: stringToSign(request, signature, signedHeaders, payloadHash),
      canonicalRequest: canonicalRequest(request, service, signedHeaders, payloadHash),
    });
  }
  if (!isS3(signature.service) && HEX_SHA256.test(payloadHash)) {
    const declared = firstOf(request.headers["x-amz-content-sha256"]);
    if (declared !== undefined && sha256Hex(await options.body()) !== payloadHash) throw signatureMismatch(audience);
  }
  return { ...signature, key, payloadHash };
}

function isS3(service: string): boolean {
  return service === "s3" || service === "s3express";
}

function checkScope(signature: Signature, options: VerifyOptions, audience: SignatureAudience): void {
  const { signingName } = options;
  if (
    signingName !== undefined &&
    signingName !== signature.service &&
    !(signingName === "s3" && isS3(signature.service))
  ) {
    throw signatureMismatch(audience, `Credential should be scoped to correct service: '${signingName}'. `);
  }
  if (signature.amzDate.slice(0, 8) !== signature.date) {
    const message = `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${signature.date}' != '${signature.amzDate.slice(0, 8)}', from '${signature.amzDate}'.`;
    throw signatureMismatch(audience, message);
  }
}

function checkTime(signature: Signature, now: number, audience: SignatureAudience): void {
  const { amzDate, presigned, expires = 0 } = signature;
  const signed = fromAmzDate(amzDate);
  if (signed === undefined) {
    const message = `Date must be in ISO-8601 'basic format'. Got '${amzDate.slice(0, 40)}'.`;
    throw malformedSignature(audience, presigned, message);
  }
  const tooEarly = signed - now > MAX_SKEW_MS;
  const tooLate = presigned ? now > signed + expires * 1000 : now - signed > MAX_SKEW_MS;
  if (!tooEarly && !tooLate) return;
  const current = amzDateOf(now);
  if (!isS3(signature.service)) {
    const bound = amzDateOf(tooEarly ? now + MAX_SKEW_MS : now - (presigned ? expires * 1000 : MAX_SKEW_MS));
    const message = tooEarly
      ? `Signature not yet current: ${amzDate} is still later than ${bound} (${current} + 15 min.)`
      : `Signature expired: ${amzDate} is now earlier than ${bound} (${current} - ${presigned ? `${expires} s` : "15 min"}.)`;
    throw signatureMismatch(audience, message);
  }
  if (presigned) {
    throw new AwsError("AccessDenied", tooEarly ? "Request is not valid yet" : "Request has expired", 403, {
      "X-Amz-Expires": String(expires),
      Expires: new Date(signed + expires * 1000).toISOString(),
      ServerTime: new Date(now).toISOString(),
    });
  }
  throw requestTimeTooSkewed(amzDate, now, MAX_SKEW_MS);
}

function checkSignedHeaders(request: SignedRequest, signature: Signature, audience: SignatureAudience): void {
  const { signedHeaders } = signature;
  if (!signedHeaders.includes("host") && !signedHeaders.includes(":authority")) {
    throw signatureMismatch(audience, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  if (!isS3(signature.service)) return;
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith("x-amz-") && name !== "x-amz-content-sha256" && !signedHeaders.includes(name),
  );
  if (unsigned.length > 0) {
    const message = "There were headers present in the request which were not signed";
    throw new AwsError("AccessDenied", message, 403, { HeadersNotSigned: unsigned.join(", ") });
  }
}

async function signedPayloadHash(
  request: SignedRequest,
  signature: Signature,
  options: VerifyOptions,
  audience: SignatureAudience,
): Promise<string> {
  const declared = firstOf(request.headers["x-amz-content-sha256"]);
  if (isS3(signature.service)) {
    if (declared !== undefined) return declared;
    if (signature.presigned)
      return new URLSearchParams(request.rawQuery).get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD";
    throw new AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400);
  }
  if (declared === undefined) return sha256Hex(await options.body());
  // Elsewhere the body is always signed, so that nobody who sees a request can give it another body.
  if (!HEX_SHA256.test(declared)) {
    throw signatureMismatch(audience, "The x-amz-content-sha256 header must be the SHA-256 of the body.");
  }
  return declared;
}

/** Derived keys by secret, day, region and service; bounded. */
export class SigningKeyCache {
  readonly #keys = new Map<string, Buffer>();
  readonly #limit: number;

  constructor(limit = 1000) {
    this.#limit = limit;
  }

  get(secret: string, date: string, region: string, service: string): Buffer {
    const name = `${secret}\0${date}\0${region}\0${service}`;
    let key = this.#keys.get(name);
    if (!key) {
      key = signingKey(secret, date, region, service);
      if (this.#keys.size >= this.#limit) this.#keys.clear();
      this.#keys.set(name, key);
    }
    return key;
  }
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function toAmzDate(httpDate: string | undefined): string | undefined {
  const time = httpDate === undefined ? NaN : Date.parse(httpDate);
  return Number.isFinite(time) ? amzDateOf(time) : undefined;
}

/** `20260131T235959Z`. */
export function amzDateOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

function fromAmzDate(text: string): number | undefined {
  if (!AMZ_DATE.test(text)) return undefined;
  const at = (from: number, to: number): string => text.slice(from, to);
  const time = Date.parse(`${at(0, 4)}-${at(4, 6)}-${at(6, 8)}T${at(9, 11)}:${at(11, 13)}:${at(13, 15)}Z`);
  return Number.isFinite(time) ? time : undefined;
}
