import { hmacSha256, scopeText, sha256Hex, signingKey, stringToSign } from "./sigv4-canonical.ts";
import { amzDateOf } from "./sigv4.ts";

interface ToSign {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly rawQuery: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The headers of a request to an AWS API with its signature (version 4); `now` is in milliseconds since the epoch. */
export function signedHeaders(
  { method, host, path, rawQuery, headers, body }: ToSign,
  { accessKeyId, secretAccessKey, sessionToken }: SigningCredentials,
  { region, service, now }: { region: string; service: string; now: number },
): [string, string][] {
  const amzDate = amzDateOf(now);
  const scope = { amzDate, date: amzDate.slice(0, 8), region, service };
  const payloadHash = sha256Hex(body);
  const all: [string, string][] = [
    ...headers.map(([name, value]): [string, string] => [name.toLowerCase(), value]),
    ["host", host],
    ["x-amz-content-sha256", payloadHash],
    ["x-amz-date", amzDate],
  ];
  if (sessionToken) all.push(["x-amz-security-token", sessionToken]);
  const names = all.map(([name]) => name).toSorted();
  const text = stringToSign({ method, path, rawQuery, headers: Object.fromEntries(all) }, scope, names, payloadHash);
  const signature = hmacSha256(signingKey(secretAccessKey, scope.date, region, service), text).toString("hex");
  const credential = `${accessKeyId}/${scopeText(scope)}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return [...all, ["authorization", authorization]];
}
