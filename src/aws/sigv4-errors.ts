import { AwsError } from "../kernel/aws-error.ts";
import type { Protocol } from "./model-pack.ts";

/** Who answers decides how a refusal is spelled. */
export interface SignatureAudience {
  readonly protocol: Protocol;
  /** The service in the credential scope or of the route. */
  readonly service: string;
}

type Family = "s3" | "query" | "json";

function familyOf({ protocol, service }: SignatureAudience): Family {
  // Without a scope nothing tells the service; who speaks REST and XML is S3 more often than not.
  if (service === "s3" || service === "s3express" || (service === "" && protocol === "restXml")) return "s3";
  return protocol === "awsQuery" || protocol === "ec2Query" || protocol === "restXml" ? "query" : "json";
}

/** The RPC services answer 400 where all others answer 403. */
function refusalStatus({ protocol }: SignatureAudience): number {
  return protocol === "awsJson1_0" || protocol === "awsJson1_1" || protocol === "rpcv2Cbor" ? 400 : 403;
}

/** The request has no signature, and the operation needs one. */
export function missingSignature(audience: SignatureAudience): AwsError {
  switch (familyOf(audience)) {
    case "s3":
      return new AwsError("AccessDenied", "Access Denied", 403);
    case "query":
      return new AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
    default:
      return new AwsError(
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
        refusalStatus(audience),
      );
  }
}

/** No such access key. */
export function unknownAccessKey(audience: SignatureAudience, accessKeyId: string): AwsError {
  const message = "The security token included in the request is invalid.";
  switch (familyOf(audience)) {
    case "s3": {
      const s3Message = "The AWS Access Key Id you provided does not exist in our records.";
      return new AwsError("InvalidAccessKeyId", s3Message, 403, { AWSAccessKeyId: accessKeyId });
    }
    case "query":
      return new AwsError("InvalidClientTokenId", message, 403);
    default:
      return new AwsError("UnrecognizedClientException", message, refusalStatus(audience));
  }
}

/** The session's credentials are no longer valid. */
export function expiredToken(audience: SignatureAudience): AwsError {
  const family = familyOf(audience);
  if (family === "s3") return new AwsError("ExpiredToken", "The provided token has expired.", 400);
  const message = "The security token included in the request is expired";
  if (family === "query") return new AwsError("ExpiredToken", message, 403);
  return new AwsError("ExpiredTokenException", message, refusalStatus(audience));
}

const MISMATCH = "The request signature we calculated does not match the signature you provided. Check your ";

/** What was to be signed, as the platform reads it off the request: no secret, and the client's own. */
export interface SignedTexts {
  readonly accessKeyId: string;
  readonly signature: string;
  readonly stringToSign: string;
  /** Only the newer signature of requests has one. */
  readonly canonicalRequest?: string;
}

/** S3 shows what it has compared, so that the author of a client finds the difference. */
export function s3SignatureMismatch({ accessKeyId, signature, stringToSign, canonicalRequest }: SignedTexts): AwsError {
  return new AwsError("SignatureDoesNotMatch", `${MISMATCH}key and signing method.`, 403, {
    AWSAccessKeyId: accessKeyId,
    StringToSign: stringToSign,
    SignatureProvided: signature,
    StringToSignBytes: bytesText(stringToSign),
    ...(canonicalRequest === undefined
      ? {}
      : { CanonicalRequest: canonicalRequest, CanonicalRequestBytes: bytesText(canonicalRequest) }),
  });
}

function bytesText(text: string): string {
  return Buffer.from(text, "utf8")
    .toString("hex")
    .replace(/..(?!$)/g, "$& ");
}

/** The signature is not that of this request and key. */
export function signatureMismatch(audience: SignatureAudience, message?: string): AwsError {
  const consult = " Consult the service documentation for details.";
  switch (familyOf(audience)) {
    case "s3":
      return new AwsError("SignatureDoesNotMatch", message ?? `${MISMATCH}key and signing method.`, 403);
    case "query": {
      const text = message ?? `${MISMATCH}AWS Secret Access Key and signing method.${consult}`;
      return new AwsError("SignatureDoesNotMatch", text, 403);
    }
    default: {
      const text = message ?? `${MISMATCH}AWS Secret Access Key and signing method.${consult}`;
      return new AwsError("InvalidSignatureException", text, refusalStatus(audience));
    }
  }
}

/** The signature cannot be read. */
export function malformedSignature(audience: SignatureAudience, presigned: boolean, message: string): AwsError {
  switch (familyOf(audience)) {
    case "s3":
      return presigned
        ? new AwsError("AuthorizationQueryParametersError", message, 400)
        : new AwsError("AuthorizationHeaderMalformed", `The authorization header is malformed; ${message}`, 400);
    case "query":
      return new AwsError("IncompleteSignature", message, 400);
    default:
      return new AwsError("IncompleteSignatureException", message, 400);
  }
}

/** A presigned request lacks parameters of its signature. */
export function missingParameters(audience: SignatureAudience, missing: readonly string[]): AwsError {
  if (familyOf(audience) === "s3") {
    const message =
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, " +
      "X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
    return new AwsError("AuthorizationQueryParametersError", message, 400);
  }
  const words = missing.map((name) => `AWS query-string parameters must include '${name}'. `);
  return malformedSignature(audience, true, `${words.join("")}Re-examine the query-string parameters.`);
}

/** The clocks of the client and the platform are further apart than S3 lets them be. */
export function requestTimeTooSkewed(requestTime: string, now: number, mostMs: number): AwsError {
  const message = "The difference between the request time and the current time is too large.";
  return new AwsError("RequestTimeTooSkewed", message, 403, {
    RequestTime: requestTime,
    ServerTime: new Date(now).toISOString(),
    MaxAllowedSkewMilliseconds: String(mostMs),
  });
}

/** Two signatures on one request. */
export function severalSignatures(audience: SignatureAudience): AwsError {
  const message =
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or " +
    "the Authorization header should be specified";
  return familyOf(audience) === "s3"
    ? new AwsError("InvalidArgument", message, 400)
    : malformedSignature(audience, false, message);
}
