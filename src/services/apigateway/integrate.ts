import { askFunction, type Asker } from "../../compute/edge/ask-function.ts";
import { callFunction, functionOfUri } from "../../compute/edge/call-function.ts";
import type { EdgeRequest } from "../../compute/edge/edge-request.ts";
import { readProxyResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { eventOf, headerValue, type Call, type Caller, type RestContext } from "./call.ts";
import { serverError, type Refusal } from "./gateway-responses.ts";
import type { Integration } from "./model.ts";

const DEFAULT_TIMEOUT_MS = 29_000;
/** Of an integration that is called with the credentials of whoever signed the request. */
const CALLERS_OWN = /^arn:aws:iam::\*:user\/\*$/;

/** Answers a call by the method's integration. */
export async function integrate(ctx: RestContext, call: Call, caller: Caller): Promise<EdgeResponse | Refusal> {
  const integration = call.method.methodIntegration;
  if (integration?.type === "MOCK") return mock(integration, call.request);
  if (integration?.type === "AWS_PROXY") return lambdaProxy(ctx, call, caller, integration);
  return serverError();
}

async function lambdaProxy(
  ctx: RestContext,
  call: Call,
  caller: Caller,
  integration: Integration,
): Promise<EdgeResponse | Refusal> {
  const { api, stage, matched, method, request } = call;
  const functionArn = functionOfUri(integration.uri ?? "", call.variables);
  if (!functionArn) return serverError();
  const event = eventOf(
    ctx,
    call,
    caller,
    matchesMediaType(api.binaryMediaTypes, headerValue(request, "content-type")),
  );
  const { credentials, timeoutInMillis: timeoutMs = DEFAULT_TIMEOUT_MS } = integration;
  // The `*` of a permission stands for a stage, a method and a path; ANY is the method of a catch-all.
  const sourceArn = `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/${stage.name}/${method.httpMethod === "ANY" ? "*" : method.httpMethod}${templatePath(matched.resource.path)}`;
  const started = performance.now();
  const asker = credentials === undefined ? undefined : askerOf(credentials, caller);
  if (credentials !== undefined && !asker) return serverError();
  const answer = asker
    ? await askFunction(ctx, asker, { functionArn, payload: Buffer.from(JSON.stringify(event)), timeoutMs })
    : await callFunction(ctx, { functionArn, event, sourceArn, timeoutMs });
  const latency = Math.round(performance.now() - started);
  call.context["integration"] = { latency, status: answer.ok ? 200 : 500, requestId: ctx.requestId };
  call.context["integrationLatency"] = latency;
  call.context["integrationStatus"] = answer.ok ? 200 : 500;
  if (!answer.ok) {
    if (answer.why === "timeout") return { refused: "INTEGRATION_TIMEOUT", message: "Endpoint request timed out" };
    return serverError(answer.why === "failed" ? 502 : 500);
  }
  const response = readProxyResponse(answer.payload, {
    inferred: false,
    decodes: matchesMediaType(api.binaryMediaTypes, headerValue(request, "accept")),
  });
  if (!response) return serverError(502);
  const typed = response.headers.some(([name]) => name.toLowerCase() === "content-type");
  return typed ? response : { ...response, headers: [["Content-Type", "application/json"], ...response.headers] };
}

/** A role, or whoever signed the request; undefined where nobody did. */
function askerOf(credentials: string, { principal }: Caller): Asker | undefined {
  if (!CALLERS_OWN.test(credentials)) return { role: credentials };
  return principal && { principal };
}

/** A resource's path as permissions name it: parameters become `*`. */
const templatePath = (path: string): string => path.replaceAll(/\{[^}]+\}/g, "*");

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
function mock(integration: Integration, request: EdgeRequest): EdgeResponse | Refusal {
  const contentType = headerValue(request, "content-type")?.split(";")[0] ?? "application/json";
  const template = integration.requestTemplates?.[contentType] ?? integration.requestTemplates?.["application/json"];
  const status = /"?statusCode"?\s*:\s*"?(\d{3})/.exec(template ?? "")?.[1];
  if (template !== undefined && status === undefined) return serverError();
  const responses = Object.values(integration.integrationResponses ?? {});
  const chosen =
    responses.find(
      (r) =>
        r.statusCode === status ||
        (r.selectionPattern && status && new RegExp(`^(?:${r.selectionPattern})$`).test(status)),
    ) ?? responses.find((r) => !r.selectionPattern);
  if (!chosen) return serverError();
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
