import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "../../aws/context.ts";
import type { Route } from "../../aws/service.ts";
import { apiAddress, type ApiAddress } from "../../compute/edge/api-address.ts";
import { readEdgeRequest, splitUrl, type EdgeRequest } from "../../compute/edge/edge-request.ts";
import { jsonResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { recordApiCall } from "../../compute/edge/api-metrics.ts";
import { sendEdgeResponse } from "../../compute/edge/send-response.ts";
import { newTraceId } from "../../compute/edge/trace-id.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { authorizeCall } from "./authorize-call.ts";
import { integrate } from "./integrate.ts";
import { matchResource } from "./match-resource.ts";
import type { Deployment, RestApi, Stage } from "./model.ts";

interface Served {
  readonly api: RestApi;
  readonly stage: Stage;
  readonly deployment: Deployment;
}

const forbidden = (message: string, type: string): EdgeResponse =>
  jsonResponse(403, message, [["x-amzn-ErrorType", type]]);

/** The endpoints of REST APIs: `<id>.execute-api.<host>/<stage>/...` and `/restapis/<id>/<stage>/_user_request_/...`. */
export const restEndpoint: Route<undefined, ApiAddress> = {
  name: "REST API",
  match: (target) => apiAddress(target, "rest"),
  async handle(ctx, address, request, response) {
    const started = performance.now();
    const [, stageName = "", rest = "/"] = /^\/([^/]*)(\/.*)?$/.exec(address.path) ?? [];
    const served = await lookUp(ctx, address.apiId, decodeURIComponent(stageName));
    const answer = served
      ? await answerCall(ctx, served, request, rest || "/")
      : forbidden("Forbidden", "ForbiddenException");
    send(ctx, response, { answer, method: request.method ?? "GET", byPath: address.byPath });
    if (served)
      recordApiCall(
        ctx,
        { ApiName: served.api.name, Stage: served.stage.name },
        answer.status,
        performance.now() - started,
      );
  },
};

function send(
  ctx: Context<any>,
  response: ServerResponse,
  sent: { answer: EdgeResponse; method: string; byPath: boolean },
): void {
  const extra = [
    ["x-amzn-RequestId", ctx.requestId],
    ["x-amz-apigw-id", ctx.requestId.replaceAll("-", "").slice(0, 16)],
  ] as const;
  sendEdgeResponse(response, sent.answer, { method: sent.method, byPath: sent.byPath, extra });
}

async function lookUp(ctx: Context<any>, apiId: string, stageName: string): Promise<Served | undefined> {
  const [api, stage] = await Promise.all([
    ctx.records.get<RestApi>("api", apiId),
    ctx.records.get<Stage>("stage", `${apiId}:${stageName}`),
  ]);
  const deployment = stage && (await ctx.records.get<Deployment>("deployment", `${apiId}:${stage.value.deploymentId}`));
  return api && stage && deployment ? { api: api.value, stage: stage.value, deployment: deployment.value } : undefined;
}

async function answerCall(
  ctx: Context<any>,
  served: Served,
  incoming: IncomingMessage,
  rawPath: string,
): Promise<EdgeResponse> {
  const { deployment, stage, api } = served;
  const [, rawQuery] = splitUrl(incoming.url ?? "");
  const matched = matchResource(deployment.resources, rawPath);
  const method = matched && (matched.resource.methods[incoming.method ?? "GET"] ?? matched.resource.methods["ANY"]);
  if (!matched || !method) return forbidden("Missing Authentication Token", "MissingAuthenticationTokenException");
  let request: EdgeRequest;
  try {
    const facts = {
      rawPath,
      rawQuery,
      sourceIp: ctx.http?.sourceIp ?? "",
      secure: ctx.http?.secure ?? false,
      port: ctx.platform.settings.port,
      traceId: newTraceId(ctx),
      time: ctx.now(),
    };
    request = await readEdgeRequest(incoming, facts);
  } catch (error) {
    if (error instanceof AwsError) return jsonResponse(error.status, error.message);
    throw error;
  }
  const identity = await authorizeCall(ctx, { api, stage: stage.name, method, request, incoming });
  if ("status" in identity) return identity;
  return integrate(ctx, { api, stage, matched, method, request, identity });
}
