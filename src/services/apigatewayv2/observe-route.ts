import type { RouteRequest } from "../../aws/route-answer.ts";
import { createHash } from "node:crypto";
import { recordApiCall } from "../../compute/edge/api-metrics.ts";
import { fillVariables, type ContextVariables } from "../../compute/edge/context-variables.ts";
import { groupOfArn, type LogPlace } from "../../compute/edge/edge-logs.ts";
import { requestTime } from "../../compute/edge/edge-request.ts";
import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import type { Throttle } from "../../compute/edge/token-buckets.ts";
import type { HttpApi, HttpRoute, HttpStage, RouteSettings } from "./model.ts";
import type { HttpContext } from "./state.ts";

/** What a stage wants to know of the calls of a route, or lets through of them; decided when the route is planned. */
export interface Observed {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly routeKey: string | undefined;
  readonly throttle?: { readonly key: string; readonly throttle: Throttle };
  readonly log?: { readonly place: LogPlace; readonly format: string };
  /** Of the route's own metrics. */
  readonly dimensions?: Readonly<Record<string, string>>;
}

/** What is learnt of a call on the way to its answer. */
export interface Seen {
  authorizer?: Readonly<Record<string, unknown>> | undefined;
}

/** Undefined where the stage asks for nothing: its calls then cost nothing more. */
export function observedOf(
  ctx: HttpContext,
  api: HttpApi,
  stage: HttpStage,
  route: HttpRoute | undefined,
): Observed | undefined {
  const routeKey = route?.key;
  const own: RouteSettings | undefined = routeKey === undefined ? undefined : stage.routeSettings?.[routeKey];
  const { throttlingRateLimit, throttlingBurstLimit, detailedMetrics } = { ...stage.defaultRouteSettings, ...own };
  const group = groupOfArn(stage.accessLog?.destinationArn ?? "");
  const format = stage.accessLog?.format;
  const limited = routeKey !== undefined && (throttlingRateLimit !== undefined || throttlingBurstLimit !== undefined);
  const detailed = detailedMetrics === true && routeKey !== undefined;
  if (!limited && !detailed && !(group && format)) return undefined;
  const stream = createHash("md5").update(`${api.id}/${stage.name}`).digest("hex");
  return {
    api,
    stage,
    routeKey,
    ...(limited
      ? {
          throttle: {
            key: `${ctx.account}/${ctx.region}/${api.id}/${stage.name}/${routeKey}`,
            // Where only one of them is said, the other is the account's.
            throttle: { rateLimit: throttlingRateLimit ?? 10_000, burstLimit: throttlingBurstLimit ?? 5_000 },
          },
        }
      : {}),
    ...(group && format ? { log: { place: { group, stream, makesGroup: false }, format } } : {}),
    ...(detailed ? { dimensions: Object.freeze(dimensionsOf(api, stage, routeKey)) } : {}),
  };
}

function dimensionsOf(api: HttpApi, stage: HttpStage, routeKey: string): Record<string, string> {
  const [method = "", resource = ""] = routeKey === "$default" ? ["$default", "$default"] : routeKey.split(" ", 2);
  return { ApiId: api.id, Stage: stage.name, Method: method, Resource: resource };
}

/** Writes and measures a call that was answered. */
export function observeRoute(
  ctx: HttpContext,
  observed: Observed,
  call: { incoming: RouteRequest; answer: EdgeResponse; seen: Seen; path: string; latencyMs: number },
): void {
  const { answer, latencyMs } = call;
  if (observed.dimensions) recordApiCall(ctx, observed.dimensions, answer.status, latencyMs);
  const { log, stage } = observed;
  if (!log) return;
  const line = fillVariables(log.format, contextOf(ctx, observed, call), { variables: stage.variables, absent: "-" });
  ctx.state.logs.write(ctx, log.place, [line]);
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html */
function contextOf(
  ctx: HttpContext,
  { api, stage, routeKey }: Observed,
  { incoming, answer, seen, path, latencyMs }: Parameters<typeof observeRoute>[2],
): ContextVariables {
  const domainName = (incoming.headers.host ?? "").replace(/:\d+$/, "");
  const now = ctx.now();
  const { jwt, lambda, iam, ...old } = (seen.authorizer ?? {}) as Record<string, Record<string, unknown> | undefined>;
  const failed = answer.status >= 400;
  const message = failed ? messageOf(answer) : undefined;
  return {
    accountId: ctx.account,
    apiId: api.id,
    authorizer: { ...old, ...lambda, ...jwt },
    awsEndpointRequestId: ctx.requestId,
    domainName,
    domainPrefix: domainName.split(".")[0],
    error: { message, messageString: message === undefined ? undefined : JSON.stringify(message) },
    extendedRequestId: ctx.requestId,
    httpMethod: incoming.method,
    identity: {
      sourceIp: ctx.http?.sourceIp,
      userAgent: incoming.headers["user-agent"],
      caller: iam?.["callerId"],
      user: iam?.["userId"],
      userArn: iam?.["userArn"],
      accountId: iam?.["accountId"],
    },
    path,
    protocol: `HTTP/${incoming.httpVersion}`,
    requestId: ctx.requestId,
    requestTime: requestTime(now),
    requestTimeEpoch: now,
    responseLatency: Math.round(latencyMs),
    responseLength: Buffer.byteLength(answer.body),
    routeKey,
    stage: stage.name,
    status: answer.status,
  };
}

/** The message that the API itself answers with. */
function messageOf({ body }: EdgeResponse): string | undefined {
  try {
    const { message } = JSON.parse(body.toString()) as { message?: unknown };
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined; // the function's own page
  }
}
