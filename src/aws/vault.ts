import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

/** Encryption of secrets at rest and of tokens, with keys derived from one master key of the installation. */
export interface Vault {
  /** Seals text for a purpose; the answer is base64url and differs each time. */
  seal(purpose: string, text: string): string;
  /** Opens what `seal` made for the same purpose; `undefined` where it was altered or is of another purpose. */
  open(purpose: string, sealed: string): string | undefined;
}

const NONCE = 12;
const TAG = 16;

/** A vault over a 32-byte master key (AES-256-GCM, one derived key a purpose). */
export function createVault(masterKey: Uint8Array): Vault {
  if (masterKey.length !== 32) throw new Error("the master key must have 32 bytes");
  const keys = new Map<string, Buffer>();
  const keyFor = (purpose: string): Buffer => {
    let key = keys.get(purpose);
    if (!key) keys.set(purpose, (key = createHmac("sha256", masterKey).update(purpose).digest()));
    return key;
  };
  return {
    seal(purpose, text) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv("aes-256-gcm", keyFor(purpose), nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
    },
    open(purpose, sealed) {
      const bytes = Buffer.from(sealed, "base64url");
      if (bytes.length < NONCE + TAG) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", keyFor(purpose), bytes.subarray(0, NONCE));
      decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
      try {
        return decipher.update(bytes.subarray(NONCE + TAG), undefined, "utf8") + decipher.final("utf8");
      } catch {
        return undefined; // the tag does not fit: altered, or sealed for another purpose
      }
    },
  };
}
