import { createHash, randomBytes, randomUUID } from "node:crypto";

/** Randomness as the platform sees it. */
export interface Ids {
  /** A UUID version 4, for request and resource ids. */
  uuid(): string;
  /** `length` characters of `alphabet` (default: lower-case letters and digits). */
  text(length: number, alphabet?: string): string;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

export const ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyz0123456789";
export const UPPER_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

function textOf(bytes: (length: number) => Uint8Array, length: number, alphabet = ALPHANUMERIC): string {
  const limit = 256 - (256 % alphabet.length);
  let out = "";
  while (out.length < length) {
    for (const byte of bytes(length * 2)) {
      if (byte < limit && out.length < length) out += alphabet[byte % alphabet.length];
    }
  }
  return out;
}

export const systemIds: Ids = {
  uuid: () => randomUUID(),
  text: (length, alphabet) => textOf(randomBytes, length, alphabet),
  bytes: (length) => randomBytes(length),
};

/** Ids that are the same, one after the other, wherever the seed is the same: names, never secrets. */
export function derivedIds(seed: string): Pick<Ids, "text"> {
  let drawn = 0;
  const bytes = (): Uint8Array => createHash("sha512").update(`${seed}/${drawn++}`).digest();
  return { text: (length, alphabet) => textOf(bytes, length, alphabet) };
}
