import { newSegmentId } from "../../compute/edge/trace-id.ts";
import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import type { Call, Caller, RestContext } from "./call.ts";
import { isRefusal, serverError, type Refusal } from "./gateway-responses.ts";
import { mappedIntegration } from "./mapped-integration.ts";
import { httpProxy } from "./http-integration.ts";
import { lambdaProxy } from "./lambda-proxy.ts";
import { mapsForbiddenHeader, methodResponse } from "./method-headers.ts";
import type { Integration } from "./model.ts";

/** Answers a call by the method's integration. */
export async function integrate(ctx: RestContext, call: Call, caller: Caller): Promise<EdgeResponse | Refusal> {
  const integration = call.method.methodIntegration;
  if (!integration || mapsForbiddenHeader(integration.type, integration.requestParameters)) return serverError();
  const answer = await answerOf(ctx, call, caller, integration);
  return isRefusal(answer) ? answer : methodResponse(integration.type, answer, segmentOf(ctx, call));
}

/** The segment of the trace that the call is, as the client is told. */
function segmentOf(ctx: RestContext, { request: { traceId } }: Call): string {
  return traceId === "" || traceId.includes("Parent=") ? traceId : `${traceId};Parent=${newSegmentId(ctx)};Sampled=0`;
}

async function answerOf(
  ctx: RestContext,
  call: Call,
  caller: Caller,
  integration: Integration,
): Promise<EdgeResponse | Refusal> {
  switch (integration.type) {
    case "AWS_PROXY":
      return lambdaProxy(ctx, call, caller, integration);
    case "HTTP_PROXY":
      return httpProxy(ctx, call, integration);
    case "MOCK":
    case "AWS":
    case "HTTP":
      return mappedIntegration(ctx, call, caller, integration);
    default:
      return serverError();
  }
}
