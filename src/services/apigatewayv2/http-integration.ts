import { encodePath, EgressFailure, goesOn, headersOf, sendOut } from "../../compute/edge/egress.ts";
import { splitUrl } from "../../compute/edge/edge-request.ts";
import { jsonResponse, type EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { mappedResponse } from "./map-response.ts";
import type { RoutedCall } from "./request-values.ts";
import type { HttpContext } from "./state.ts";

const MAX_ANSWER = 10 * 1024 * 1024;

/** Passes a request on to an HTTP endpoint: parameters of the route's path take their place in its URL. */
export async function callEndpoint(ctx: HttpContext, call: RoutedCall): Promise<EdgeResponse> {
  const { request, stage, matched, api } = call;
  const { integration, parameters } = matched;
  const filled = integration.uri
    .replaceAll(/\$\{stageVariables\.(\w+)\}/g, (_, name: string) => stage.variables[name] ?? "")
    .replaceAll(/\{([\w.-]+)\+?\}/g, (_, name: string) => encodePath(parameters[name] ?? ""));
  const [target, ownQuery] = splitUrl(filled);
  const query = [ownQuery, request.rawQuery].filter((part) => part !== "").join("&");
  const asked = query ? `${target}?${query}` : target;
  if (!URL.canParse(asked)) return jsonResponse(500, "Internal Server Error");
  const url =
    integration.requestParameters?.["overwrite:path"] === undefined ? asked : withPath(asked, request.rawPath);
  const method = integration.method && integration.method !== "ANY" ? integration.method : request.method;
  const body = request.body.length > 0 || !/^(GET|HEAD)$/.test(method) ? request.body : undefined;
  const length: [string, string][] = body ? [["Content-Length", String(body.length)]] : [];
  try {
    const answer = await sendOut(ctx, {
      method,
      url,
      headers: [["Host", new URL(url).host], ...request.headers.filter(([name]) => goesOn(name)), ...length],
      ...(body ? { body } : {}),
      timeoutMs: integration.timeoutInMillis,
      maxBytes: MAX_ANSWER,
      asked: stage.variables["STARLING_INTERNET"] === "on",
    });
    return mappedResponse(ctx, call, { status: answer.status, headers: headersOf(answer), body: answer.body });
  } catch (error) {
    if (!(error instanceof EgressFailure)) throw error;
    ctx.platform.log.warn("an HTTP integration could not be called", { api: api.id, error: error.message });
    if (error.why === "timeout") return jsonResponse(503, "Service Unavailable");
    return jsonResponse(
      error.why === "refused" ? 500 : 503,
      error.why === "refused" ? "Internal Server Error" : "Service Unavailable",
    );
  }
}

function withPath(url: string, path: string): string {
  const changed = new URL(url);
  changed.pathname = path;
  return changed.href;
}
