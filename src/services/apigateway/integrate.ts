import type { Context } from "../../aws/context.ts";
import { callFunction, functionOfUri } from "../../compute/edge/call-function.ts";
import type { EdgeRequest } from "../../compute/edge/edge-request.ts";
import { proxyEvent } from "../../compute/edge/proxy-event.ts";
import { jsonResponse, readProxyResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import type { CallerIdentity } from "./authorize-call.ts";
import type { MatchedResource } from "./match-resource.ts";
import type { Integration, Method, RestApi, Stage } from "./model.ts";

const DEFAULT_TIMEOUT_MS = 29_000;

export interface Call {
  readonly api: RestApi;
  readonly stage: Stage;
  readonly matched: MatchedResource;
  readonly method: Method;
  readonly request: EdgeRequest;
  readonly identity: CallerIdentity;
}

const internalError = (status: number): EdgeResponse =>
  jsonResponse(status, "Internal server error", [["x-amzn-ErrorType", "InternalServerErrorException"]]);

/** Answers a call by the method's integration. */
export async function integrate(ctx: Context<any>, call: Call): Promise<EdgeResponse> {
  const integration = call.method.methodIntegration;
  if (integration?.type === "MOCK") return mock(integration, call.request);
  if (integration?.type === "AWS_PROXY") return lambdaProxy(ctx, call, integration);
  return internalError(500);
}

async function lambdaProxy(ctx: Context<any>, call: Call, integration: Integration): Promise<EdgeResponse> {
  const { api, stage, matched, method, request } = call;
  const functionArn = functionOfUri(integration.uri ?? "", stage.variables);
  if (!functionArn) return internalError(500);
  const event = proxyEvent(request, {
    account: ctx.account,
    apiId: api.id,
    stage: stage.name,
    requestId: ctx.requestId,
    extendedRequestId: ctx.requestId.replaceAll("-", "").slice(0, 16),
    resourceId: matched.resource.id,
    resourcePath: matched.resource.path,
    stagedPath: `/${stage.name}${request.rawPath === "/" ? "/" : request.rawPath}`,
    pathParameters: matched.parameters,
    stageVariables: stage.variables,
    identity: call.identity.identity,
    binary: matchesMediaType(api.binaryMediaTypes, header(request, "content-type")),
  });
  const answer = await callFunction(ctx, {
    functionArn,
    event,
    // The `*` of a permission stands for a stage, a method and a path; ANY is the method of a catch-all.
    sourceArn: `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/${stage.name}/${method.httpMethod === "ANY" ? "*" : method.httpMethod}${templatePath(matched.resource.path)}`,
    timeoutMs: integration.timeoutInMillis ?? DEFAULT_TIMEOUT_MS,
    credentials: integration.credentials,
  });
  if (!answer.ok) {
    if (answer.why === "timeout") return jsonResponse(504, "Endpoint request timed out");
    return internalError(answer.why === "failed" ? 502 : 500);
  }
  const response = readProxyResponse(answer.payload, {
    inferred: false,
    decodes: matchesMediaType(api.binaryMediaTypes, header(request, "accept")),
  });
  if (!response) return internalError(502);
  const typed = response.headers.some(([name]) => name.toLowerCase() === "content-type");
  return typed ? response : { ...response, headers: [["Content-Type", "application/json"], ...response.headers] };
}

/** A resource's path as permissions name it: parameters become `*`. */
const templatePath = (path: string): string => path.replaceAll(/\{[^}]+\}/g, "*");

function header(request: EdgeRequest, name: string): string | undefined {
  return request.headers.find(([n]) => n.toLowerCase() === name)?.[1];
}

/** Whether the first media type of a header is one of the API's binary ones. */
function matchesMediaType(types: readonly string[], value: string | undefined): boolean {
  const first = value?.split(/[,;]/)[0]?.trim().toLowerCase();
  return types.some(
    (type) =>
      type === "*/*" ||
      type.toLowerCase() === first ||
      (type.endsWith("/*") && first?.startsWith(type.slice(0, -1)) === true),
  );
}

/** A MOCK integration: the status from the request template, then that response's headers and template. */
function mock(integration: Integration, request: EdgeRequest): EdgeResponse {
  const contentType = header(request, "content-type")?.split(";")[0] ?? "application/json";
  const template = integration.requestTemplates?.[contentType] ?? integration.requestTemplates?.["application/json"];
  const status = /"?statusCode"?\s*:\s*"?(\d{3})/.exec(template ?? "")?.[1];
  if (template !== undefined && status === undefined) return internalError(500);
  const responses = Object.values(integration.integrationResponses ?? {});
  const chosen =
    responses.find(
      (r) =>
        r.statusCode === status ||
        (r.selectionPattern && status && new RegExp(`^(?:${r.selectionPattern})$`).test(status)),
    ) ?? responses.find((r) => !r.selectionPattern);
  if (!chosen) return internalError(500);
  const headers = Object.entries(chosen.responseParameters ?? {}).flatMap(([to, from]): [string, string][] => {
    const name = /^method\.response\.header\.(.+)$/.exec(to)?.[1];
    const value = /^'(.*)'$/s.exec(String(from))?.[1];
    return name && value !== undefined ? [[name, value]] : [];
  });
  const body = chosen.responseTemplates?.["application/json"] ?? "";
  return {
    status: Number(chosen.statusCode),
    headers: [["Content-Type", "application/json"], ...headers],
    body: Buffer.from(body === "{}\n" ? "" : body),
  };
}
