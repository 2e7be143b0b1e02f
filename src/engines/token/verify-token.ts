import { constants, createPublicKey, verify, type JsonWebKey, type KeyObject } from "node:crypto";

/** A public key as key sets publish it. */
export type PublishedKey = JsonWebKey & { readonly kid?: string; readonly use?: string; readonly key_ops?: string[] };

/** What a token says, once its signature was found good. */
export interface VerifiedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Buffer;
}

const MAX_TOKEN = 16 * 1024;
const HASH = { "256": "sha256", "384": "sha384", "512": "sha512" } as const;
/** RSA alone, as API Gateway has it: `none` and keys that both sides know are never taken. */
const ALGORITHM = /^([RP])S(256|384|512)$/;
const MIN_MODULUS = 2048;

/** The header of a compact token, unverified: to find its key. Undefined where it is no token. */
export function tokenHeader(token: string): Readonly<Record<string, unknown>> | undefined {
  if (token.length > MAX_TOKEN) return undefined;
  const parts = token.split(".");
  const head = parts.length === 3 ? decoded(parts[0]!) : undefined;
  return head && object(head);
}

/** Verifies a compact token with a published key; undefined where the signature, the algorithm or the key does not fit. */
export function verifyToken(token: string, key: PublishedKey): VerifiedToken | undefined {
  const header = tokenHeader(token);
  const [, family, bits] = ALGORITHM.exec(String(header?.["alg"])) ?? [];
  if (!header || !family || header["crit"] !== undefined) return undefined;
  if (key.kty !== "RSA" || (key["alg"] !== undefined && key["alg"] !== header["alg"])) return undefined;
  if (key.use !== undefined && key.use !== "sig") return undefined;
  if (key.key_ops !== undefined && !(Array.isArray(key.key_ops) && key.key_ops.includes("verify"))) return undefined;
  const [head = "", body = "", signature = ""] = token.split(".");
  const [payload, bytes] = [decoded(body), decoded(signature)];
  const publicKey = importKey(key);
  if (!payload || !bytes || !publicKey) return undefined;
  const padding =
    family === "R"
      ? { padding: constants.RSA_PKCS1_PADDING }
      : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const signed = Buffer.from(`${head}.${body}`, "ascii");
  const hash = HASH[bits as keyof typeof HASH];
  return verify(hash, signed, { key: publicKey, ...padding }, bytes) ? { header, payload } : undefined;
}

function importKey({ kty, n, e }: PublishedKey): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: { kty, n, e } as JsonWebKey, format: "jwk" });
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_MODULUS ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Strict base64url: what differs in spelling is not the same token. */
function decoded(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

function object(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The claims of a verified token; undefined where its payload is no object. */
export const tokenClaims = ({ payload }: VerifiedToken): Readonly<Record<string, unknown>> | undefined =>
  object(payload);

/** What a token must be for, and when it is looked at. */
export interface ClaimRules {
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What is wrong with claims, in the words of RFC 6750's descriptions; undefined where all is well. */
export function faultOfClaims(claims: Readonly<Record<string, unknown>>, rules: ClaimRules): string | undefined {
  const seconds = rules.now / 1000;
  const { iss, aud, client_id: client, exp, nbf, iat } = claims;
  if (iss !== rules.issuer) return "the token has an invalid issuer";
  const audiences = aud === undefined ? [client] : [aud].flat();
  if (!audiences.some((one) => typeof one === "string" && rules.audience.includes(one)))
    return "the token does not have a valid audience";
  if (typeof exp !== "number" || exp <= seconds) return "the token has expired";
  if (nbf !== undefined && (typeof nbf !== "number" || nbf > seconds)) return "the token is not valid yet";
  if (iat !== undefined && (typeof iat !== "number" || iat > seconds)) return "the token was issued in the future";
  return undefined;
}

/** The scopes of a token, from `scope` (a text or a list) or `scp`. */
export function scopesOf(claims: Readonly<Record<string, unknown>>): string[] {
  const given = claims["scope"] ?? claims["scp"];
  if (Array.isArray(given)) return given.filter((one) => typeof one === "string");
  return typeof given === "string" ? given.split(" ").filter((one) => one !== "") : [];
}
