import type * as Gateway from "@aws-sdk/client-api-gateway";
import { operations } from "../../../aws/service.ts";
import { group, splitUrl, type EdgeRequest } from "../../../compute/edge/edge-request.ts";
import { matchPath } from "../../../compute/edge/path-match.ts";
import { firstContext, type Call, type RestContext } from "../call.ts";
import { isRefusal, refusalResponse } from "../gateway-responses.ts";
import { integrate } from "../integrate.ts";
import { definitionsOf, methodOf, notFound, on, resourceOf, type RestApi } from "../model.ts";
import { pairs } from "../observe-call.ts";
import { validateRequest } from "../validate-request.ts";

const STAGE = "test-invoke-stage";

/** A trial call of a method of the API as it is now, as if it were deployed. */
function trialCall(ctx: RestContext, api: RestApi, input: Gateway.TestInvokeMethodRequest): Call {
  const resource = resourceOf(api, input.resourceId);
  const method = methodOf(api, input.resourceId, input.httpMethod);
  const [path, rawQuery] = splitUrl(input.pathWithQueryString || resource.path);
  const headers = Object.entries(input.headers ?? {});
  for (const [name, values] of Object.entries(input.multiValueHeaders ?? {}))
    for (const value of values) headers.push([name, value]);
  const request: EdgeRequest = {
    method: method.httpMethod === "ANY" ? "GET" : method.httpMethod,
    rawPath: path,
    rawQuery,
    headers,
    body: Buffer.from(input.body ?? ""),
    sourceIp: STAGE.replace("stage", "source-ip"),
    domainName: "testPrefix.testDomainName",
    protocol: "HTTP/1.1",
    time: ctx.now(),
    traceId: "",
  };
  const variables = input.stageVariables ?? {};
  const now = ctx.now();
  const stage = { name: STAGE, deploymentId: STAGE, variables, tracingEnabled: false, created: now, updated: now };
  const resources = Object.values(api.resources);
  const deployment = {
    id: STAGE,
    created: now,
    resources,
    binaryMediaTypes: api.binaryMediaTypes,
    ...definitionsOf(api),
  };
  const matched = { resource, parameters: matchPath(resource.path, path)?.parameters ?? {} };
  const served = { api, stage, deployment, variables, canary: false };
  return { ...served, matched, method, request, context: firstContext(ctx, served, request, matched) };
}

/** `Mon Nov 23 14:25:16 UTC 2026`. */
function logTime(now: number): string {
  const [, weekday, day, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) (\S+)/.exec(new Date(now).toUTCString())!;
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}

export const testInvoke = operations<typeof Gateway, any>()({
  TestInvokeMethod: {
    permissions: on("POST", (i) => `/restapis/${i.restApiId}/resources/${i.resourceId}/methods/${i.httpMethod}`),
    async run(ctx, input) {
      const stored = await ctx.records.get<RestApi>("api", String(input.restApiId));
      if (!stored) throw notFound("Invalid Resource identifier specified");
      const call = trialCall(ctx, stored.value, input);
      const started = performance.now();
      const answer = validateRequest(call) ?? (await integrate(ctx, call, { identity: {} }));
      const { request, matched, context, variables, deployment } = call;
      const refused = {
        context,
        variables,
        request,
        parameters: matched.parameters,
        responses: deployment.gatewayResponses,
      };
      const response = isRefusal(answer) ? refusalResponse(answer, refused) : answer;
      const body = response.body.toString();
      const { all, last } = group(response.headers);
      const time = logTime(ctx.now());
      const log = [
        `Starting execution for request: ${ctx.requestId}`,
        `HTTP Method: ${request.method}, Resource Path: ${request.rawPath}`,
        `Method request path: ${pairs(Object.entries(matched.parameters))}`,
        `Method request query string: ${pairs([...new URLSearchParams(request.rawQuery)])}`,
        `Method request headers: ${pairs(request.headers)}`,
        `Method request body before transformations: ${input.body ?? ""}`,
        ...(isRefusal(answer)
          ? [`Execution failed: ${answer.message}`]
          : [
              `Method response body after transformations: ${body}`,
              `Method response headers: ${pairs(response.headers)}`,
              "Successfully completed execution",
            ]),
        `Method completed with status: ${response.status}`,
      ];
      const lines = [`Execution log for request ${ctx.requestId}`, ...log.map((line) => `${time} : ${line}`), ""];
      const latency = Math.round(performance.now() - started);
      return { status: response.status, body, headers: last, multiValueHeaders: all, log: lines.join("\n"), latency };
    },
  },
});
