import { amzDateOf } from "../../src/aws/sigv4.ts";
import { hmacSha256, sha256Hex, signingKey, stringToSign } from "../../src/aws/sigv4-canonical.ts";

/** Headers of a signed POST to Lambda on this machine. */
export function signedHeaders(call: {
  port: number;
  path: string;
  body: string;
  sign: { accessKeyId: string; secretAccessKey: string };
}): Record<string, string> {
  const { path, body, sign } = call;
  const amzDate = amzDateOf(Date.now());
  const scope = { amzDate, date: amzDate.slice(0, 8), region: "us-east-1", service: "lambda" };
  const headers = { host: `127.0.0.1:${call.port}`, "x-amz-date": amzDate };
  const request = { method: "POST", path, rawQuery: "", headers };
  const text = stringToSign(request, scope, ["host", "x-amz-date"], sha256Hex(body));
  const key = signingKey(sign.secretAccessKey, scope.date, scope.region, scope.service);
  const signature = hmacSha256(key, text).toString("hex");
  const credential = `${sign.accessKeyId}/${scope.date}/${scope.region}/lambda/aws4_request`;
  return {
    "x-amz-date": amzDate,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
  };
}
