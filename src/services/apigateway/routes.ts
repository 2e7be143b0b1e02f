import type { ServerResponse } from "node:http";
import type { Route } from "../../aws/service.ts";
import { apiAddress, type ApiAddress } from "../../compute/edge/api-address.ts";
import { recordApiCall } from "../../compute/edge/api-metrics.ts";
import { jsonResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { sendEdgeResponse } from "../../compute/edge/send-response.ts";
import { answerCall } from "./answer-call.ts";
import { extendedId, type RestContext, type Served } from "./call.ts";
import type { Deployment, RestApi, Stage } from "./model.ts";
import type { RestState } from "./state.ts";

/** The endpoints of REST APIs: `<id>.execute-api.<host>/<stage>/...` and `/restapis/<id>/<stage>/_user_request_/...`. */
export const restEndpoint: Route<RestState, ApiAddress> = {
  name: "REST API",
  match: (target) => apiAddress(target, "rest"),
  async handle(ctx, address, request, response) {
    const started = performance.now();
    const [, stageName = "", rest = "/"] = /^\/([^/]*)(\/.*)?$/.exec(address.path) ?? [];
    const served = await lookUp(ctx, address.apiId, decodeURIComponent(stageName));
    const sent = { method: request.method ?? "GET", byPath: address.byPath };
    if (!served) {
      const answer = jsonResponse(403, "Forbidden", [["x-amzn-ErrorType", "ForbiddenException"]]);
      return send(ctx, response, { answer, ...sent });
    }
    const { response: answer } = await answerCall(ctx, served, request, rest || "/");
    send(ctx, response, { answer, ...sent });
    const dimensions = { ApiName: served.api.name, Stage: served.stage.name };
    recordApiCall(ctx, dimensions, answer.status, performance.now() - started);
  },
};

function send(
  ctx: RestContext,
  response: ServerResponse,
  sent: { answer: EdgeResponse; method: string; byPath: boolean },
): void {
  const extra = [
    ["x-amzn-RequestId", ctx.requestId],
    ["x-amz-apigw-id", extendedId(ctx)],
  ] as const;
  sendEdgeResponse(response, sent.answer, { method: sent.method, byPath: sent.byPath, extra });
}

async function lookUp(ctx: RestContext, apiId: string, stageName: string): Promise<Served | undefined> {
  const [api, stage] = await Promise.all([
    ctx.records.getShared<RestApi>("api", apiId),
    ctx.records.getShared<Stage>("stage", `${apiId}:${stageName}`),
  ]);
  if (!api || !stage) return undefined;
  const id = `${apiId}:${stage.value.deploymentId}`;
  const deployment = await ctx.records.getShared<Deployment>("deployment", id);
  return (
    deployment && {
      api: api.value,
      stage: stage.value,
      deployment: deployment.value,
      variables: stage.value.variables,
      canary: false,
    }
  );
}
