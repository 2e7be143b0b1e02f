import type { RouteRequest } from "../../aws/route-answer.ts";
import type { Context } from "../../aws/context.ts";
import type { Principal } from "../../aws/principal.ts";
import type { ContextVariables } from "../../compute/edge/context-variables.ts";
import { requestTime, type EdgeRequest } from "../../compute/edge/edge-request.ts";
import { NO_IDENTITY, proxyEvent } from "../../compute/edge/proxy-event.ts";
import type { MatchedResource } from "./match-resource.ts";
import type { Deployment, Method, RestApi, Stage } from "./model.ts";
import type { RestState } from "./state.ts";

export type RestContext = Context<RestState>;

/** What serves a request: an API's stage with the deployment that was chosen for it. */
export interface Served {
  readonly api: RestApi;
  readonly stage: Stage;
  readonly deployment: Deployment;
  /** Stage variables, with what a canary overrides. */
  readonly variables: Readonly<Record<string, string>>;
  readonly canary: boolean;
  /** What a custom domain name put before the path; set where the call came by one. */
  readonly basePath?: string | undefined;
}

/** One request to a method. */
export interface Call extends Served {
  readonly matched: MatchedResource;
  readonly method: Method;
  readonly request: EdgeRequest;
  /** What `$context` names; grows as the call goes on. */
  readonly context: ContextVariables;
}

/** A call that came over HTTP, as its signature covers it. */
export interface IncomingCall extends Call {
  readonly incoming: RouteRequest;
}

/** Who calls, as the integration's event tells it. */
export interface Caller {
  readonly identity: Readonly<Record<string, unknown>>;
  readonly authorizer?: Readonly<Record<string, unknown>>;
  /** The signer of the request, for integrations with the caller's own credentials. */
  readonly principal?: Principal;
  /** The API key that an authorizer gave. */
  readonly usageKey?: string;
}

export function headerValue(request: Pick<EdgeRequest, "headers">, name: string): string | undefined {
  return request.headers.find(([n]) => n.toLowerCase() === name)?.[1];
}

/** The ARN of the method that is called, with the path as it came. */
export function methodArn(ctx: RestContext, call: Pick<Call, "api" | "stage" | "request">): string {
  const { api, stage, request } = call;
  return `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/${stage.name}/${request.method}${request.rawPath}`;
}

export const extendedId = (ctx: RestContext): string => ctx.requestId.replaceAll("-", "").slice(0, 16);

/** Notes how an integration answered, for logs and templates. */
export function integrated(ctx: RestContext, { context }: Call, status: number, latencyMs: number): void {
  const latency = Math.round(latencyMs);
  context["integration"] = { latency, status, integrationStatus: status, requestId: ctx.requestId };
  context["integrationLatency"] = latency;
  context["integrationStatus"] = status;
}

/** The path as the client asked for it: behind the stage's name, or behind what a custom domain name put there. */
const askedPath = ({ stage, basePath }: Served, rawPath: string): string => (basePath ?? `/${stage.name}`) + rawPath;

/** `$context` at the start of a call. */
export function firstContext(
  ctx: RestContext,
  served: Served,
  request: Pick<EdgeRequest, "method" | "rawPath" | "headers" | "sourceIp" | "domainName" | "protocol" | "time">,
  matched: MatchedResource | undefined,
): ContextVariables {
  const userAgent = headerValue(request, "user-agent") ?? null;
  return {
    accountId: ctx.account,
    apiId: served.api.id,
    awsEndpointRequestId: ctx.requestId,
    deploymentId: served.deployment.id,
    domainName: request.domainName,
    domainPrefix: request.domainName.split(".")[0],
    extendedRequestId: extendedId(ctx),
    httpMethod: request.method,
    identity: { ...NO_IDENTITY, sourceIp: request.sourceIp, userAgent },
    isCanaryRequest: served.canary,
    path: askedPath(served, request.rawPath),
    protocol: request.protocol,
    requestId: ctx.requestId,
    requestTime: requestTime(request.time),
    requestTimeEpoch: request.time,
    stage: served.stage.name,
    xrayTraceId: headerValue(request, "x-amzn-trace-id"),
    ...(matched ? { resourceId: matched.resource.id, resourcePath: matched.resource.path } : {}),
  };
}

/** The event that proxy integrations and authorizers get. */
export function eventOf(ctx: RestContext, call: Call, caller: Caller, binary: boolean): Record<string, unknown> {
  const { api, stage, deployment, matched, request, variables } = call;
  return proxyEvent(request, {
    account: ctx.account,
    apiId: api.id,
    stage: stage.name,
    deploymentId: deployment.id,
    requestId: ctx.requestId,
    extendedRequestId: extendedId(ctx),
    resourceId: matched.resource.id,
    resourcePath: matched.resource.path,
    stagedPath: askedPath(call, request.rawPath),
    basePath: call.basePath,
    pathParameters: matched.parameters,
    stageVariables: variables,
    identity: caller.identity,
    ...(caller.authorizer ? { authorizer: caller.authorizer } : {}),
    binary,
  });
}
