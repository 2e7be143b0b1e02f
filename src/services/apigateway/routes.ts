import type { RouteAnswer } from "../../aws/route-answer.ts";
import type { Route } from "../../aws/service.ts";
import { apiAddress, type ApiAddress } from "../../compute/edge/api-address.ts";
import { edgeAnswer } from "../../compute/edge/edge-answer.ts";
import { decodePath } from "../../compute/edge/proxy-event.ts";
import { jsonResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { answerCall } from "./answer-call.ts";
import { extendedId, type RestContext, type Served } from "./call.ts";
import type { Canary, Deployment, RestApi, Stage } from "./model.ts";
import { observeCall } from "./observe-call.ts";
import type { RestState } from "./state.ts";

/** The endpoints of REST APIs: `<id>.execute-api.<host>/<stage>/...` and `/restapis/<id>/<stage>/_user_request_/...`. */
export const restEndpoint: Route<RestState, ApiAddress> = {
  name: "REST API",
  match: (target) => apiAddress(target, "rest"),
  async answer(ctx, address, request) {
    const started = performance.now();
    const [, stageName = "", rest = "/"] = /^\/+([^/]*)(\/.*)?$/.exec(address.path) ?? [];
    const found = await lookUp(ctx, address.apiId, decodePath(stageName));
    const closed = found?.api.disableExecuteApiEndpoint === true && address.basePath === undefined;
    const served = closed ? undefined : found && { ...found, basePath: address.basePath };
    if (!served) {
      const answer = jsonResponse(403, "Forbidden", [["x-amzn-ErrorType", "ForbiddenException"]]);
      return sent(ctx, address, answer);
    }
    const answered = await answerCall(ctx, served, request, rest || "/");
    observeCall(ctx, served, answered, performance.now() - started);
    return sent(ctx, address, answered.response);
  },
};

function sent(ctx: RestContext, { byPath }: ApiAddress, answer: EdgeResponse): RouteAnswer {
  const extra = [
    ["x-amzn-RequestId", ctx.requestId],
    ["x-amz-apigw-id", extendedId(ctx)],
  ] as const;
  return edgeAnswer(answer, { byPath, extra });
}

async function lookUp(ctx: RestContext, apiId: string, stageName: string): Promise<Served | undefined> {
  const [api, stage] = await Promise.all([
    ctx.records.getShared<RestApi>("api", apiId),
    ctx.records.getShared<Stage>("stage", `${apiId}:${stageName}`),
  ]);
  if (!api || !stage) return undefined;
  const { variables, canary: released } = stage.value;
  const canary = released !== undefined && isForCanary(ctx, released);
  const id = `${apiId}:${canary ? released.deploymentId : stage.value.deploymentId}`;
  const deployment = await ctx.records.getShared<Deployment>("deployment", id);
  return (
    deployment && {
      api: api.value,
      stage: stage.value,
      deployment: deployment.value,
      variables: canary ? { ...variables, ...released.stageVariableOverrides } : variables,
      canary,
    }
  );
}

/** Draws a canary's share of the requests, in hundredths of a percent. */
function isForCanary(ctx: RestContext, { percentTraffic }: Canary): boolean {
  return percentTraffic > 0 && Number(ctx.platform.ids.text(4, "0123456789")) < percentTraffic * 100;
}
