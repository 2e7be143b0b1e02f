import type { RouteRequest } from "../../aws/route-answer.ts";
import type { EdgeResponse } from "./proxy-response.ts";

/** Which pages of other origins may call an API, as HTTP APIs and function URLs are told. */
export interface Cors {
  readonly AllowOrigins?: readonly string[] | undefined;
  readonly AllowMethods?: readonly string[] | undefined;
  readonly AllowHeaders?: readonly string[] | undefined;
  readonly ExposeHeaders?: readonly string[] | undefined;
  readonly AllowCredentials?: boolean | undefined;
  readonly MaxAge?: number | undefined;
}

/** The origin that may read an answer: `*`, or the caller's where it is one of the configured. */
function allowedOrigin(cors: Cors, origin: string): string | undefined {
  const { AllowOrigins = [] } = cors;
  if (AllowOrigins.includes("*")) return "*";
  const fits = AllowOrigins.some(
    (allowed) => allowed === origin || (allowed.includes("*") && matches(allowed, origin)),
  );
  return fits ? origin : undefined;
}

function matches(pattern: string, origin: string): boolean {
  const [before = "", after = ""] = pattern.split("*", 2);
  return origin.length >= before.length + after.length && origin.startsWith(before) && origin.endsWith(after);
}

export function corsHeaders(cors: Cors | undefined, origin: string | undefined): [string, string][] {
  const allowed = cors && origin !== undefined ? allowedOrigin(cors, origin) : undefined;
  if (!cors || allowed === undefined) return [];
  return [
    ["access-control-allow-origin", allowed],
    ...(cors.AllowCredentials ? ([["access-control-allow-credentials", "true"]] as [string, string][]) : []),
    ...(cors.ExposeHeaders?.length
      ? ([["access-control-expose-headers", cors.ExposeHeaders.join(",")]] as [string, string][])
      : []),
  ];
}

/** An API with a CORS configuration answers preflights itself, whatever routes it has. */
export function preflight(cors: Cors | undefined, request: RouteRequest): EdgeResponse | undefined {
  const { origin } = request.headers;
  if (
    !cors ||
    request.method !== "OPTIONS" ||
    origin === undefined ||
    request.headers["access-control-request-method"] === undefined
  )
    return undefined;
  if (allowedOrigin(cors, origin) === undefined) return { status: 204, headers: [], body: Buffer.alloc(0) };
  const list = (name: string, values: readonly string[] | undefined): [string, string][] =>
    values?.length ? [[name, values.join(",")]] : [];
  const headers: [string, string][] = [
    ...list("access-control-allow-methods", cors.AllowMethods),
    ...list("access-control-allow-headers", cors.AllowHeaders),
    ...(cors.MaxAge === undefined ? [] : ([["access-control-max-age", String(cors.MaxAge)]] as [string, string][])),
  ];
  return { status: 204, headers, body: Buffer.alloc(0) };
}
