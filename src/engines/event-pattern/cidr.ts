import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Turns a CIDR block into a test of addresses; `undefined` where it is malformed. */
export function parseCidr(block: string): ((address: string) => boolean) | undefined {
  const [address = "", bits = "", ...more] = block.split("/");
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
  const prefix = Number(bits);
  if (!family || more.length > 0 || !/^\d{1,3}$/.test(bits) || prefix > (family === "ipv4" ? 32 : 128))
    return undefined;
  const list = new BlockList();
  list.addSubnet(address, prefix, family);
  return (candidate) =>
    (isIPv4(candidate) ? family === "ipv4" : isIPv6(candidate) && family === "ipv6") && list.check(candidate, family);
}
