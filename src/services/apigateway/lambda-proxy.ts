import { askFunction, type Asker } from "../../compute/edge/ask-function.ts";
import { callFunction, functionOfUri } from "../../compute/edge/call-function.ts";
import { readProxyResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { eventOf, headerValue, integrated, type Call, type Caller, type RestContext } from "./call.ts";
import { isBinaryType } from "./content-handling.ts";
import { serverError, type Refusal } from "./gateway-responses.ts";
import type { Integration } from "./model.ts";

export const DEFAULT_TIMEOUT_MS = 29_000;
/** Of an integration that is called with the credentials of whoever signed the request. */
const CALLERS_OWN = /^arn:aws:iam::\*:user\/\*$/;

/** What the function's policy must permit. The `*` stands for any method and for parameters of the path. */
export function integrationArn(ctx: RestContext, { api, stage, matched, method }: Call): string {
  const verb = method.httpMethod === "ANY" ? "*" : method.httpMethod;
  const path = matched.resource.path.replaceAll(/\{[^}]+\}/g, "*");
  return `arn:aws:execute-api:${ctx.region}:${ctx.account}:${api.id}/${stage.name}/${verb}${path}`;
}

/** Hands the whole request to a function, and answers what it says. */
export async function lambdaProxy(
  ctx: RestContext,
  call: Call,
  caller: Caller,
  integration: Integration,
): Promise<EdgeResponse | Refusal> {
  const { api, request } = call;
  const functionArn = functionOfUri(integration.uri ?? "", call.variables);
  if (!functionArn || !asksFunction(integration)) return serverError();
  const isBinary = isBinaryType(api.binaryMediaTypes, headerValue(request, "content-type"));
  const event = JSON.stringify(eventOf(ctx, call, caller, isBinary));
  const { credentials, timeoutInMillis: timeoutMs = DEFAULT_TIMEOUT_MS } = integration;
  const sourceArn = integrationArn(ctx, call);
  const started = performance.now();
  const asker = credentials === undefined ? undefined : askerOf(credentials, caller);
  if (credentials !== undefined && !asker) return serverError();
  const answer = asker
    ? await askFunction(ctx, asker, { functionArn, payload: Buffer.from(event), timeoutMs })
    : await callFunction(ctx, { functionArn, event, sourceArn, timeoutMs, traceId: request.traceId });
  integrated(ctx, call, answer.ok ? 200 : 500, performance.now() - started);
  if (!answer.ok) {
    if (answer.why === "timeout") return { refused: "INTEGRATION_TIMEOUT", message: "Endpoint request timed out" };
    return serverError(answer.why === "failed" ? 502 : 500);
  }
  const response = readProxyResponse(answer.payload, {
    inferred: false,
    decodes: isBinaryType(api.binaryMediaTypes, headerValue(request, "accept")),
  });
  if (!response) return serverError(502);
  const typed = response.headers.some(([name]) => name.toLowerCase() === "content-type");
  return typed ? response : { ...response, headers: [["Content-Type", "application/json"], ...response.headers] };
}

/** A role, or whoever signed the request; undefined where nobody did. */
export function askerOf(credentials: string, { principal }: Caller): Asker | undefined {
  if (!CALLERS_OWN.test(credentials)) return { role: credentials };
  return principal && { principal };
}

/** Lambda takes calls by POST alone: an integration with another method is broken. */
export const asksFunction = ({ httpMethod = "POST" }: Integration): boolean => httpMethod === "POST";
