import { isIP } from "node:net";
import { isBelowAws } from "../kernel/aws-zones.ts";

/**
 * Whether the Host header names this platform. A page of another site that rebinds its own name to the loopback address
 * sends that name, and is refused by it (DNS rebinding).
 */
export function isOurHost(host: string, publicHost: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  if (host === publicHost || host.endsWith(`.${publicHost}`)) return true;
  if (isIP(host.replace(/^\[|\]$/g, "")) !== 0) return true;
  return isBelowAws(host);
}

/** Of the platform's own, and asked for most. */
const SERVED = /(^|\.)(execute-api|lambda-url|s3)\./;

/**
 * Whether a host below the platform's own may be a custom domain name: `api.shop.localhost`. `<project>.localhost` and
 * those of services (`<bucket>.s3.localhost`) are refused as names, and sorted out here for speed.
 */
export function mayBeUsersHost(host: string, publicHost: string): boolean {
  const zone = host.endsWith(".localhost") ? "localhost" : publicHost;
  const labels = host.length - zone.length - 1;
  return labels > 0 && host.endsWith(`.${zone}`) && host.lastIndexOf(".", labels - 1) > 0 && !SERVED.test(host);
}
