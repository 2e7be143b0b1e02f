import { createCipheriv, createHash, hkdfSync, timingSafeEqual, type Cipheriv } from "node:crypto";
import type { Ids } from "../../kernel/ids.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { invalidRequest } from "./errors.ts";

/** A key that the caller brings with a request (SSE-C): used for it and then forgotten. */
export interface CustomerKey {
  readonly key: Buffer;
  /** MD5 of the key, base64: answers say it back. */
  readonly md5: string;
}

/** What is kept of a customer's key: enough to tell it from another, of no use to decrypt. */
export interface KeyCheck {
  readonly salt: string;
  readonly check: string;
}

export interface CustomerKeyInput {
  readonly SSECustomerAlgorithm?: string | undefined;
  readonly SSECustomerKey?: string | undefined;
  readonly SSECustomerKeyMD5?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
}

const KEY_BYTES = 32;
/** Sealed contents begin with so many random bytes. */
export const SALT_BYTES = 16;
const BLOCK_BYTES = 16;
const HEADER = "x-amz-server-side-encryption";

const refused = (message: string, value?: string): AwsError =>
  new AwsError("InvalidArgument", message, 400, {
    ArgumentName: HEADER,
    ...(value === undefined ? {} : { ArgumentValue: value }),
  });

const mustProvide = (what: string): AwsError =>
  refused(`Requests specifying Server Side Encryption with Customer provided keys must provide ${what}.`);

/** The customer's key of a request, checked as AWS does; undefined where it has none. */
export function customerKeyOf(input: CustomerKeyInput): CustomerKey | undefined {
  const { SSECustomerAlgorithm: algorithm, SSECustomerKey: text, SSECustomerKeyMD5: md5 } = input;
  if (algorithm === undefined && text === undefined && md5 === undefined) return undefined;
  if (input.ServerSideEncryption !== undefined)
    throw refused(
      "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
      input.ServerSideEncryption,
    );
  if (algorithm === undefined) throw mustProvide("a valid encryption algorithm");
  if (algorithm !== "AES256")
    throw new AwsError(
      "InvalidEncryptionAlgorithmError",
      "The Encryption request you specified is not valid. Supported value: AES256.",
      400,
      { ArgumentName: HEADER, ArgumentValue: algorithm },
    );
  if (text === undefined) throw mustProvide("an appropriate secret key");
  if (md5 === undefined) throw mustProvide("the client calculated MD5 of the secret key");
  const key = Buffer.from(text, "base64");
  const actual = createHash("md5").update(key).digest("base64");
  if (actual !== md5) throw refused("The calculated MD5 hash of the key did not match the hash that was provided.");
  return { key, md5 };
}

/** The same for a request that stores: a key of another length is refused here, and just no match where one reads. */
export function newCustomerKey(input: CustomerKeyInput): CustomerKey | undefined {
  const given = customerKeyOf(input);
  if (given && given.key.length !== KEY_BYTES) throw refused("The secret key was invalid for the specified algorithm.");
  return given;
}

/** The key of a copy's source. */
export const sourceKeyInput = (input: {
  CopySourceSSECustomerAlgorithm?: string | undefined;
  CopySourceSSECustomerKey?: string | undefined;
  CopySourceSSECustomerKeyMD5?: string | undefined;
}): CustomerKeyInput => ({
  SSECustomerAlgorithm: input.CopySourceSSECustomerAlgorithm,
  SSECustomerKey: input.CopySourceSSECustomerKey,
  SSECustomerKeyMD5: input.CopySourceSSECustomerKeyMD5,
});

const derived = (key: Buffer, salt: Uint8Array, use: string, length: number): Buffer =>
  Buffer.from(hkdfSync("sha256", key, salt, `starling s3 customer key: ${use}`, length));

export function keyCheckOf(ids: Ids, { key }: CustomerKey): KeyCheck {
  const salt = Buffer.from(ids.bytes(SALT_BYTES));
  return { salt: salt.toString("base64"), check: derived(key, salt, "check", KEY_BYTES).toString("base64") };
}

export function isSameKey({ salt, check }: KeyCheck, { key }: CustomerKey): boolean {
  return timingSafeEqual(derived(key, Buffer.from(salt, "base64"), "check", KEY_BYTES), Buffer.from(check, "base64"));
}

/** The key that reads an object; throws where the request brings none, the wrong one, or one that is not needed. */
export function readingKey(stored: KeyCheck | undefined, input: CustomerKeyInput): CustomerKey | undefined {
  const given = customerKeyOf(input);
  if (!stored) {
    if (given) throw invalidRequest("The encryption parameters are not applicable to this object.");
    return undefined;
  }
  if (!given)
    throw invalidRequest(
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
    );
  if (!isSameKey(stored, given))
    throw new AwsError(
      "AccessDenied",
      "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
      403,
    );
  return given;
}

/** The key of a part: it must be the one that the upload began with. */
export function partKey(stored: KeyCheck | undefined, input: CustomerKeyInput): CustomerKey | undefined {
  const given = newCustomerKey(input);
  if ((given === undefined) !== (stored === undefined))
    throw invalidRequest(
      "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
    );
  if (given && stored && !isSameKey(stored, given))
    throw invalidRequest("The provided encryption parameters did not match the ones used originally.");
  return given;
}

/** How answers say which key was used. */
export const describeKey = (
  key: CustomerKey | undefined,
): { SSECustomerAlgorithm?: string; SSECustomerKeyMD5?: string } =>
  key ? { SSECustomerAlgorithm: "AES256", SSECustomerKeyMD5: key.md5 } : {};

/**
 * AES-256 in counter mode from byte `offset` on; the same for both directions. Key and first counter are derived from
 * the customer's key and the content's own salt, so that no two contents share a key stream.
 */
export function contentCipher({ key }: CustomerKey, salt: Uint8Array, offset = 0): Cipheriv {
  const material = derived(key, salt, "content", KEY_BYTES + BLOCK_BYTES);
  const first = BigInt(`0x${material.subarray(KEY_BYTES).toString("hex")}`);
  const counter = BigInt.asUintN(128, first + BigInt(Math.floor(offset / BLOCK_BYTES)));
  const iv = Buffer.from(counter.toString(16).padStart(2 * BLOCK_BYTES, "0"), "hex");
  const cipher = createCipheriv("aes-256-ctr", material.subarray(0, KEY_BYTES), iv);
  cipher.update(Buffer.alloc(offset % BLOCK_BYTES));
  return cipher;
}
