import type { PlannedCall } from "./route-call.ts";
import type { HttpContext } from "./state.ts";
import { contextVariable, type ContextVariables } from "../../compute/edge/context-variables.ts";
import { requestTime, type EdgeRequest } from "../../compute/edge/edge-request.ts";
import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { findPath, plain, templated } from "../../engines/mapping-template/index.ts";

/** A request on its route, with what its authorizer said of the caller. */
export type RoutedCall = PlannedCall & {
  readonly request: EdgeRequest;
  readonly caller?: Readonly<Record<string, unknown>> | undefined;
};

/** What the values of request parameters may name. */
export interface RequestValues {
  readonly request: EdgeRequest;
  /** Variables of the route's path. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly context: ContextVariables;
  readonly stageVariables: Readonly<Record<string, string>>;
  /** What the integration answered; response parameters alone may name it. */
  readonly response?: EdgeResponse;
}

/** API Gateway looks for paths in this much of a body alone. */
const MAX_SEARCHED_BODY = 100 * 1024;
const NAME = String.raw`(?:request|response|context|stageVariables)\.[\w.\-[\]'"]+`;
const REFERENCE = new RegExp(String.raw`\$\{(${NAME})\}|\$(${NAME})`, "g");

/**
 * A parameter's value for one request or its answer: `$request.body.name`, or text with such names (`${context.requestId}`) in it.
 * Undefined where it is nothing but the name of what the request does not have.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
 */
export function requestValue(template: string, values: RequestValues): string | undefined {
  const [whole] = template.matchAll(REFERENCE);
  if (whole?.[0] === template) return named(whole[1] ?? whole[2]!, values);
  return template.replaceAll(REFERENCE, (_, braced?: string, bare?: string) => named(braced ?? bare!, values) ?? "");
}

/** What a call has for its integration's parameters. */
export function valuesOfCall(ctx: HttpContext, call: RoutedCall): RequestValues {
  const { request, matched, stage, api, caller } = call;
  const { jwt, lambda, iam, ...old } = (caller ?? {}) as Record<string, object | undefined>;
  const context = {
    accountId: ctx.account,
    apiId: api.id,
    authorizer: { ...old, ...lambda, ...jwt },
    domainName: request.domainName,
    domainPrefix: request.domainName.split(".")[0],
    extendedRequestId: ctx.requestId,
    httpMethod: request.method,
    identity: {
      sourceIp: request.sourceIp,
      userAgent: headerValue(request.headers, "user-agent"),
      ...identityOf(iam),
    },
    path: request.rawPath,
    protocol: request.protocol,
    requestId: ctx.requestId,
    requestTime: requestTime(request.time),
    requestTimeEpoch: request.time,
    routeKey: matched.route.key,
    stage: stage.name,
  };
  return { request, parameters: matched.parameters, context, stageVariables: stage.variables };
}

/** Who signed a request, in the names of `$context.identity`. */
const identityOf = (iam: object = {}): object => {
  const { accountId, callerId, userId, userArn } = iam as Record<string, unknown>;
  return { accountId, caller: callerId, user: userId, userArn };
};

function named(reference: string, values: RequestValues): string | undefined {
  const { request, parameters, context, stageVariables, response } = values;
  const [, place = "", name] = /^((?:request|response)\.\w+|context|stageVariables)(?:\.(.+))?$/.exec(reference) ?? [];
  switch (place) {
    case "request.body":
      return name === undefined ? request.body.toString("utf8") : bodyValue(request.body, name);
    case "request.header":
      return headerValue(request.headers, name);
    case "response.header":
      return response && headerValue(response.headers, name);
    case "response.body":
      return response && (name === undefined ? String(response.body) : bodyValue(Buffer.from(response.body), name));
    case "request.querystring":
      return joined([...new URLSearchParams(request.rawQuery)].filter(([key]) => key === name));
    case "request.path":
      return name === undefined ? request.rawPath : ownText(parameters, name);
    case "stageVariables":
      return ownText(stageVariables, name ?? "");
    case "context":
      return written(contextVariable(context, name ?? ""));
    default:
      return undefined;
  }
}

const ownText = (values: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined;

const headerValue = (headers: EdgeRequest["headers"], name: string | undefined): string | undefined =>
  joined(headers.filter(([header]) => header.toLowerCase() === name?.toLowerCase()));

const joined = (pairs: readonly (readonly [string, string])[]): string | undefined =>
  pairs.length > 0 ? pairs.map(([, value]) => value).join(",") : undefined;

function bodyValue(body: Buffer, path: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body.subarray(0, MAX_SEARCHED_BODY).toString("utf8"));
    return written(plain(findPath(templated(value), `$.${path}`)));
  } catch {
    return undefined; // a body that is no JSON has no such value
  }
}

const written = (value: unknown): string | undefined =>
  value === undefined || value === null
    ? undefined
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value as string);
