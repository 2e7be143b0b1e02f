import type { EdgeRequest } from "./edge-request.ts";
import { isText, requestTime } from "./edge-request.ts";
import { decodePath } from "./proxy-event.ts";

export interface HttpFacts {
  readonly account: string;
  readonly apiId: string;
  readonly stage: string;
  readonly requestId: string;
  readonly routeKey: string;
  /** Path with the stage where the stage is not `$default`. */
  readonly stagedPath: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly stageVariables: Readonly<Record<string, string>>;
  readonly authorizer?: Readonly<Record<string, unknown>>;
}

/**
 * The event of payload format 2.0 (HTTP APIs and function URLs).
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function httpEvent(request: EdgeRequest, facts: HttpFacts): Record<string, unknown> {
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  for (const [name, value] of request.headers) {
    const key = name.toLowerCase();
    if (key === "cookie") cookies.push(...value.split(/;\s*/));
    else headers[key] = headers[key] === undefined ? value : `${headers[key]},${value}`;
  }
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(request.rawQuery))
    query[name] = query[name] === undefined ? value : `${query[name]},${value}`;
  const asBase64 = request.body.length > 0 && !isText(request.body);
  return {
    version: "2.0",
    routeKey: facts.routeKey,
    rawPath: decodePath(facts.stagedPath),
    rawQueryString: request.rawQuery,
    ...(cookies.length ? { cookies } : {}),
    headers,
    ...(Object.keys(query).length ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: facts.account,
      apiId: facts.apiId,
      ...(facts.authorizer ? { authorizer: facts.authorizer } : {}),
      domainName: request.domainName,
      domainPrefix: request.domainName.split(".")[0],
      http: {
        method: request.method,
        path: decodePath(facts.stagedPath),
        protocol: request.protocol,
        sourceIp: request.sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: facts.requestId,
      routeKey: facts.routeKey,
      stage: facts.stage,
      time: requestTime(request.time),
      timeEpoch: request.time,
    },
    ...(request.body.length ? { body: request.body.toString(asBase64 ? "base64" : "utf8") } : {}),
    ...(Object.keys(facts.pathParameters).length ? { pathParameters: facts.pathParameters } : {}),
    ...(Object.keys(facts.stageVariables).length ? { stageVariables: facts.stageVariables } : {}),
    isBase64Encoded: asBase64,
  };
}
