import { CHECKSUM_BYTES, CRC_POLYNOMIALS, type ChecksumAlgorithm } from "../../aws/checksums.ts";

/**
 * The CRC of contents one after the other, from theirs: reading them again would take as long as sending them did. Each
 * is multiplied by x to the power of the bits that follow it, modulo the polynomial.
 */
export function combinedCrc(
  algorithm: ChecksumAlgorithm,
  parts: readonly { readonly crc: string; readonly size: number }[],
): string | undefined {
  if (!isCrc(algorithm)) return undefined;
  const polynomial = CRC_POLYNOMIALS[algorithm];
  const bytes = CHECKSUM_BYTES[algorithm];
  const top = 1n << BigInt(bytes * 8 - 1);
  const times = (a: bigint, b: bigint): bigint => {
    let product = 0n;
    let factor = b;
    for (let bit = top; bit > 0n; bit >>= 1n) {
      if (a & bit) product ^= factor;
      factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
    }
    return product;
  };
  // Parts have few sizes: most have the same.
  const powers = new Map<number, bigint>();
  const powerOf = (size: number): bigint => {
    const known = powers.get(size);
    if (known !== undefined) return known;
    let power = top;
    let square = top >> 8n; // x to the power of the bits in a byte
    for (let left = size; left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) power = times(power, square);
      square = times(square, square);
    }
    powers.set(size, power);
    return power;
  };
  let all = 0n;
  for (const { crc: text, size } of parts) {
    const own = BigInt(`0x${Buffer.from(text, "base64").toString("hex") || "0"}`);
    all = times(powerOf(size), all) ^ own;
  }
  const hex = all.toString(16).padStart(bytes * 2, "0");
  return Buffer.from(hex, "hex").toString("base64");
}

const isCrc = (algorithm: ChecksumAlgorithm): algorithm is keyof typeof CRC_POLYNOMIALS => algorithm in CRC_POLYNOMIALS;
