import { badRequest, type HttpAuthorizer } from "./model.ts";

/** https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html */
const MAX_TTL_S = 3600;
const SOURCE = /^\$(request\.(header|querystring)|context|stageVariables)\.[\w.$-]+$/;

/** Checks an authorizer as API Gateway does. */
export function checkedAuthorizer(authorizer: HttpAuthorizer): HttpAuthorizer {
  const { type, name, identitySource, ttlSeconds } = authorizer;
  if (!name) throw badRequest("Authorizer name must be specified");
  for (const source of identitySource)
    if (!SOURCE.test(source)) throw badRequest(`Invalid mapping expression specified: ${source}`);
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 0 || ttlSeconds > MAX_TTL_S)
    throw badRequest("AuthorizerResultTtlInSeconds must be between 0 and 3600");
  if (type === "JWT") return checkedJwt(authorizer);
  if (type !== "REQUEST") throw badRequest("Authorizer type must be JWT or REQUEST for HTTP APIs");
  const { uri, payloadFormatVersion, simpleResponses } = authorizer;
  if (!/^arn:[\w-]+:apigateway:[\w-]+:lambda:path\/.+\/invocations$/.test(uri ?? ""))
    throw badRequest(
      "Invalid Authorizer URI. Authorizer URI must be a valid API Gateway ARN that represents a Lambda function invocation.",
    );
  if (!["1.0", "2.0"].includes(payloadFormatVersion ?? ""))
    throw badRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer");
  if (simpleResponses && payloadFormatVersion !== "2.0")
    throw badRequest("EnableSimpleResponses is only supported for authorizer payload format version 2.0");
  if (ttlSeconds > 0 && identitySource.length === 0)
    throw badRequest("IdentitySource is required when authorizer caching is enabled");
  return authorizer;
}

function checkedJwt(authorizer: HttpAuthorizer): HttpAuthorizer {
  const { jwt, identitySource } = authorizer;
  if (identitySource.length !== 1) throw badRequest("Identity source must be a single expression for JWT authorizers");
  if (!jwt?.issuer || !URL.canParse(jwt.issuer) || !/^https?:/.test(jwt.issuer))
    throw badRequest(`Invalid issuer: ${jwt?.issuer}. Issuer must have a valid URL`);
  if (jwt.audience.length === 0) throw badRequest("Audience list must have at least 1 item in the list");
  return authorizer;
}
