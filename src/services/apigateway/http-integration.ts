import { encodePath, EgressFailure, goesOn, sendOut, type Incoming } from "../../compute/edge/egress.ts";
import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { integrated, type Call, type RestContext } from "./call.ts";
import { isRefusal, serverError, type Refusal } from "./gateway-responses.ts";
import { DEFAULT_TIMEOUT_MS } from "./lambda-proxy.ts";
import type { Integration } from "./model.ts";
import { mappedValue } from "./template-values.ts";

export const MAX_ANSWER = 10 * 1024 * 1024;

/** A request as the integration's parameters, and a template's overrides, make it. */
export interface Overrides {
  readonly headers?: ReadonlyMap<string, unknown>;
  readonly query?: ReadonlyMap<string, unknown>;
  readonly path?: ReadonlyMap<string, unknown>;
}

/** Passes a request on to an HTTP endpoint, and its answer back, as they are. */
export async function httpProxy(
  ctx: RestContext,
  call: Call,
  integration: Integration,
): Promise<EdgeResponse | Refusal> {
  const { request } = call;
  const own = ownHeaders(call).filter(
    ([own]) => !request.headers.some(([name]) => name.toLowerCase() === own.toLowerCase()),
  );
  const headers = [...request.headers.filter(([name]) => goesOn(name)), ...own];
  const answer = await callHttp(ctx, call, integration, { body: request.body, headers, query: request.rawQuery });
  if (isRefusal(answer)) return answer;
  return { status: answer.status, headers: allHeadersOf(answer), body: answer.body };
}

/** What API Gateway says of itself to an endpoint. */
export const ownHeaders = ({ api, request }: Call): [string, string][] => [
  ["X-Amzn-Apigateway-Api-Id", api.id],
  ["X-Amzn-Trace-Id", request.traceId],
];

/** The headers of an answer, those of its connection too, which are remapped. */
export function allHeadersOf(answer: Incoming): [string, string][] {
  const { rawHeaders } = answer;
  const pairs: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (goesOn(name) || /^(connection|content-length)$/i.test(name)) pairs.push([name, rawHeaders[i + 1]!]);
  }
  return pairs;
}

/** Sends a request to the integration's endpoint, by the rules of what may leave. */
export async function callHttp(
  ctx: RestContext,
  call: Call,
  integration: Integration,
  given: { body: Buffer; headers: readonly (readonly [string, string])[]; query: string; overrides?: Overrides },
): Promise<Incoming | Refusal> {
  const { overrides = {} } = given;
  const mapped = mappings(call, integration);
  const path = { ...mapped.path, ...texts(overrides.path) };
  const target = (integration.uri ?? "")
    .replaceAll(/\$\{stageVariables\.(\w+)\}/g, (_, name: string) => call.variables[name] ?? "")
    .replaceAll(/\{([\w.-]+)\+?\}/g, (_, name: string) => encodePath(path[name] ?? ""));
  if (!URL.canParse(target)) return serverError();
  const url = new URL(target);
  if (given.query) url.search = url.search ? `${url.search}&${given.query}` : given.query;
  for (const [name, value] of Object.entries({ ...mapped.querystring, ...texts(overrides.query) }))
    url.searchParams.append(name, value); // beside what the URI says
  const own = Object.entries({ ...mapped.header, ...texts(overrides.headers) }).filter(([n, v]) => isHeader(n, v));
  const named = new Set(own.map(([name]) => name.toLowerCase()));
  const kept = given.headers.filter(([name]) => !named.has(name.toLowerCase()));
  const method =
    !integration.httpMethod || integration.httpMethod === "ANY" ? call.request.method : integration.httpMethod;
  const body = /^(GET|HEAD)$/.test(method) && given.body.length === 0 ? undefined : given.body;
  const length: [string, string][] = body ? [["Content-Length", String(body.length)]] : [];
  const started = performance.now();
  try {
    const answer = await sendOut(ctx, {
      method,
      url: url.href,
      headers: [["Host", url.host], ...kept, ...own, ...length],
      ...(body ? { body } : {}),
      timeoutMs: integration.timeoutInMillis ?? DEFAULT_TIMEOUT_MS,
      maxBytes: MAX_ANSWER,
      asked: call.variables["STARLING_INTERNET"] === "on",
    });
    integrated(ctx, call, answer.status, performance.now() - started);
    return answer;
  } catch (error) {
    if (!(error instanceof EgressFailure)) throw error;
    integrated(ctx, call, 504, performance.now() - started);
    ctx.platform.log.warn("an HTTP integration could not be called", { api: call.api.id, error: error.message });
    if (error.why === "refused") return serverError();
    if (error.why === "timeout") return { refused: "INTEGRATION_TIMEOUT", message: "Endpoint request timed out" };
    return { refused: "INTEGRATION_FAILURE", message: "Network error communicating with endpoint" };
  }
}

/** Whether a mapped header may be sent. */
export const isHeader = (name: string, value: string): boolean =>
  /^[\w!#$%&'*+.^`|~-]+$/.test(name) && goesOn(name) && !/[\r\n\0]/.test(value);

/** What a template has set of `$context.requestOverride`. */
export const texts = (map: ReadonlyMap<string, unknown> | undefined): Record<string, string> =>
  Object.fromEntries([...(map ?? [])].map(([name, value]) => [name, String(value as string)]));

/** `integration.request.<place>.<name>`: what the request's parameters become. */
export function mappings(call: Call, { requestParameters = {} }: Integration) {
  const found: Record<"header" | "querystring" | "path", Record<string, string>> = {
    header: {},
    querystring: {},
    path: {},
  };
  for (const [to, from] of Object.entries(requestParameters)) {
    const [, place, name] = /^integration\.request\.(header|querystring|path)\.(.+)$/.exec(to) ?? [];
    const value = mappedValue(call, from);
    if (place && name && value !== undefined) found[place as "header" | "querystring" | "path"][name] = value;
  }
  return found;
}
