import type { ChecksumAlgorithm } from "../../aws/checksums.ts";

/** Bits and reflected polynomials of the checksums that can be put together. */
const CRCS: Partial<Record<ChecksumAlgorithm, { readonly bits: bigint; readonly polynomial: bigint }>> = {
  crc32: { bits: 32n, polynomial: 0xedb88320n },
  crc32c: { bits: 32n, polynomial: 0x82f63b78n },
  crc64nvme: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
};

/**
 * The CRC of contents one after the other, from theirs: reading them again would take as long as sending them did. Each
 * is multiplied by x to the power of the bits that follow it, modulo the polynomial.
 */
export function combinedCrc(
  algorithm: ChecksumAlgorithm,
  parts: readonly { readonly crc: string; readonly size: number }[],
): string | undefined {
  const crc = CRCS[algorithm];
  if (!crc) return undefined;
  const top = 1n << (crc.bits - 1n);
  const times = (a: bigint, b: bigint): bigint => {
    let product = 0n;
    let factor = b;
    for (let bit = top; bit > 0n; bit >>= 1n) {
      if (a & bit) product ^= factor;
      factor = factor & 1n ? (factor >> 1n) ^ crc.polynomial : factor >> 1n;
    }
    return product;
  };
  // Parts have few sizes: most have the same.
  const powers = new Map<number, bigint>();
  const powerOf = (bytes: number): bigint => {
    const known = powers.get(bytes);
    if (known !== undefined) return known;
    let power = top;
    let square = top >> 8n; // x to the power of the bits in a byte
    for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) power = times(power, square);
      square = times(square, square);
    }
    powers.set(bytes, power);
    return power;
  };
  let all = 0n;
  for (const { crc: text, size } of parts) {
    const own = BigInt(`0x${Buffer.from(text, "base64").toString("hex") || "0"}`);
    all = times(powerOf(size), all) ^ own;
  }
  const hex = all.toString(16).padStart(Number(crc.bits) / 4, "0");
  return Buffer.from(hex, "hex").toString("base64");
}
