import { hmacSha256, scopeText, sha256Hex, signingKey } from "./sigv4-canonical.ts";

/** What git credentials are signed for: a repository's path on a host, without its port. */
export interface GitResource {
  readonly host: string;
  readonly path: string;
  readonly region: string;
}

/**
 * The signature in the password that `aws codecommit credential-helper`, git-remote-codecommit and `starling git-credential` make.
 * `timestamp` has no zone: `20260131T235959`.
 */
export function gitSignature(secret: string, timestamp: string, { host, path, region }: GitResource): string {
  const date = timestamp.slice(0, 8);
  const canonical = `GIT\n${path}\n\nhost:${host}\n\nhost\n`;
  const scope = scopeText({ amzDate: timestamp, date, region, service: "codecommit" });
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256Hex(canonical)}`;
  return hmacSha256(signingKey(secret, date, region, "codecommit"), text).toString("hex");
}
