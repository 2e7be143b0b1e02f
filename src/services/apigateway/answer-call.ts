import type { RouteRequest } from "../../aws/route-answer.ts";
import { readEdgeRequest, type EdgeRequest } from "../../compute/edge/edge-request.ts";
import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import type { ContextVariables } from "../../compute/edge/context-variables.ts";
import { newTraceId } from "../../compute/edge/trace-id.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { authorizeCall } from "./authorize-call.ts";
import { firstContext, type Call, type IncomingCall, type RestContext, type Served } from "./call.ts";
import { isRefusal, refusalResponse, type Refusal } from "./gateway-responses.ts";
import { integrate } from "./integrate.ts";
import { meterCall } from "./meter-call.ts";
import { methodRequest } from "./method-headers.ts";
import { validateRequest } from "./validate-request.ts";
import { matchResource } from "./match-resource.ts";

/** An answer, with what the logs may say of it. */
export interface Answered {
  readonly response: EdgeResponse;
  readonly context: ContextVariables;
  /** Undefined where no method is there for the request. */
  readonly call?: Call;
}

/** Answers a request to a stage: by its method's integration, or by a refusal on the way to it. */
export async function answerCall(
  ctx: RestContext,
  served: Served,
  incoming: RouteRequest,
  rawPath: string,
): Promise<Answered> {
  const { deployment, variables } = served;
  const matched = matchResource(deployment.resources, rawPath, incoming.method ?? "GET");
  const request = await readRequest(ctx, incoming, rawPath);
  const head = isRefusal(request) ? undefined : request;
  const context = firstContext(ctx, served, head ?? headOf(ctx, incoming, rawPath), matched);
  const refuse = (refusal: Refusal): EdgeResponse =>
    refusalResponse(refusal, {
      responses: deployment.gatewayResponses,
      context,
      variables,
      request: head,
      parameters: matched?.parameters ?? {},
    });
  const method = matched && (matched.resource.methods[incoming.method ?? "GET"] ?? matched.resource.methods["ANY"]);
  if (!matched || !method) {
    const refusal = { refused: "MISSING_AUTHENTICATION_TOKEN", message: "Missing Authentication Token" } as const;
    return { context, response: refuse(refusal) };
  }
  if (isRefusal(request)) return { context, response: refuse(request) };
  const call: IncomingCall = { ...served, matched, method, request, incoming, context };
  const answer = await serve(ctx, call);
  return { context, call, response: isRefusal(answer) ? refuse(answer) : answer };
}

async function serve(ctx: RestContext, call: IncomingCall): Promise<EdgeResponse | Refusal> {
  const authorized = await authorizeCall(ctx, call);
  if (isRefusal(authorized)) return authorized;
  Object.assign(call.context["identity"] as object, authorized.identity);
  const caller = await meterCall(ctx, call, authorized);
  if (isRefusal(caller)) return caller;
  Object.assign(call.context["identity"] as object, caller.identity);
  return validateRequest(call) ?? integrate(ctx, call, caller);
}

async function readRequest(ctx: RestContext, incoming: RouteRequest, rawPath: string): Promise<EdgeRequest | Refusal> {
  try {
    return methodRequest(
      await readEdgeRequest(ctx, incoming, { rawPath, traceId: clientTrace(incoming) ?? newTraceId(ctx) }),
    );
  } catch (error) {
    if (error instanceof AwsError)
      return { refused: "REQUEST_TOO_LARGE", message: error.message, status: error.status };
    throw error;
  }
}

/** The trace that a client goes on with: its root, its own segment and whether it is sampled. */
function clientTrace({ headers }: RouteRequest): string | undefined {
  const given = String(headers["x-amzn-trace-id"] ?? "");
  const [root] = /\bRoot=1-[0-9a-f]{8}-[0-9a-f]{24}\b/.exec(given) ?? [];
  const parts = [root, /\bParent=[0-9a-f]{16}\b/.exec(given)?.[0], /\bSampled=[01]\b/.exec(given)?.[0]];
  return root && parts.filter((part) => part !== undefined).join(";");
}

/** What is known of a request whose body was too long to be read. */
function headOf(ctx: RestContext, incoming: RouteRequest, rawPath: string): Parameters<typeof firstContext>[2] {
  return {
    method: incoming.method ?? "GET",
    rawPath,
    headers: [],
    sourceIp: ctx.http?.sourceIp ?? "",
    domainName: (incoming.headers.host ?? "").replace(/:\d+$/, ""),
    protocol: `HTTP/${incoming.httpVersion}`,
    time: ctx.now(),
  };
}
