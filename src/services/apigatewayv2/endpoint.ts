import type { RouteRequest } from "../../aws/route-answer.ts";
import type { Route } from "../../aws/service.ts";
import { apiAddress, type ApiAddress } from "../../compute/edge/api-address.ts";
import { ApiMeter } from "../../compute/edge/api-metrics.ts";
import { callFunction, functionOfUri } from "../../compute/edge/call-function.ts";
import { corsHeaders, preflight } from "../../compute/edge/cors.ts";
import { edgeAnswer } from "../../compute/edge/edge-answer.ts";
import { readEdgeRequest, type EdgeRequest } from "../../compute/edge/edge-request.ts";
import { decodePath } from "../../compute/edge/proxy-event.ts";
import { matchPath } from "../../compute/edge/path-match.ts";
import { jsonResponse, readProxyResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { newTraceId } from "../../compute/edge/trace-id.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { authorizeRoute } from "./authorize-route.ts";
import { callEndpoint } from "./http-integration.ts";
import { mappedRequest } from "./map-request.ts";
import { mappedResponse } from "./map-response.ts";
import { callService } from "./service-integration.ts";
import type { HttpApi, HttpDeployment, HttpRoute, HttpStage, Served } from "./model.ts";
import { observedOf, observeRoute, type Observed, type Seen } from "./observe-route.ts";
import { eventOf, type Matched, type PlannedCall } from "./route-call.ts";
import type { HttpContext, HttpState } from "./state.ts";

/** How requests of one method and path are served; kept until something is written. */
interface Plan {
  readonly api: HttpApi;
  readonly served?: PlannedCall | undefined;
  readonly meter: ApiMeter;
  /** Where the stage throttles, logs or measures. */
  readonly observed?: Observed | undefined;
}

/** Longer paths are not worth the memory. */
const MAX_PLANNED_PATH = 256;

/** The endpoints of HTTP APIs. */
export const httpEndpoint: Route<HttpState, ApiAddress> = {
  name: "HTTP API",
  match: (target) => apiAddress(target, "http"),
  async answer(ctx, address, request) {
    const started = performance.now();
    const { method = "GET" } = request;
    const { apiId, path } = address;
    const planning =
      path.length > MAX_PLANNED_PATH
        ? makePlan(ctx, address, method)
        : ctx.records.madeFor(
            address,
            () => `plan\n${apiId}\n${method} ${path}`,
            () => makePlan(ctx, address, method),
          );
    const made = planning instanceof Promise ? await planning : planning;
    const closed = made?.api.disableExecuteApiEndpoint === true && address.basePath === undefined;
    const plan = closed ? undefined : made;
    const observed = plan?.observed;
    const seen: Seen | undefined = observed && {};
    const answer = plan
      ? await answerCall(ctx, plan, { incoming: request, seen, basePath: address.basePath })
      : jsonResponse(404, "Not Found");
    const extra: [string, string][] = [["apigw-requestid", ctx.requestId]];
    const { origin } = request.headers;
    if (plan?.api.cors && origin !== undefined) extra.push(...corsHeaders(plan.api.cors, origin));
    const latencyMs = performance.now() - started;
    plan?.meter.ended(answer.status, latencyMs, ctx.now());
    if (observed && seen) observeRoute(ctx, observed, { incoming: request, answer, seen, path, latencyMs });
    return edgeAnswer(answer, { byPath: address.byPath, extra });
  },
};

async function makePlan(ctx: HttpContext, address: ApiAddress, method: string): Promise<Plan | undefined> {
  const api = (await ctx.records.getShared<HttpApi>("api", address.apiId))?.value;
  if (!api) return undefined;
  const found = await findStage(ctx, api, address.path);
  const deployment = found?.stage.deploymentId
    ? (await ctx.records.getShared<HttpDeployment>("deployment", `${api.id}:${found.stage.deploymentId}`))?.value
    : undefined;
  const served = found && (found.stage.autoDeploy ? api : deployment);
  const matched = served && matchRoute(served, method, found.rest);
  const observed = found && observedOf(ctx, api, found.stage, matched?.route);
  const plan = { api, meter: new ApiMeter(ctx, { ApiId: api.id }), observed };
  if (!matched) return plan;
  const { stage, rest } = found;
  const { key } = matched.route;
  const [verb = "", path = ""] = key.split(" ", 2);
  // The route as it is declared, variables and all: CDK's permissions name "/{proxy+}", SAM's a wildcard in its place.
  const permitted = key === "$default" ? key : `${verb === "ANY" ? "*" : verb}${path}`;
  const sourceArn = `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/${stage.name}/${permitted}`;
  const functionArn = functionOfUri(matched.integration.uri, stage.variables);
  const template = key === "$default" ? key : path;
  const authorizer = served.authorizers?.find((one) => one.id === matched.route.authorizerId);
  return { ...plan, served: { api, stage, matched, rest, functionArn, sourceArn, template, authorizer } };
}

/** The stage that the path's first part names, else `$default`; and the path behind it. */
async function findStage(
  ctx: HttpContext,
  api: HttpApi,
  path: string,
): Promise<{ stage: HttpStage; rest: string } | undefined> {
  const [, first = "", rest = ""] = /^\/([^/]*)(\/.*)?$/.exec(path) ?? [];
  const named = first ? await ctx.records.getShared<HttpStage>("stage", `${api.id}:${decodePath(first)}`) : undefined;
  if (named) return { stage: named.value, rest: rest || "/" };
  const fallback = await ctx.records.getShared<HttpStage>("stage", `${api.id}:$default`);
  return fallback && { stage: fallback.value, rest: path };
}

async function answerCall(
  ctx: HttpContext,
  plan: Plan,
  { incoming, seen, basePath }: { incoming: RouteRequest; seen: Seen | undefined; basePath: string | undefined },
): Promise<EdgeResponse> {
  const early = preflight(plan.api.cors, incoming);
  if (early) return early;
  const { served } = plan;
  if (!served) return jsonResponse(404, "Not Found");
  const throttle = plan.observed?.throttle;
  if (throttle && !ctx.state.buckets.take([throttle], ctx.now())) return jsonResponse(429, "Too Many Requests");
  try {
    const read = readEdgeRequest(ctx, incoming, { rawPath: served.rest, traceId: newTraceId(ctx) });
    const request = read instanceof Promise ? await read : read;
    if (served.matched.route.authorizationType === "NONE")
      return await callIntegration(ctx, { ...served, plan: served, request, basePath });
    const caller = await authorizeRoute(ctx, { ...served, request, incoming, basePath });
    if ("status" in caller) return caller;
    if (seen) seen.authorizer = caller.authorizer;
    return await callIntegration(ctx, { ...served, plan: served, request, basePath, caller: caller.authorizer });
  } catch (error) {
    if (error instanceof AwsError) return jsonResponse(error.status, error.message);
    throw error;
  }
}

/** A full match wins over one with parameters, that over a greedy one, and `$default` comes last; a method wins over ANY. */
function matchRoute(served: Served, method: string, path: string): Matched | undefined {
  let best: { route: HttpRoute; parameters: Readonly<Record<string, string>>; rank: string } | undefined;
  for (const route of served.routes) {
    if (route.key === "$default") {
      best ??= { route, parameters: {}, rank: "" };
      continue;
    }
    const [verb = "", template = ""] = route.key.split(" ", 2);
    if (verb !== "ANY" && verb !== method) continue;
    const match = matchPath(template, path);
    const rank = match && match.rank + (verb === "ANY" ? "0" : "1");
    if (match && rank !== undefined && (!best || rank > best.rank || best.route.key === "$default"))
      best = { route, parameters: match.parameters, rank };
  }
  const integration = best && served.integrations.find((i) => i.id === best.route.integrationId);
  return best && integration && { route: best.route, parameters: best.parameters, integration };
}

interface Call extends PlannedCall {
  /** As it is kept. */
  readonly plan: PlannedCall;
  readonly request: EdgeRequest;
  readonly basePath: string | undefined;
}

async function callIntegration(
  ctx: HttpContext,
  asked: Call & { caller?: Readonly<Record<string, unknown>> | undefined },
): Promise<EdgeResponse> {
  const { functionArn, sourceArn } = asked;
  const { integration } = asked.matched;
  if (integration.subtype !== undefined) return callService(ctx, asked);
  const call = integration.requestParameters ? { ...asked, request: mappedRequest(ctx, asked) } : asked;
  if (!functionArn)
    return integration.type === "HTTP_PROXY" ? callEndpoint(ctx, call) : jsonResponse(500, "Internal Server Error");
  const old = integration.payloadFormatVersion === "1.0";
  const event = eventOf(ctx, call, integration.payloadFormatVersion, call.caller);
  const answer = await callFunction(ctx, {
    functionArn,
    event,
    sourceArn,
    timeoutMs: integration.timeoutInMillis,
    credentials: integration.credentialsArn,
    traceId: call.request.traceId,
    plan: asked.plan,
  });
  if (!answer.ok)
    return answer.why === "timeout" || answer.why === "throttled"
      ? jsonResponse(503, "Service Unavailable")
      : jsonResponse(500, "Internal Server Error");
  const response = readProxyResponse(answer.payload, { inferred: !old, decodes: true });
  return response ? mappedResponse(ctx, call, response) : jsonResponse(500, "Internal Server Error");
}
