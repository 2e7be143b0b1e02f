import type { RouteRequest } from "../../aws/route-answer.ts";
import { splitUrl, type EdgeRequest } from "../../compute/edge/edge-request.ts";
import { httpEvent } from "../../compute/edge/http-event.ts";
import { proxyEvent } from "../../compute/edge/proxy-event.ts";
import type { HttpApi, HttpAuthorizer, HttpIntegration, HttpRoute, HttpStage } from "./model.ts";
import type { HttpContext } from "./state.ts";

export interface Matched {
  readonly route: HttpRoute;
  readonly integration: HttpIntegration;
  readonly parameters: Readonly<Record<string, string>>;
}

/** What the plan of a route says of its calls. */
export interface PlannedCall {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly matched: Matched;
  /** Path behind the stage. */
  readonly rest: string;
  /** Undefined where the integration names none. */
  readonly functionArn: string | undefined;
  /** What the function's policy must permit. */
  readonly sourceArn: string;
  /** The route's path; `$default` where it has none. */
  readonly template: string;
  /** Of a route that has one. */
  readonly authorizer?: HttpAuthorizer | undefined;
}

/** One call of a route that somebody must be let through to. */
export interface RouteCall extends PlannedCall {
  readonly request: EdgeRequest;
  /** What a custom domain name put before the path; set where the call came by one. */
  readonly basePath?: string | undefined;
  readonly incoming: RouteRequest;
}

/** The event of a call (JSON), in the format that its reader wants. */
export function eventOf(
  ctx: HttpContext,
  call: Omit<RouteCall, "incoming">,
  version: string,
  authorizer: Readonly<Record<string, unknown>> | undefined,
): string {
  const { api, stage, matched, request, template, basePath } = call;
  const before = basePath ?? (stage.name === "$default" ? "" : `/${stage.name}`);
  const { route, parameters } = matched;
  const common = {
    account: ctx.account,
    apiId: api.id,
    stage: stage.name,
    requestId: ctx.requestId,
    stagedPath: before + request.rawPath,
    pathParameters: parameters,
    stageVariables: stage.variables,
    ...(authorizer ? { authorizer } : {}),
  };
  if (version !== "1.0") return httpEvent(request, { ...common, routeKey: route.key });
  const more = {
    extendedRequestId: ctx.requestId,
    resourceId: route.id,
    resourcePath: template,
    binary: false,
    basePath,
  };
  return JSON.stringify(proxyEvent(request, { ...common, ...more, version: "1.0" }));
}

/** The value of an identity source: `$request.header.x`, `$request.querystring.x`, `$stageVariables.x` or `$context.x`. */
export function sourceValue(call: RouteCall, source: string): string | undefined {
  const { request, stage, matched, incoming, api } = call;
  const [, place = "", name = ""] =
    /^\$(request\.header|request\.querystring|stageVariables|context)\.(.+)$/.exec(source) ?? [];
  switch (place) {
    case "request.header":
      return request.headers.find(([n]) => n.toLowerCase() === name.toLowerCase())?.[1];
    case "request.querystring":
      return new URLSearchParams(splitUrl(incoming.url ?? "")[1]).get(name) ?? undefined;
    case "stageVariables":
      return stage.variables[name];
    default: {
      const known: Record<string, string | undefined> = {
        apiId: api.id,
        domainName: request.domainName,
        httpMethod: request.method,
        "identity.sourceIp": request.sourceIp,
        "identity.userAgent": request.headers.find(([n]) => n.toLowerCase() === "user-agent")?.[1],
        path: request.rawPath,
        protocol: request.protocol,
        routeKey: matched.route.key,
        stage: stage.name,
      };
      return place === "context" ? known[name] : undefined;
    }
  }
}
