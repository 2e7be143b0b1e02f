/** Below it are AWS's own hosts of APIs. */
export const AWS_ZONE = "amazonaws.com";

/**
 * What stands before the zone in a host's name (in lower case, without the port), and which zone it is: the platform's
 * own, `localhost`, or AWS's. `undefined` for the zones themselves: `platform.localhost` may be the platform's own host.
 */
export function belowZone(host: string, publicHost = "localhost"): { name: string; zone: string } | undefined {
  if (host === publicHost) return undefined;
  const zone = [publicHost, "localhost", AWS_ZONE].find((each) => host.endsWith(`.${each}`));
  return zone === undefined ? undefined : { name: host.slice(0, -zone.length - 1), zone };
}
