const NAMES: ReadonlyMap<string, string> = new Map(
  (
    "Accept-Ranges Access-Control-Allow-Credentials Access-Control-Allow-Headers Access-Control-Allow-Methods " +
    "Access-Control-Allow-Origin Access-Control-Expose-Headers Access-Control-Max-Age Allow Cache-Control Connection " +
    "Content-Disposition Content-Encoding Content-Language Content-Length Content-Range Content-Security-Policy " +
    "Content-Type ETag Expires Last-Modified Location Vary"
  )
    .split(" ")
    .map((name) => [name.toLowerCase(), name]),
);

/** Headers as S3 spells them, for clients that compare names as they stand; its own stay in lower case. */
export function spelled(headers: Readonly<Record<string, string>>): Record<string, string> {
  const named: Record<string, string> = {};
  for (const name of Object.keys(headers)) named[NAMES.get(name) ?? name] = headers[name]!;
  return named;
}
