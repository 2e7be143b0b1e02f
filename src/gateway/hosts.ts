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

/**
 * Whether a host below the platform's own may be a custom domain name: `api.shop.localhost`. Those of its services
 * (`<bucket>.s3.localhost`, `sqs.localhost`) are refused as names, so they are only sorted out here for speed.
 */
export function mayBeUsersHost(host: string, publicHost: string): boolean {
  if (host === publicHost || host === "localhost" || !host.includes(".")) return false;
  if (host.includes(".execute-api.") || host.includes(".lambda-url.")) return false;
  if (host.includes(".s3.") || host.startsWith("s3.") || isIP(host.replace(/^\[|\]$/g, "")) !== 0) return false;
  return !AWS_ZONES.some((zone) => host.endsWith(`.${zone}`));
}
