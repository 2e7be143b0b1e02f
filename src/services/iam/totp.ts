import { createHmac, timingSafeEqual } from "node:crypto";

const STEP_MS = 30_000;
const DIGITS = 6;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of one step of 30 seconds: RFC 6238 with SHA-1 and six digits, as authenticator apps have it. */
export function totpCode(seed: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", seed).update(counter).digest();
  const value = mac.readUInt32BE(mac[mac.length - 1]! & 0xf) & 0x7fffffff;
  return String(value % 10 ** DIGITS).padStart(DIGITS, "0");
}

export const stepAt = (time: number): number => Math.floor(time / STEP_MS);

/** The step that consecutive codes begin with, within `reach` steps of `middle` and behind `after`; undefined where there is none. */
export function findStep(
  seed: Uint8Array,
  codes: readonly string[],
  { middle, reach, after }: { middle: number; reach: number; after: number },
): number | undefined {
  for (let step = Math.max(middle - reach, after + 1, 0); step <= middle + reach; step++)
    if (codes.every((code, i) => isSame(code, totpCode(seed, step + i)))) return step;
  return undefined;
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Base32 without padding (RFC 4648), the form in which apps take a seed by hand. */
export function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}
