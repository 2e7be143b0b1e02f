import { badRequest, missing, type Authorizer } from "./model.ts";

/** https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html */
const MAX_TTL_S = 3600;

/** Checks an authorizer as API Gateway does; kinds that nothing here can ask are refused by name. */
export function checkedAuthorizer(given: Authorizer): Authorizer {
  const ttl = Number(given.authorizerResultTtlInSeconds);
  const authorizer = { ...given, authorizerResultTtlInSeconds: ttl };
  const { type, name, authorizerUri, identitySource } = authorizer;
  if (!name) throw badRequest("Authorizer name must be specified");
  if ((type as string) === "COGNITO_USER_POOLS") throw missing("authorizers (COGNITO_USER_POOLS)");
  if (!["TOKEN", "REQUEST"].includes(type)) throw badRequest("Invalid authorizer type specified");
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > MAX_TTL_S)
    throw badRequest("Authorizer result TTL must be between 0 and 3600 seconds");
  if (!/^arn:[\w-]+:apigateway:[\w-]+:lambda:path\/.+\/invocations$/.test(authorizerUri ?? ""))
    throw badRequest(
      "Invalid Authorizer URI. Authorizer URI must be a valid API Gateway ARN that represents a Lambda function invocation.",
    );
  for (const source of (identitySource ?? "").split(",").map((s) => s.trim()))
    if (source !== "" && !/^(method\.request\.(header|querystring|path)|stageVariables|context)\.\S+$/.test(source))
      throw badRequest(`Invalid identity source specified: ${source}`);
  return authorizer;
}
