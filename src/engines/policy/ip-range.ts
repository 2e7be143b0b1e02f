import { isIPv4, isIPv6 } from "node:net";

/** An address range: its first bits as a number, and how many of them count. */
export interface IpRange {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly prefix: number;
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. */
export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : undefined;
  if (!family || address.includes("%")) return undefined;
  const width = family === 4 ? 32 : 128;
  const suffix = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(suffix) || Number(suffix) > width) return undefined;
  return { family, bits: family === 4 ? v4Bits(address) : v6Bits(address), prefix: Number(suffix) };
}

/** Whether an address (or smaller range) lies in a range. An IPv4-mapped IPv6 address counts as IPv4. */
export function ipInRange(address: string, range: IpRange): boolean {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const one = parseIpRange(plain);
  if (!one || one.family !== range.family || one.prefix < range.prefix) return false;
  const shift = BigInt((range.family === 4 ? 32 : 128) - range.prefix);
  return one.bits >> shift === range.bits >> shift;
}

function v4Bits(address: string): bigint {
  return address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function v6Bits(address: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  let text = address;
  if (dotted?.[1] && dotted[2]) {
    const v4 = v4Bits(dotted[2]);
    text = `${dotted[1]}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  }
  const [head = "", tail] = text.split("::");
  const left = head ? head.split(":") : [];
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].reduce((bits, part) => (bits << 16n) | BigInt(`0x${part}`), 0n);
}
