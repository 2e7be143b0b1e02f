import { askFunction } from "../../compute/edge/ask-function.ts";
import { contextVariable } from "../../compute/edge/context-variables.ts";
import { functionOfUri } from "../../compute/edge/call-function.ts";
import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { plain, renderTemplate, TemplateFault } from "../../engines/mapping-template/index.ts";
import { boundedMatcher, fitsSource } from "../../kernel/bounded-match.ts";
import { headerValue, integrated, type Call, type Caller, type RestContext } from "./call.ts";
import { convertedRequest, convertedResponse, isBinaryType } from "./content-handling.ts";
import { isRefusal, serverError, type Refusal } from "./gateway-responses.ts";
import { allHeadersOf, callHttp, ownHeaders, type Overrides } from "./http-integration.ts";
import { askerOf, asksFunction, DEFAULT_TIMEOUT_MS, integrationArn } from "./lambda-proxy.ts";
import type { Integration, IntegrationResponse } from "./model.ts";
import { callService } from "./service-integration.ts";
import { mappedValue, pathText, templateValues } from "./template-values.ts";

/** What an integration answered: what selects the response, and what is mapped into it. */
export interface Mapped {
  /** The status of an endpoint, or the error of a function; empty where a function did not fail. */
  readonly selector: string;
  readonly body: Buffer;
  readonly headers: readonly (readonly [string, string])[];
}

/** Maps a request to an integration by a template, and the integration's answer to the client's. */
export async function mappedIntegration(
  ctx: RestContext,
  call: Call,
  caller: Caller,
  integration: Integration,
): Promise<EdgeResponse | Refusal> {
  try {
    call.context["authorizer"] ??= caller.authorizer;
    const request = mapRequest(call, integration);
    if (isRefusal(request)) return request;
    const answer = await ask(ctx, call, caller, { integration, ...request });
    if (isRefusal(answer)) return answer;
    const response = select(integration, answer.selector);
    return (response && mapResponse(call, response, answer)) ?? serverError();
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    ctx.platform.log.warn("a mapping template failed", { api: call.api.id, error: error.message });
    return serverError();
  }
}

interface MappedRequest {
  readonly body: Buffer;
  /** Whether a template made it. */
  readonly templated: boolean;
  readonly overrides: Overrides;
}

function mapRequest(call: Call, integration: Integration): MappedRequest | Refusal {
  const { request } = call;
  const type = (headerValue(request, "content-type") ?? "application/json").split(";")[0]!.trim();
  const templates = integration.requestTemplates ?? {};
  const template = templates[type] ?? templates["$default"];
  const isBinary = isBinaryType(call.deployment.binaryMediaTypes, headerValue(request, "content-type"));
  const converted = convertedRequest(request.body, isBinary, integration.contentHandling);
  if (!converted) return serverError();
  if (template === undefined) {
    const { passthroughBehavior = "WHEN_NO_MATCH" } = integration;
    const none = Object.keys(templates).length === 0;
    if (passthroughBehavior === "NEVER" || (passthroughBehavior === "WHEN_NO_TEMPLATES" && !none))
      return { refused: "UNSUPPORTED_MEDIA_TYPE", message: "Unsupported Media Type" };
    return { body: converted.bytes, templated: false, overrides: {} };
  }
  if (!converted.isText) return serverError();
  const values = templateValues(call, converted.bytes.toString("utf8"));
  const text = renderTemplate(template, values);
  keepOverrides(call, values["context"]);
  const override = (name: string): Map<string, unknown> => {
    const found = values["context"] instanceof Map ? (values["context"].get("requestOverride") as unknown) : undefined;
    const one: unknown = found instanceof Map ? found.get(name) : undefined;
    return one instanceof Map ? (one as Map<string, unknown>) : new Map();
  };
  const overrides = { headers: override("header"), query: override("querystring"), path: override("path") };
  return { body: Buffer.from(text), templated: true, overrides };
}

/** What a template has set of `$context` holds for the rest of the call. */
function keepOverrides(call: Call, context: unknown): void {
  if (!(context instanceof Map)) return;
  for (const name of ["responseOverride", "requestOverride"])
    if (context.has(name)) call.context[name] = plain(context.get(name));
}

async function ask(
  ctx: RestContext,
  call: Call,
  caller: Caller,
  given: MappedRequest & { integration: Integration },
): Promise<Mapped | Refusal> {
  const { integration, body, templated, overrides } = given;
  if (integration.type === "MOCK") return mock(body.toString("utf8"), templated);
  if (integration.type === "HTTP") {
    const type = headerValue(call.request, "content-type");
    const headers: [string, string][] = [
      ["Accept", "application/json"],
      ["User-Agent", `AmazonAPIGateway_${call.api.id}`],
      ...(body.length > 0 ? [["Content-Type", type ?? "application/json"] satisfies [string, string]] : []),
      ...ownHeaders(call),
    ];
    const answer = await callHttp(ctx, call, integration, { body, headers, query: "", overrides });
    return isRefusal(answer)
      ? answer
      : { selector: String(answer.status), body: answer.body, headers: allHeadersOf(answer) };
  }
  const functionArn = functionOfUri(integration.uri ?? "", call.variables);
  if (!functionArn) return callService(ctx, call, caller, { integration, body, overrides });
  if (!asksFunction(integration)) return serverError();
  const { credentials, timeoutInMillis: timeoutMs = DEFAULT_TIMEOUT_MS } = integration;
  const asker = credentials === undefined ? { sourceArn: integrationArn(ctx, call) } : askerOf(credentials, caller);
  if (!asker) return serverError();
  const kind = Object.entries(integration.requestParameters ?? {}).find(([to]) => INVOCATION_TYPE.test(to))?.[1];
  const later = kind !== undefined && mappedValue(call, kind) === "Event";
  const started = performance.now();
  const payload = body.length === 0 ? Buffer.from("{}") : body;
  const answer = await askFunction(ctx, asker, {
    functionArn,
    payload,
    timeoutMs,
    ...(later ? { invocationType: "Event" as const } : {}),
  });
  integrated(ctx, call, answer.ok ? 200 : 500, performance.now() - started);
  if (answer.ok) return { selector: "", body: answer.payload, headers: [] };
  if (answer.why === "failed") return { selector: errorMessage(answer.payload), body: answer.payload, headers: [] };
  if (answer.why === "timeout") return { refused: "INTEGRATION_TIMEOUT", message: "Endpoint request timed out" };
  return serverError();
}

const INVOCATION_TYPE = /^integration\.request\.header\.x-amz-invocation-type$/i;

function errorMessage(payload: Buffer): string {
  return pathText(payload.toString("utf8"), "$.errorMessage") ?? "Unknown error";
}

/** A MOCK integration answers with the status that its request template names. */
function mock(body: string, templated: boolean): Mapped | Refusal {
  const status = /["']?statusCode["']?\s*:\s*["']?(\d{3})/.exec(templated ? body : "")?.[1];
  if (templated && status === undefined) return serverError();
  return { selector: status ?? "", body: Buffer.alloc(0), headers: [] };
}

/** How long all patterns of an integration may take together. */
const MOST_PATTERN_MS = 100;

/** The first response whose pattern fits all of the selector, else the one without a pattern. */
function select({ type, integrationResponses = {} }: Integration, selector: string): IntegrationResponse | undefined {
  const all = Object.values(integrationResponses);
  const matches = boundedMatcher(MOST_PATTERN_MS);
  const fits = ({ selectionPattern }: IntegrationResponse): boolean =>
    !!selectionPattern && selector !== "" && fitsSource(matches, selector, selectionPattern, "whole");
  const exact = type === "MOCK" ? all.find((r) => r.statusCode === selector && !r.selectionPattern) : undefined;
  return all.find(fits) ?? exact ?? all.find((r) => !r.selectionPattern);
}

/** Undefined where the body cannot be converted, or mapped, as it is to be. */
function mapResponse(call: Call, response: IntegrationResponse, answer: Mapped): EdgeResponse | undefined {
  const types = call.deployment.binaryMediaTypes;
  const answered = answer.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  const of = {
    isBinary: isBinaryType(types, answered),
    acceptsBinary: isBinaryType(types, headerValue(call.request, "accept")),
  };
  const converted = convertedResponse(answer.body, of, response.contentHandling);
  if (!converted) return undefined;
  const text = converted.bytes.toString("utf8");
  const templates = Object.entries(response.responseTemplates ?? {});
  const [type, template] = templates.find(([name]) => name === "application/json") ??
    templates[0] ?? ["application/json"];
  if (template && !converted.isText) return undefined;
  const values = templateValues(call, text);
  const body = template ? renderTemplate(template, values) : undefined;
  if (template) keepOverrides(call, values["context"]);
  const headers = Object.entries(response.responseParameters ?? {}).flatMap(([to, from]): [string, string][] => {
    const name = /^method\.response\.header\.([\w!#$%&'*+.^`|~-]+)$/.exec(to)?.[1];
    const value = responseValue(call, String(from), answer, text);
    return name !== undefined && value !== undefined && !/[\r\n\0]/.test(value) ? [[name, value]] : [];
  });
  const override = call.context["responseOverride"] as
    | { status?: unknown; header?: Record<string, unknown> }
    | undefined;
  for (const [name, value] of Object.entries(override?.header ?? {}))
    if (/^[\w-]+$/.test(name)) headers.push([name, String(value as string).replaceAll(/[\r\n\0]/g, "")]);
  const status = Number(override?.status ?? response.statusCode);
  const typed = headers.some(([name]) => name.toLowerCase() === "content-type");
  return {
    status: status >= 100 && status <= 599 ? status : 500,
    headers: typed ? headers : [["Content-Type", type], ...headers],
    body: body ?? converted.bytes,
  };
}

function responseValue(call: Call, from: string, answer: Mapped, text: string): string | undefined {
  const header = /^integration\.response\.(?:header|multivalueheader)\.(.+)$/.exec(from)?.[1]?.toLowerCase();
  if (header !== undefined) return answer.headers.find(([name]) => name.toLowerCase() === header)?.[1];
  if (from === "integration.response.body") return text;
  if (from.startsWith("integration.response.body."))
    return pathText(text, from.slice("integration.response.body.".length));
  const fixed = /^'(.*)'$/s.exec(from)?.[1];
  if (fixed !== undefined) return fixed;
  if (from.startsWith("stageVariables.")) return call.variables[from.slice("stageVariables.".length)];
  const value = from.startsWith("context.") ? contextVariable(call.context, from.slice("context.".length)) : undefined;
  return value === undefined || value === null ? undefined : String(value as string);
}
