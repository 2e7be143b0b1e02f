import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import type { Call, Caller, RestContext } from "./call.ts";
import { serverError, type Refusal } from "./gateway-responses.ts";
import { mappedIntegration } from "./mapped-integration.ts";
import { httpProxy } from "./http-integration.ts";
import { lambdaProxy } from "./lambda-proxy.ts";

/** Answers a call by the method's integration. */
export async function integrate(ctx: RestContext, call: Call, caller: Caller): Promise<EdgeResponse | Refusal> {
  const integration = call.method.methodIntegration;
  switch (integration?.type) {
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
