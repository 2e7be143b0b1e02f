import { isIP } from "node:net";

const AWS_ZONES = ["amazonaws.com", "on.aws", "cloudfront.net", "amazoncognito.com"];

/**
 * Whether the Host header names this platform. A page of another site that rebinds its own name to the loopback address
 * sends that name, and is refused by it (DNS rebinding).
 */
export function isOurHost(host: string, publicHost: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  if (host === publicHost || host.endsWith(`.${publicHost}`)) return true;
  if (isIP(host.replace(/^\[|\]$/g, "")) !== 0) return true;
  return AWS_ZONES.some((zone) => host.endsWith(`.${zone}`));
}
