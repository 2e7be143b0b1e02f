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
 * The event of payload format 2.0 (HTTP APIs and function URLs), as JSON: written piece by piece, for that takes a third
 * of the time of making an object and its text.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function httpEvent(request: EdgeRequest, facts: HttpFacts): string {
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  for (const [name, value] of request.headers) {
    const key = name.toLowerCase();
    if (key === "cookie") cookies.push(...value.split(/;\s*/));
    else headers[key] = headers[key] === undefined ? value : `${headers[key]},${value}`;
  }
  const { body, domainName, rawQuery } = request;
  const asBase64 = body.length > 0 && !(isTextType(headers["content-type"]) && isText(body));
  const path = json(decodePath(facts.stagedPath));
  const routeKey = json(facts.routeKey);
  const dot = domainName.indexOf(".");
  return (
    `{"version":"2.0","routeKey":${routeKey},"rawPath":${path},"rawQueryString":${json(rawQuery)}` +
    `${cookies.length > 0 ? `,"cookies":${json(cookies)}` : ""},"headers":${json(headers)}` +
    member("queryStringParameters", rawQuery === "" ? undefined : queryOf(rawQuery)) +
    `,"requestContext":{"accountId":${json(facts.account)},"apiId":${json(facts.apiId)}` +
    member("authorizer", facts.authorizer) +
    `,"domainName":${json(domainName)},"domainPrefix":${json(dot < 0 ? domainName : domainName.slice(0, dot))}` +
    `,"http":{"method":${json(request.method)},"path":${path},"protocol":${json(request.protocol)}` +
    `,"sourceIp":${json(request.sourceIp)},"userAgent":${json(headers["user-agent"] ?? "")}}` +
    `,"requestId":${json(facts.requestId)},"routeKey":${routeKey},"stage":${json(facts.stage)}` +
    `,"time":${json(requestTime(request.time))},"timeEpoch":${request.time}}` +
    `${body.length > 0 ? `,"body":${json(body.toString(asBase64 ? "base64" : "utf8"))}` : ""}` +
    member("pathParameters", orNothing(facts.pathParameters)) +
    member("stageVariables", orNothing(facts.stageVariables)) +
    `,"isBase64Encoded":${asBase64}}`
  );
}

const json = JSON.stringify;

/** A member of an object's JSON, behind others; nothing where there is no value. */
const member = (name: string, value: object | undefined): string =>
  value === undefined ? "" : `,"${name}":${json(value)}`;

/** Types whose bodies travel as they are; a form, and whatever else is named, travels as base64. */
const isTextType = (type: string | undefined): boolean =>
  type === undefined || /^\s*(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|javascript)\b)/i.test(type);

function queryOf(rawQuery: string): Record<string, string> | undefined {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQuery))
    query[name] = query[name] === undefined ? value : `${query[name]},${value}`;
  return orNothing(query);
}

function orNothing<T extends object>(value: T): T | undefined {
  for (const _ in value) return value;
  return undefined;
}
