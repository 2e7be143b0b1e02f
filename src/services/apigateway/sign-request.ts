import type { Credentials } from "../../aws/identity.ts";
import { hmacSha256, scopeText, sha256Hex, signingKey, stringToSign } from "../../aws/sigv4-canonical.ts";
import { amzDateOf } from "../../aws/sigv4.ts";

interface ToSign {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** The headers of a request to an AWS API with its signature (version 4). */
export function signedHeaders(
  { method, url, headers, body }: ToSign,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  { region, service, now }: { region: string; service: string; now: number },
): [string, string][] {
  const amzDate = amzDateOf(now);
  const scope = { amzDate, date: amzDate.slice(0, 8), region, service };
  const payloadHash = sha256Hex(body);
  const all: [string, string][] = [
    ...headers.map(([name, value]): [string, string] => [name.toLowerCase(), value]),
    ["host", url.host],
    ["x-amz-content-sha256", payloadHash],
    ["x-amz-date", amzDate],
    ["x-amz-security-token", sessionToken],
  ];
  const names = all.map(([name]) => name).toSorted();
  const request = { method, path: url.pathname, rawQuery: url.search.slice(1), headers: Object.fromEntries(all) };
  const text = stringToSign(request, scope, names, payloadHash);
  const signature = hmacSha256(signingKey(secretAccessKey, scope.date, region, service), text).toString("hex");
  const credential = `${accessKeyId}/${scopeText(scope)}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return [...all, ["authorization", authorization]];
}
