import type { EdgeRequest } from "./edge-request.ts";
import { group, isText, orNull, requestTime } from "./edge-request.ts";

/** What an API knows of a request beyond the request itself. */
export interface ProxyFacts {
  readonly account: string;
  readonly apiId: string;
  readonly stage: string;
  /** REST APIs name the deployment that answers. */
  readonly deploymentId?: string;
  readonly requestId: string;
  readonly extendedRequestId: string;
  readonly resourceId: string;
  /** The template that matched: `/items/{id}`. */
  readonly resourcePath: string;
  /** Path with the stage, as the client asked for it. */
  readonly stagedPath: string;
  /** What a custom domain name put before the path. */
  readonly basePath?: string | undefined;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly stageVariables: Readonly<Record<string, string>>;
  readonly identity?: Readonly<Record<string, unknown>>;
  readonly authorizer?: Readonly<Record<string, unknown>>;
  /** Whether bytes that are not text are to be sent as base64 (a media type of the API's `binaryMediaTypes`). */
  readonly binary: boolean;
  /** HTTP APIs name the format; REST APIs do not. */
  readonly version?: "1.0";
}

/**
 * The event of a Lambda proxy integration, payload format 1.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function proxyEvent(request: EdgeRequest, facts: ProxyFacts): Record<string, unknown> {
  const headers = group(request.headers);
  const query = group(new URLSearchParams(request.rawQuery));
  const userAgent = request.headers.find(([name]) => name.toLowerCase() === "user-agent")?.[1] ?? null;
  const asBase64 = request.body.length > 0 && (facts.binary || !isText(request.body));
  return {
    ...(facts.version ? { version: facts.version } : {}),
    resource: facts.resourcePath,
    path: decodePath((facts.basePath ?? "") + request.rawPath),
    httpMethod: request.method,
    headers: headers.last,
    multiValueHeaders: headers.all,
    queryStringParameters: orNull(query.last),
    multiValueQueryStringParameters: orNull(query.all),
    pathParameters: orNull(facts.pathParameters),
    stageVariables: orNull(facts.stageVariables),
    requestContext: {
      resourceId: facts.resourceId,
      resourcePath: facts.resourcePath,
      httpMethod: request.method,
      extendedRequestId: facts.extendedRequestId,
      requestTime: requestTime(request.time),
      path: facts.stagedPath,
      accountId: facts.account,
      protocol: request.protocol,
      stage: facts.stage,
      domainPrefix: request.domainName.split(".")[0],
      requestTimeEpoch: request.time,
      requestId: facts.requestId,
      identity: { ...NO_IDENTITY, sourceIp: request.sourceIp, userAgent, ...facts.identity },
      domainName: request.domainName,
      ...(facts.authorizer ? { authorizer: facts.authorizer } : {}),
      ...(facts.deploymentId === undefined ? {} : { deploymentId: facts.deploymentId }),
      apiId: facts.apiId,
    },
    body: request.body.length === 0 ? null : request.body.toString(asBase64 ? "base64" : "utf8"),
    isBase64Encoded: asBase64,
  };
}

/** What an event says of a caller who has not signed. */
export const NO_IDENTITY = {
  cognitoIdentityPoolId: null,
  accountId: null,
  cognitoIdentityId: null,
  caller: null,
  sourceIp: null,
  principalOrgId: null,
  accessKey: null,
  cognitoAuthenticationType: null,
  cognitoAuthenticationProvider: null,
  userArn: null,
  userAgent: null,
  user: null,
};

/** A path in the clear; a part that is not proper percent-encoding stays as it is. */
export function decodePath(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
