import type { EdgeRequest } from "../../compute/edge/edge-request.ts";
import { contextVariable, fillVariables, type ContextVariables } from "../../compute/edge/context-variables.ts";
import type { EdgeResponse } from "../../compute/edge/proxy-response.ts";
import { badRequest, type GatewayResponse } from "./model.ts";

interface Kind {
  /** Without one, the status is that of what went wrong. */
  readonly status?: number;
  readonly error: string;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html */
export const RESPONSE_TYPES = {
  ACCESS_DENIED: { status: 403, error: "AccessDeniedException" },
  API_CONFIGURATION_ERROR: { status: 500, error: "InternalServerErrorException" },
  AUTHORIZER_CONFIGURATION_ERROR: { status: 500, error: "AuthorizerConfigurationException" },
  AUTHORIZER_FAILURE: { status: 500, error: "AuthorizerConfigurationException" },
  BAD_REQUEST_BODY: { status: 400, error: "BadRequestException" },
  BAD_REQUEST_PARAMETERS: { status: 400, error: "BadRequestException" },
  DEFAULT_4XX: { error: "BadRequestException" },
  DEFAULT_5XX: { error: "InternalServerErrorException" },
  EXPIRED_TOKEN: { status: 403, error: "ExpiredTokenException" },
  INTEGRATION_FAILURE: { status: 504, error: "InternalServerErrorException" },
  INTEGRATION_TIMEOUT: { status: 504, error: "InternalServerErrorException" },
  INVALID_API_KEY: { status: 403, error: "ForbiddenException" },
  INVALID_SIGNATURE: { status: 403, error: "InvalidSignatureException" },
  MISSING_AUTHENTICATION_TOKEN: { status: 403, error: "MissingAuthenticationTokenException" },
  QUOTA_EXCEEDED: { status: 429, error: "LimitExceededException" },
  REQUEST_TOO_LARGE: { status: 413, error: "RequestTooLargeException" },
  RESOURCE_NOT_FOUND: { status: 404, error: "NotFoundException" },
  THROTTLED: { status: 429, error: "TooManyRequestsException" },
  UNAUTHORIZED: { status: 401, error: "UnauthorizedException" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, error: "UnsupportedMediaTypeException" },
  WAF_FILTERED: { status: 403, error: "ForbiddenException" },
} as const satisfies Record<string, Kind>;

export type ResponseType = keyof typeof RESPONSE_TYPES;

/** Why the API answers itself, and not its integration. */
export interface Refusal {
  readonly refused: ResponseType;
  readonly message: string | null;
  /** Where it differs from the type's. */
  readonly status?: number;
  readonly error?: string;
  /** What a validator found wrong. */
  readonly validation?: string;
  /** Denials by policies spell the member `Message`. */
  readonly member?: "Message";
}

export function isRefusal(value: object): value is Refusal {
  return "refused" in value;
}

export const DEFAULT_TEMPLATES: Readonly<Record<string, string>> = {
  "application/json": '{"message":$context.error.messageString}',
};

/** Checks what is to be answered for a type: it is text all through. */
export function checkedGatewayResponse(type: string, response: GatewayResponse): GatewayResponse {
  if (!Object.hasOwn(RESPONSE_TYPES, type)) throw badRequest(`Invalid response type specified: ${type}`);
  const { statusCode, responseParameters = {}, responseTemplates = {} } = response;
  if (statusCode !== undefined && !/^[1-5]\d\d$/.test(statusCode)) throw badRequest("Invalid status code specified");
  for (const text of [...Object.values(responseParameters), ...Object.values(responseTemplates)])
    if (typeof text !== "string") throw badRequest(`Invalid gateway response specified for ${type}: text is expected`);
  return response;
}

export const serverError = (status: 500 | 502 = 500): Refusal => ({
  refused: status === 500 ? "API_CONFIGURATION_ERROR" : "INTEGRATION_FAILURE",
  message: "Internal server error",
  status,
});

/** The response that was set for a type: its own, or the one for all of its class. */
export function responseFor(
  responses: Readonly<Record<string, GatewayResponse>> | undefined,
  type: ResponseType,
  status: number,
): GatewayResponse | undefined {
  return responses?.[type] ?? responses?.[status >= 500 ? "DEFAULT_5XX" : "DEFAULT_4XX"];
}

/** What the client gets of a refusal: AWS's answer, or what the API says instead. */
export function refusalResponse(
  refusal: Refusal,
  call: {
    responses: Readonly<Record<string, GatewayResponse>> | undefined;
    context: ContextVariables;
    variables: Readonly<Record<string, string>>;
    request: Pick<EdgeRequest, "headers" | "rawQuery"> | undefined;
    parameters: Readonly<Record<string, string>>;
  },
): EdgeResponse {
  const kind: Kind = RESPONSE_TYPES[refusal.refused];
  const status = refusal.status ?? kind.status ?? 500;
  call.context["error"] = {
    message: refusal.message,
    messageString: JSON.stringify(refusal.message),
    responseType: refusal.refused,
    ...(refusal.validation === undefined
      ? {}
      : { validationErrorString: JSON.stringify(refusal.validation).slice(1, -1) }),
  };
  const own = responseFor(call.responses, refusal.refused, status);
  const type: [string, string] = ["x-amzn-ErrorType", refusal.error ?? kind.error];
  if (!own) {
    const body = JSON.stringify({ [refusal.member ?? "message"]: refusal.message });
    return { status, headers: [["Content-Type", "application/json"], type], body };
  }
  const headers = Object.entries(own.responseParameters ?? {}).flatMap(([to, from]): [string, string][] => {
    const name = /^gatewayresponse\.header\.([\w!#$%&'*+.^`|~-]+)$/.exec(to)?.[1];
    const value = name === undefined ? undefined : parameterValue(from, call);
    return name === undefined || value === undefined || /[\r\n\0]/.test(value) ? [] : [[name, value]];
  });
  const templates = Object.keys(own.responseTemplates ?? {}).length ? own.responseTemplates! : DEFAULT_TEMPLATES;
  const [contentType, template] = chosen(templates, headerOf(call.request, "accept"));
  return {
    status: Number(own.statusCode ?? status),
    headers: [["Content-Type", contentType], type, ...headers],
    body: fillVariables(template, call.context, { variables: call.variables, absent: "" }),
  };
}

/** The template for what the client accepts, else the one for JSON, else the first. */
function chosen(templates: Readonly<Record<string, string>>, accept: string | undefined): [string, string] {
  const all = Object.entries(templates);
  const wanted = accept?.split(",").map((type) => type.split(";")[0]!.trim()) ?? [];
  return (
    wanted.flatMap((type) => all.filter(([name]) => name === type))[0] ??
    all.find(([name]) => name === "application/json") ??
    all[0]!
  );
}

function headerOf(request: Pick<EdgeRequest, "headers"> | undefined, name: string): string | undefined {
  return request?.headers.find(([n]) => n.toLowerCase() === name)?.[1];
}

/** `'static'`, `method.request.header.x`, `context.x` or `stageVariables.x`. */
function parameterValue(from: string, call: Parameters<typeof refusalResponse>[1]): string | undefined {
  const fixed = /^'(.*)'$/s.exec(from)?.[1];
  if (fixed !== undefined) return fixed;
  const [, place = "", name = ""] = /^method\.request\.(header|querystring|path)\.(.+)$/.exec(from) ?? [];
  if (place === "header") return headerOf(call.request, name.toLowerCase());
  if (place === "querystring") return new URLSearchParams(call.request?.rawQuery ?? "").get(name) ?? undefined;
  if (place === "path") return call.parameters[name];
  if (from.startsWith("stageVariables.")) return call.variables[from.slice(15)];
  const value = from.startsWith("context.") ? contextVariable(call.context, from.slice(8)) : undefined;
  return value === undefined ? undefined : String(value as string);
}
