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
  /** Without a cache they mean nothing; a stage is refused one. */
  readonly cacheKeyParameters?: readonly string[];
  readonly connectionType?: string;
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
  readonly authorizerId?: string;
  readonly authorizationScopes?: readonly string[];
  readonly requestValidatorId?: string;
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

/** Who else decides about a call: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html */
export interface Authorizer {
  readonly id: string;
  readonly name: string;
  readonly type: "TOKEN" | "REQUEST";
  readonly authType?: string;
  readonly authorizerUri?: string;
  readonly authorizerCredentials?: string;
  readonly identitySource?: string;
  readonly identityValidationExpression?: string;
  readonly authorizerResultTtlInSeconds: number;
}

/** The shape of a body, as JSON schema (draft 4). */
export interface Model {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly description?: string;
  readonly schema: string;
}

export interface RequestValidator {
  readonly id: string;
  readonly name: string;
  readonly validateRequestBody: boolean;
  readonly validateRequestParameters: boolean;
}

/** How the API itself answers, where it was told to do it otherwise. */
export interface GatewayResponse {
  readonly statusCode?: string;
  readonly responseParameters?: Readonly<Record<string, string>>;
  readonly responseTemplates?: Readonly<Record<string, string>>;
}

/** What of an API its deployments take along, besides its resources. */
export interface Definitions {
  readonly authorizers?: Readonly<Record<string, Authorizer>>;
  /** By name. */
  readonly models?: Readonly<Record<string, Model>>;
  readonly validators?: Readonly<Record<string, RequestValidator>>;
  /** By type. */
  readonly gatewayResponses?: Readonly<Record<string, GatewayResponse>>;
}

export interface RestApi extends Definitions {
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
  readonly ipAddressType?: string;
  /** Only custom domain names lead to it then. */
  readonly disableExecuteApiEndpoint?: boolean;
  readonly policy?: string;
  readonly apiKeySource: string;
  readonly minimumCompressionSize?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** What a deployment serves: the API's resources as they were. */
export interface Deployment extends Definitions {
  readonly id: string;
  readonly description?: string;
  readonly created: number;
  readonly resources: readonly Resource[];
  readonly binaryMediaTypes: readonly string[];
}

/** Settings of one method of a stage; `*` is any path or method. */
export interface MethodSetting {
  readonly metricsEnabled: boolean;
  readonly loggingLevel?: string;
  readonly dataTraceEnabled: boolean;
  readonly throttlingBurstLimit: number;
  readonly throttlingRateLimit: number;
  readonly cachingEnabled: boolean;
  readonly cacheTtlInSeconds: number;
  readonly cacheDataEncrypted: boolean;
  readonly requireAuthorizationForCacheControl: boolean;
  readonly unauthorizedCacheControlHeaderStrategy: string;
}

/** A deployment that gets a part of a stage's traffic. */
export interface Canary {
  readonly deploymentId: string;
  readonly percentTraffic: number;
  readonly stageVariableOverrides?: Readonly<Record<string, string>>;
  readonly useStageCache: boolean;
}

export interface Stage {
  readonly name: string;
  readonly deploymentId: string;
  readonly description?: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly tracingEnabled: boolean;
  readonly methodSettings?: Readonly<Record<string, MethodSetting>>;
  readonly accessLog?: { readonly destinationArn?: string; readonly format?: string };
  readonly canary?: Canary;
  readonly documentationVersion?: string;
  readonly created: number;
  readonly updated: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export const notFound = (message: string): AwsError => new AwsError("NotFoundException", message, 404);
export const badRequest = (message: string): AwsError => new AwsError("BadRequestException", message, 400);
export const conflict = (message: string): AwsError => new AwsError("ConflictException", message, 409);
export const missing = (what: string): AwsError =>
  new AwsError("NotImplemented", `Starling does not implement ${what} for REST APIs yet.`, 501);

export const noApi = (ctx: Context<any>, id: string | undefined): AwsError =>
  notFound(`Invalid API identifier specified ${ctx.account}:${id}`);

/** API Gateway authorizes by HTTP verb on the path of its own API. */
export function on(verb: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: (input: any) => string) {
  return (input: any, ctx: Context<any>): Permission[] => [
    { action: `apigateway:${verb}`, resource: `arn:aws:apigateway:${ctx.region}::${path(input)}` },
  ];
}

/** The API; throws NotFoundException. */
export async function apiOf(ctx: Context<any>, id: string | undefined): Promise<RestApi> {
  const stored = await ctx.records.get<RestApi>("api", String(id));
  if (!stored) throw noApi(ctx, id);
  return stored.value;
}

export async function changeApi(
  ctx: Context<any>,
  id: string | undefined,
  change: (api: RestApi) => RestApi,
): Promise<RestApi> {
  const api = await ctx.records.update<RestApi>("api", String(id), change);
  if (!api) throw noApi(ctx, id);
  return api;
}

/** The API of what is below a resource: AWS misses the resource, and not the API. */
export async function resourcesOf(ctx: Context<any>, id: string | undefined): Promise<RestApi> {
  const stored = await ctx.records.get<RestApi>("api", String(id));
  if (!stored) throw notFound("Invalid Resource identifier specified");
  return stored.value;
}

/** The same for what is below a resource: AWS misses the resource, and not the API. */
export async function changeResources(
  ctx: Context<any>,
  id: string | undefined,
  change: (api: RestApi) => RestApi,
): Promise<RestApi> {
  const api = await ctx.records.update<RestApi>("api", String(id), change);
  if (!api) throw notFound("Invalid Resource identifier specified");
  return api;
}

/** What is kept by a name that a client gave: `__proto__` and the like name nothing. */
const own = <T>(all: Readonly<Record<string, T>>, name: string | undefined): T | undefined =>
  Object.hasOwn(all, String(name)) ? all[String(name)] : undefined;

export function resourceOf(api: RestApi, id: string | undefined): Resource {
  const resource = own(api.resources, id);
  if (!resource) throw notFound("Invalid Resource identifier specified");
  return resource;
}

/** What a deployment of the API takes along. */
export function definitionsOf({ authorizers, models, validators, gatewayResponses }: Definitions): Definitions {
  return given({ authorizers, models, validators, gatewayResponses }) as Definitions;
}

export function methodOf(api: RestApi, resourceId: string | undefined, httpMethod: string | undefined): Method {
  const method = own(resourceOf(api, resourceId).methods, httpMethod);
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

const TYPES = ["AWS_PROXY", "AWS", "HTTP_PROXY", "HTTP", "MOCK"];

/** Puts in an integration, refusing kinds that the data plane does not serve. */
export function checkedIntegration(integration: Integration): Integration {
  const { type, uri = "", httpMethod } = integration;
  if (!TYPES.includes(type)) throw badRequest(`Enumeration value for type must be one of: [${TYPES.join(", ")}]`);
  if (type === "MOCK") {
    const { uri: _uri, httpMethod: _method, ...mock } = integration; // it asks nobody
    return mock;
  }
  if (integration.connectionType === "VPC_LINK") throw missing("VPC links");
  if (type !== "AWS_PROXY" && !httpMethod) throw badRequest("Enumeration value for HttpMethod must be non-empty");
  if (type.startsWith("HTTP")) {
    if (!/^https?:\/\/\S+$/.test(uri)) throw badRequest("Invalid HTTP endpoint specified for URI");
    return integration;
  }
  if (!/^arn:[\w-]+:/.test(uri)) throw badRequest("Invalid ARN specified in the request");
  if (!/:(path|action)\//.test(uri)) throw badRequest("AWS ARN for integration must contain path or action");
  const isFunction = /:lambda:path\/+\d{4}-\d\d-\d\d\/functions\/.*\/invocations$/.test(uri);
  if (type === "AWS_PROXY" && !isFunction)
    throw badRequest(
      "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.",
    );
  if (!isFunction && !serviceTarget(uri))
    throw missing(`integrations with ${/^arn:[\w-]+:apigateway:[\w-]*:([\w.-]+)/.exec(uri)?.[1] ?? uri}`);
  if (!isFunction && !integration.credentials) throw badRequest("Role ARN must be specified for AWS integrations");
  return integration;
}

/** Services that are asked by the name of an operation, and those that are asked by their own paths too. */
const BY_ACTION: readonly string[] = [
  "events",
  "sqs",
  "ssm",
  "logs",
  "iam",
  "sts",
  "cloudformation",
  "monitoring",
  "codebuild",
  "codepipeline",
];
const BY_PATH: readonly string[] = ["s3", "sqs"];

/** What an integration's URI names: a service's operation, or a path of its own. */
export interface ServiceTarget {
  readonly service: string;
  readonly kind: "action" | "path";
  readonly rest: string;
  /** What stands before the service's name: of S3 the bucket. */
  readonly subdomain?: string | undefined;
}

/** The parts of `arn:aws:apigateway:<region>:<subdomain.service>:<path or action>/<rest>`, where it names what is served. */
export function serviceTarget(uri: string): ServiceTarget | undefined {
  const [, name, kind, rest] = /^arn:[\w-]+:apigateway:[\w-]+:([\w.-]+):(path|action)\/(.*)$/.exec(uri) ?? [];
  if (name === undefined || rest === undefined) return undefined;
  const dot = name.lastIndexOf(".");
  const [service, subdomain] = [name.slice(dot + 1), dot < 0 ? undefined : name.slice(0, dot)];
  if (subdomain !== undefined && service !== "s3") return undefined;
  if (!(kind === "action" ? BY_ACTION : BY_PATH).includes(service)) return undefined;
  return { service, kind: kind as "action" | "path", rest, subdomain };
}

/** Puts in a method, refusing what the data plane does not serve and what the API does not define. */
export function checkedMethod(method: Method, { authorizers = {}, validators = {}, models = {} }: Definitions): Method {
  const { authorizationType, authorizerId, requestValidatorId } = method;
  if (!["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"].includes(authorizationType))
    throw badRequest(
      "Invalid authorization type specified. Valid options are AWS_IAM, CUSTOM, COGNITO_USER_POOLS, NONE",
    );
  if (authorizationType === "COGNITO_USER_POOLS" && authorizerId === undefined) throw noAuthorizer();
  if (authorizationType === "COGNITO_USER_POOLS") throw missing("authorizers (COGNITO_USER_POOLS)");
  if (authorizationType === "CUSTOM" && !Object.hasOwn(authorizers, authorizerId ?? "")) throw noAuthorizer();
  if (requestValidatorId !== undefined && !Object.hasOwn(validators, requestValidatorId))
    throw badRequest("Invalid Request Validator identifier specified");
  for (const name of Object.values(method.requestModels ?? {}))
    if (!Object.hasOwn(models, name) && !DEFAULT_MODELS.includes(name))
      throw badRequest(`Invalid model identifier specified: ${name}`);
  const names = Object.keys(method.requestParameters ?? {}).map((key) => key.split(".").slice(3).join("."));
  if (new Set(names).size < names.length)
    throw badRequest("Parameter names must be unique across querystring, header and path");
  return method;
}

/** Models that every API has from the start. */
export const DEFAULT_MODELS: readonly string[] = ["Empty", "Error"];

const noAuthorizer = (): AwsError =>
  badRequest(
    "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.",
  );

export const given = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

export const newId = (ctx: Context<any>, length = 6): string =>
  ctx.ids.text(length, "abcdefghijklmnopqrstuvwxyz0123456789");
