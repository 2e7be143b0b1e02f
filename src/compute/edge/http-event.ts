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
  const asBase64 = request.body.length > 0 && !(isTextType(headers["content-type"]) && isText(request.body));
  const path = decodePath(facts.stagedPath);
  // What is undefined is left out of its JSON.
  return {
    version: "2.0",
    routeKey: facts.routeKey,
    rawPath: path,
    rawQueryString: request.rawQuery,
    cookies: cookies.length > 0 ? cookies : undefined,
    headers,
    queryStringParameters: request.rawQuery === "" ? undefined : queryOf(request.rawQuery),
    requestContext: {
      accountId: facts.account,
      apiId: facts.apiId,
      authorizer: facts.authorizer,
      domainName: request.domainName,
      domainPrefix: request.domainName.split(".")[0],
      http: {
        method: request.method,
        path,
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
    body: request.body.length > 0 ? request.body.toString(asBase64 ? "base64" : "utf8") : undefined,
    pathParameters: orNothing(facts.pathParameters),
    stageVariables: orNothing(facts.stageVariables),
    isBase64Encoded: asBase64,
  };
}

/** Types whose bodies travel as they are; a form, and whatever else is named, travels as base64. */
const isTextType = (type: string | undefined): boolean =>
  type === undefined || /^\s*(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|javascript)\b)/i.test(type);

function queryOf(rawQuery: string): Record<string, string> | undefined {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQuery))
    query[name] = query[name] === undefined ? value : `${query[name]},${value}`;
  return orNothing(query);
}

const orNothing = <T extends object>(value: T): T | undefined => (Object.keys(value).length > 0 ? value : undefined);
