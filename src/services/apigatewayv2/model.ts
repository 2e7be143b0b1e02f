import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";
import type { Cors } from "../../compute/edge/cors.ts";
import { AwsError } from "../../kernel/aws-error.ts";

/** By the status of the integration's answer, then by what changes: `overwrite:statuscode`, `append:header.x`. */
export type ResponseParameters = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface HttpIntegration {
  readonly id: string;
  /** Quick create made it: UpdateApi changes it. */
  readonly managed?: true;
  readonly type: string;
  readonly uri: string;
  /** Of an HTTP endpoint; ANY is the client's. */
  readonly method?: string;
  readonly payloadFormatVersion: string;
  readonly timeoutInMillis: number;
  readonly credentialsArn?: string;
  readonly description?: string;
  /** Of a call to another service: `SQS-SendMessage`. */
  readonly subtype?: string;
  readonly requestParameters?: Readonly<Record<string, string>>;
  readonly responseParameters?: ResponseParameters;
}

export interface HttpRoute {
  readonly id: string;
  readonly managed?: true;
  /** `GET /items/{id}` or `$default`. */
  readonly key: string;
  readonly authorizationType: string;
  readonly integrationId?: string;
  readonly operationName?: string;
  readonly authorizerId?: string;
  readonly authorizationScopes?: readonly string[];
}

/** Who else decides about a call: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html */
export interface HttpAuthorizer {
  readonly id: string;
  readonly name: string;
  readonly type: "JWT" | "REQUEST";
  readonly identitySource: readonly string[];
  readonly jwt?: { readonly issuer: string; readonly audience: readonly string[] };
  readonly uri?: string;
  readonly credentialsArn?: string;
  readonly payloadFormatVersion?: string;
  readonly simpleResponses?: boolean;
  readonly ttlSeconds: number;
}

/** What a stage serves. */
export interface Served {
  readonly routes: readonly HttpRoute[];
  readonly integrations: readonly HttpIntegration[];
  readonly authorizers?: readonly HttpAuthorizer[];
}

export interface HttpApi extends Served {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly version?: string;
  readonly created: number;
  readonly cors?: Cors;
  /** Only custom domain names lead to it then. */
  readonly disableExecuteApiEndpoint?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface HttpDeployment extends Served {
  readonly id: string;
  readonly created: number;
  readonly description?: string;
}

/** What a stage does with the calls of a route. */
export interface RouteSettings {
  readonly detailedMetrics?: boolean;
  readonly throttlingRateLimit?: number;
  readonly throttlingBurstLimit?: number;
}

export interface HttpStage {
  readonly name: string;
  readonly managed?: true;
  readonly autoDeploy: boolean;
  readonly deploymentId?: string;
  readonly description?: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly accessLog?: { readonly destinationArn?: string; readonly format?: string };
  readonly defaultRouteSettings?: RouteSettings;
  /** By route key. */
  readonly routeSettings?: Readonly<Record<string, RouteSettings>>;
  readonly created: number;
  readonly updated: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export const notFound = (what: string, id: unknown): AwsError =>
  new AwsError("NotFoundException", `Invalid ${what} identifier specified ${id}`, 404, { ResourceType: what });
export const badRequest = (message: string): AwsError => new AwsError("BadRequestException", message, 400);
export const conflict = (message: string): AwsError => new AwsError("ConflictException", message, 409);
/** Refuses members that WebSocket APIs alone have. */
export function notForHttp<T extends object>(input: T, ...names: readonly (keyof T & string)[]): void {
  const said = names.find((name) => {
    const value: unknown = input[name];
    return (
      value !== undefined && value !== false && !(typeof value === "object" && value && !Object.keys(value).length)
    );
  });
  if (said !== undefined) throw badRequest(`${said} is not supported on protocolType HTTP`);
}
export const missing = (what: string): AwsError =>
  new AwsError("NotImplemented", `Starling does not implement ${what} for HTTP APIs yet.`, 501);

/** API Gateway authorizes by HTTP verb on the path of its own API. */
export function on(verb: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: (input: any) => string) {
  return (input: any, ctx: Context<any>): Permission[] => [
    { action: `apigateway:${verb}`, resource: `arn:aws:apigateway:${ctx.region}::${path(input)}` },
  ];
}

export async function apiOf(ctx: Context<any>, id: string | undefined): Promise<HttpApi> {
  const stored = await ctx.records.get<HttpApi>("api", String(id));
  if (!stored) throw notFound("API", id);
  return stored.value;
}

export async function changeApi(
  ctx: Context<any>,
  id: string | undefined,
  change: (api: HttpApi) => HttpApi,
): Promise<HttpApi> {
  const api = await ctx.records.update<HttpApi>("api", String(id), change);
  if (!api) throw notFound("API", id);
  return api;
}

const KEY = /^(\$default|(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) \/\S*)$/;

/** Puts in a route, refusing keys and authorizers that there are none of. */
export function checkedRoute(route: HttpRoute, authorizers: readonly HttpAuthorizer[] = []): HttpRoute {
  if (!KEY.test(route.key))
    throw badRequest(
      'The provided route key is not formatted properly for HTTP protocol. Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"',
    );
  const { authorizationType, authorizerId, ...open } = route;
  if (authorizationType === "NONE" || authorizationType === "AWS_IAM") return { ...open, authorizationType };
  if (authorizationType !== "JWT" && authorizationType !== "CUSTOM")
    throw badRequest(`Unsupported authorization type: ${authorizationType}`);
  const type = authorizationType === "JWT" ? "JWT" : "REQUEST";
  if (!authorizers.some((a) => a.id === authorizerId && a.type === type)) throw notFound("authorizer", authorizerId);
  return route;
}

export const newId = (ctx: Context<any>, length = 7): string =>
  ctx.ids.text(length, "abcdefghijklmnopqrstuvwxyz0123456789");

export const given = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

/** The path of what is below an API, for permissions. */
export const path =
  (kind: string, id?: string) =>
  (i: any): string =>
    `/apis/${i.ApiId}/${kind}${id ? `/${i[id]}` : ""}`;
