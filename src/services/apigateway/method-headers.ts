import type { EdgeRequest } from "../../compute/edge/edge-request.ts";
import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";

type Headers = readonly (readonly [string, string])[];

/** Headers of the client that API Gateway keeps to itself: no mapping, template or event sees them. */
const KEPT_FROM_METHODS =
  /^(connection|content-length|content-md5|expect|max-forwards|proxy-authenticate|server|te|trailer|transfer-encoding|upgrade|www-authenticate)$/i;

/** The request as a method sees it. */
export const methodRequest = (request: EdgeRequest): EdgeRequest => ({
  ...request,
  headers: request.headers.filter(([name]) => !KEPT_FROM_METHODS.test(name)),
});

/**
 * Headers of an answer that are API Gateway's own to say: they go on under another name.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
 */
const REMAPPED_OF_PROXIES = /^(connection|content-length|date|server|x-amzn-requestid)$/i;
const REMAPPED =
  /^(connection|content-length|date|server|authorization|content-md5|expect|host|max-forwards|proxy-authenticate|trailer|upgrade|user-agent|www-authenticate)$/i;
const DROPPED = /^transfer-encoding$/i;

/** What a method's answer says in the end, by the type of its integration. */
export function methodResponse(type: string, response: EdgeResponse, traceId: string): EdgeResponse {
  const remapped = type === "HTTP_PROXY" || type === "AWS_PROXY" ? REMAPPED_OF_PROXIES : REMAPPED;
  const headers = response.headers
    .filter(([name]) => !DROPPED.test(name))
    .map(([name, value]): [string, string] =>
      remapped.test(name) ? [`x-amzn-Remapped-${name}`, value] : [name, value],
    );
  // Of a trace the client is told by what may be a part of it.
  const traced = type !== "MOCK" && type !== "HTTP_PROXY" && traceId !== "" && !has(headers, "x-amzn-trace-id");
  return { ...response, headers: traced ? [...headers, ["X-Amzn-Trace-Id", traceId]] : headers };
}

const has = (headers: Headers, wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted);

const UNMAPPABLE_TO_HTTP = /^integration\.request\.(multivalue)?header\.(content-length|transfer-encoding)$/i;
const UNMAPPABLE_TO_AWS =
  /^integration\.request\.(multivalue)?header\.(content-length|transfer-encoding|authorization|connection|expect|proxy-authenticate|te)$/i;

/** Whether an integration maps a header that it may not set: the call fails. */
export function mapsForbiddenHeader(type: string, parameters: Readonly<Record<string, string>> = {}): boolean {
  if (type === "MOCK") return false;
  const forbidden = type.startsWith("HTTP") ? UNMAPPABLE_TO_HTTP : UNMAPPABLE_TO_AWS;
  return Object.keys(parameters).some((to) => forbidden.test(to));
}
