/** The first `count` blocks with `bits` host bits inside an IPv4 block; `undefined` where they do not fit. */
export function cidr(block: string, count: number, bits = 8): string[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(block);
  if (!match || !Number.isInteger(count) || count < 1 || count > 256) return undefined;
  const parts = match.slice(1, 5).map(Number);
  const prefix = Number(match[5]);
  if (parts.some((part) => part > 255) || prefix > 32 || !Number.isInteger(bits) || bits < 0 || bits > 32)
    return undefined;
  if (32 - bits < prefix || count > 2 ** (32 - bits - prefix)) return undefined;
  const size = 2 ** bits;
  const address = parts.reduce((sum, part) => sum * 256 + part, 0);
  const base = address - (address % 2 ** (32 - prefix));
  return Array.from({ length: count }, (_, i) => {
    const at = base + i * size;
    return `${[24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join(".")}/${32 - bits}`;
  });
}
