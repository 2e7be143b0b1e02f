import { AwsError } from "../../kernel/aws-error.ts";
import type { Context } from "../../aws/context.ts";
import type { Permission } from "../../aws/service.ts";

export interface Integration {
  readonly type: string;
  readonly httpMethod?: string;
  readonly uri?: string;
  readonly credentials?: string;
  readonly timeoutInMillis?: number;
  readonly passthroughBehavior?: string;
  readonly requestTemplates?: Readonly<Record<string, string>>;
  readonly requestParameters?: Readonly<Record<string, string>>;
  readonly contentHandling?: string;
  readonly cacheNamespace?: string;
  readonly integrationResponses?: Readonly<Record<string, IntegrationResponse>>;
}

export interface IntegrationResponse {
  readonly statusCode: string;
  readonly selectionPattern?: string;
  readonly responseParameters?: Readonly<Record<string, string>>;
  readonly responseTemplates?: Readonly<Record<string, string | null>>;
  readonly contentHandling?: string;
}

export interface Method {
  readonly httpMethod: string;
  readonly authorizationType: string;
  readonly apiKeyRequired: boolean;
  readonly operationName?: string;
  readonly requestParameters?: Readonly<Record<string, boolean>>;
  readonly requestModels?: Readonly<Record<string, string>>;
  readonly methodResponses?: Readonly<
    Record<
      string,
      { statusCode: string; responseParameters?: Record<string, boolean>; responseModels?: Record<string, string> }
    >
  >;
  readonly methodIntegration?: Integration;
}

export interface Resource {
  readonly id: string;
  readonly parentId?: string;
  readonly pathPart?: string;
  readonly path: string;
  readonly methods: Readonly<Record<string, Method>>;
}

export interface RestApi {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly version?: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly rootResourceId: string;
  readonly resources: Readonly<Record<string, Resource>>;
  readonly binaryMediaTypes: readonly string[];
  readonly endpointTypes: readonly string[];
  readonly policy?: string;
  readonly apiKeySource: string;
  readonly minimumCompressionSize?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** What a deployment serves: the API's resources as they were. */
export interface Deployment {
  readonly id: string;
  readonly description?: string;
  readonly created: number;
  readonly resources: readonly Resource[];
  readonly binaryMediaTypes: readonly string[];
}

export interface Stage {
  readonly name: string;
  readonly deploymentId: string;
  readonly description?: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly tracingEnabled: boolean;
  readonly methodSettings?: Readonly<Record<string, unknown>>;
  readonly created: number;
  readonly updated: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export const notFound = (message: string): AwsError => new AwsError("NotFoundException", message, 404);
export const badRequest = (message: string): AwsError => new AwsError("BadRequestException", message, 400);
export const conflict = (message: string): AwsError => new AwsError("ConflictException", message, 409);
export const missing = (what: string): AwsError =>
  new AwsError("NotImplemented", `Starling does not implement ${what} for REST APIs yet.`, 501);

export const noApi = (id: string): AwsError => notFound(`Invalid API identifier specified ${id}`);

/** API Gateway authorizes by HTTP verb on the path of its own API. */
export function on(verb: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: (input: any) => string) {
  return (input: any, ctx: Context<any>): Permission[] => [
    { action: `apigateway:${verb}`, resource: `arn:aws:apigateway:${ctx.region}::${path(input)}` },
  ];
}

/** The API; throws NotFoundException. */
export async function apiOf(ctx: Context<any>, id: string | undefined): Promise<RestApi> {
  const stored = await ctx.records.get<RestApi>("api", String(id));
  if (!stored) throw noApi(String(id));
  return stored.value;
}

export async function changeApi(
  ctx: Context<any>,
  id: string | undefined,
  change: (api: RestApi) => RestApi,
): Promise<RestApi> {
  const api = await ctx.records.update<RestApi>("api", String(id), change);
  if (!api) throw noApi(String(id));
  return api;
}

export function resourceOf(api: RestApi, id: string | undefined): Resource {
  const resource = api.resources[String(id)];
  if (!resource) throw notFound("Invalid Resource identifier specified");
  return resource;
}

export function methodOf(api: RestApi, resourceId: string | undefined, httpMethod: string | undefined): Method {
  const method = resourceOf(api, resourceId).methods[String(httpMethod)];
  if (!method) throw notFound("Invalid Method identifier specified");
  return method;
}

export function withMethod(
  api: RestApi,
  resourceId: string | undefined,
  httpMethod: string | undefined,
  method: Method | undefined,
): RestApi {
  const resource = resourceOf(api, resourceId);
  const { [String(httpMethod)]: _old, ...others } = resource.methods;
  const methods = method ? { ...others, [String(httpMethod)]: method } : others;
  return { ...api, resources: { ...api.resources, [resource.id]: { ...resource, methods } } };
}

/** Puts in an integration, refusing kinds that the data plane does not serve. */
export function checkedIntegration(integration: Integration): Integration {
  if (!["AWS_PROXY", "MOCK"].includes(integration.type)) throw missing(`integrations of the type ${integration.type}`);
  if (integration.type === "AWS_PROXY" && !/:lambda:path\/.*\/invocations$/.test(integration.uri ?? "")) {
    throw badRequest("Invalid ARN specified in the request");
  }
  return integration;
}

export function checkedMethod(method: Method): Method {
  if (!["NONE", "AWS_IAM"].includes(method.authorizationType))
    throw missing(`authorizers (${method.authorizationType})`);
  if (method.apiKeyRequired) throw missing("API keys");
  return method;
}

export const newId = (ctx: Context<any>, length = 6): string =>
  ctx.ids.text(length, "abcdefghijklmnopqrstuvwxyz0123456789");
