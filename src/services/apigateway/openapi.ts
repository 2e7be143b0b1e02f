import { parse } from "yaml";
import type { Context } from "../../aws/context.ts";
import { endpointOf } from "../../compute/edge/openapi-endpoint.ts";
import { shapedDocument } from "../../compute/edge/openapi-shape.ts";
import { writtenVersion } from "../../compute/edge/openapi-version.ts";
import { checkedAuthorizer } from "./authorizer-model.ts";
import { basePathOf, type BasePathMode } from "./openapi-base-path.ts";
import { methodResponses, readModels, readValidators, requestDemands } from "./openapi-requests.ts";
import { documentedParts, type DocumentationPart } from "./documentation.ts";
import { checkedGatewayResponse } from "./gateway-responses.ts";
import {
  badRequest,
  type Authorizer,
  type Definitions,
  type GatewayResponse,
  checkedIntegration,
  checkedMethod,
  newId,
  type Integration,
  type IntegrationResponse,
  type Method,
  type Resource,
} from "./model.ts";

const VERBS = ["get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"];
const MAX_BODY = 6 * 1024 * 1024;
const MAX_RESOURCES = 300;
const MAX_SHOWN = 256;
const DEFAULT_TIMEOUT_MS = 29_000;

/** What an OpenAPI 2.0 or 3.0 document makes of an API. */
export interface ImportedApi {
  readonly name?: string;
  readonly description?: string;
  readonly version?: string;
  readonly rootResourceId: string;
  readonly resources: Record<string, Resource>;
  readonly binaryMediaTypes?: readonly string[];
  readonly apiKeySource?: string;
  /** As it is written: to be checked and put in full. */
  readonly policy?: string;
  readonly definitions: Definitions;
  readonly disableExecuteApiEndpoint?: boolean;
  readonly documentation: readonly Omit<DocumentationPart, "id">[];
  /** What was passed over. */
  readonly warnings: readonly string[];
}

type Json = Record<string, any>;

/** Reads an OpenAPI document (JSON or YAML) with AWS's extensions. Throws BadRequestException that names the path and method. */
export function importOpenApi(
  ctx: Context<any>,
  body: Uint8Array,
  before: Definitions = {},
  mode: BasePathMode = "ignore",
): ImportedApi {
  if (body.length > MAX_BODY) throw badRequest(`The API definition is larger than ${MAX_BODY} bytes.`);
  const document = readDocument(body);
  const root: Resource = { id: newId(ctx, 10), path: "/", methods: {} };
  const byPath = new Map<string, Resource>([["/", root]]);
  const globalSecurity = document["security"] as Json[] | undefined;
  const schemes = (document["securityDefinitions"] ?? document["components"]?.securitySchemes ?? {}) as Json;
  const definitions: Definitions = {
    authorizers: readAuthorizers(ctx, schemes, before),
    gatewayResponses: readGatewayResponses(document),
    models: readModels(ctx, document, before),
    validators: readValidators(ctx, document, before),
  };
  const basePath = basePathOf(document, mode);
  const warnings: string[] = [];
  if (basePath) addPath(ctx, byPath, basePath);
  for (const [below, item] of Object.entries((document["paths"] ?? {}) as Json)) {
    const path = basePath + below;
    let resource = addPath(ctx, byPath, path.replace(/\/+$/, "") || "/");
    for (const verb of VERBS) {
      if (item[verb] === undefined) continue;
      const httpMethod = verb.startsWith("x-") ? "ANY" : verb.toUpperCase();
      const method = readMethod(item[verb] as Json, {
        httpMethod,
        path,
        resourceId: resource.id,
        warnings,
        document,
        item,
        schemes,
        globalSecurity,
        definitions,
      });
      resource = { ...resource, methods: { ...resource.methods, [httpMethod]: method } };
    }
    byPath.set(resource.path, resource);
  }
  const info = (document["info"] ?? {}) as Json;
  return {
    ...(info["title"] ? { name: String(info["title"]) } : {}),
    ...(info["description"] ? { description: String(info["description"]) } : {}),
    ...(info["version"] ? { version: writtenVersion(Buffer.from(body).toString("utf8"), info["version"]) } : {}),
    rootResourceId: root.id,
    resources: Object.fromEntries([...byPath.values()].map((r) => [r.id, r])),
    definitions,
    documentation: documentedParts(document),
    warnings,
    ...endpointOf(document),
    ...(document["x-amazon-apigateway-binary-media-types"]
      ? { binaryMediaTypes: document["x-amazon-apigateway-binary-media-types"].map(String) as string[] }
      : {}),
    ...(document["x-amazon-apigateway-api-key-source"]
      ? { apiKeySource: String(document["x-amazon-apigateway-api-key-source"]).toUpperCase() }
      : {}),
    ...(document["x-amazon-apigateway-policy"]
      ? { policy: JSON.stringify(document["x-amazon-apigateway-policy"]) }
      : {}),
  };
}

/** An OpenAPI document, as JSON or YAML. */
export function readDocument(body: Uint8Array): Json {
  let document: unknown;
  try {
    document = parse(Buffer.from(body).toString("utf8"), { maxAliasCount: 100 });
  } catch {
    throw badRequest("Invalid OpenAPI input.");
  }
  if (!document || typeof document !== "object" || Array.isArray(document)) throw badRequest("Invalid OpenAPI input.");
  const { swagger, openapi } = document as Json;
  if (swagger === undefined && openapi === undefined)
    throw badRequest("Invalid OpenAPI input: neither `swagger` nor `openapi` says which version it is.");
  if (openapi !== undefined && !String(openapi).startsWith("3."))
    throw badRequest("Only OpenAPI 3.x.x are currently supported");
  if (openapi === undefined && !["2", "2.0"].includes(String(swagger)))
    throw badRequest("Invalid OpenAPI input: only Swagger 2.0 and OpenAPI 3 can be imported.");
  if ((document as Json)["paths"] === null)
    throw badRequest("Failed to parse the uploaded OpenAPI document due to: attribute paths is not of type `object`");
  const shaped = shapedDocument(document as Json, badRequest);
  // Swagger 2.0 may come without paths: the API is as empty as it is.
  if (swagger === undefined && shaped["paths"] === undefined)
    throw badRequest("Failed to parse the uploaded OpenAPI document due to: attribute paths is missing");
  return shaped;
}

function addPath(ctx: Context<any>, byPath: Map<string, Resource>, path: string): Resource {
  const known = byPath.get(path);
  if (known) return known;
  if (byPath.size >= MAX_RESOURCES) throw badRequest(`An API has at most ${MAX_RESOURCES} resources.`);
  const slash = path.lastIndexOf("/");
  const parent = addPath(ctx, byPath, path.slice(0, slash) || "/");
  const resource: Resource = {
    id: newId(ctx),
    parentId: parent.id,
    pathPart: path.slice(slash + 1),
    path,
    methods: {},
  };
  byPath.set(path, resource);
  return resource;
}

/** The authorizers that a document's security schemes define; one whose name is known keeps its id. */
function readAuthorizers(ctx: Context<any>, schemes: Json, before: Definitions): Record<string, Authorizer> {
  const known = Object.values(before.authorizers ?? {});
  const found = Object.entries(schemes).flatMap(([name, scheme]): Authorizer[] => {
    const given = (scheme as Json)["x-amazon-apigateway-authorizer"] as Json | undefined;
    if (!given) return [];
    const type = String(given["type"] ?? "").toUpperCase();
    const header = type === "TOKEN" ? `method.request.header.${scheme["name"] ?? "Authorization"}` : undefined;
    const text = (key: string) => (given[key] === undefined ? {} : { [key]: String(given[key]) });
    const authorizer = {
      id: known.find((one) => one.name === name)?.id ?? newId(ctx),
      name,
      type,
      authType: String(scheme["x-amazon-apigateway-authtype"] ?? "custom"),
      ...(header === undefined ? {} : { identitySource: header }),
      ...text("authorizerUri"),
      ...text("authorizerCredentials"),
      ...text("identitySource"),
      ...text("identityValidationExpression"),
      authorizerResultTtlInSeconds: Number(given["authorizerResultTtlInSeconds"] ?? 300),
    };
    return [checkedAuthorizer(authorizer as Authorizer)];
  });
  return Object.fromEntries(found.map((authorizer) => [authorizer.id, authorizer]));
}

function readGatewayResponses(document: Json): Record<string, GatewayResponse> {
  const given = Object.entries((document["x-amazon-apigateway-gateway-responses"] ?? {}) as Record<string, Json>);
  return Object.fromEntries(
    given.map(([type, { statusCode, responseParameters, responseTemplates }]) => [
      type,
      checkedGatewayResponse(type, {
        ...(statusCode === undefined || statusCode === null ? {} : { statusCode: String(statusCode) }),
        ...(responseParameters ? { responseParameters } : {}),
        ...(responseTemplates ? { responseTemplates } : {}),
      }),
    ]),
  );
}

interface Where {
  readonly httpMethod: string;
  readonly path: string;
  readonly resourceId: string;
  readonly warnings: string[];
  readonly document: Json;
  /** The path's own member. */
  readonly item: Json;
  readonly schemes: Json;
  readonly globalSecurity: Json[] | undefined;
  readonly definitions: Definitions;
}

function readMethod(operation: Json, where: Where): Method {
  const given = operation["x-amazon-apigateway-integration"] as Json | undefined;
  const base: Method = {
    httpMethod: where.httpMethod,
    ...authorization(operation, where),
    ...requestDemands(operation, where),
    ...(operation["operationId"] ? { operationName: String(operation["operationId"]) } : {}),
    ...methodResponses(operation, where),
  };
  // A method without one may be imported; it is missed when the API is deployed.
  if (!given) return checkedMethod(base, where.definitions);
  return checkedMethod({ ...base, methodIntegration: readIntegration(given, where) }, where.definitions);
}

function authorization(
  operation: Json,
  { schemes, globalSecurity, definitions }: Where,
): Pick<Method, "authorizationType" | "apiKeyRequired" | "authorizerId" | "authorizationScopes"> {
  const security = (operation["security"] as Json[] | undefined) ?? globalSecurity ?? [];
  const entries = security.flatMap((entry) => Object.entries(entry)).filter(([name]) => name !== "NONE");
  const isKey = ([name]: [string, unknown]): boolean => {
    const { type, in: place, name: header, ...more } = (schemes[name] ?? {}) as Json;
    const plain = !more["x-amazon-apigateway-authtype"] && !more["x-amazon-apigateway-authorizer"];
    return plain && type === "apiKey" && place === "header" && /^x-api-key$/i.test(String(header));
  };
  const apiKeyRequired = entries.some(isKey);
  const [name, scopes] = entries.find((entry) => !isKey(entry)) ?? [];
  const extension = operation["x-amazon-apigateway-auth"] as Json | undefined;
  if (name === undefined) {
    const type = extension?.["type"] ? String(extension["type"]).toUpperCase() : "NONE";
    return { authorizationType: type, apiKeyRequired };
  }
  if (/^awsSigv4$/i.test(String(schemes[name]?.["x-amazon-apigateway-authtype"] ?? "")))
    return { authorizationType: "AWS_IAM", apiKeyRequired };
  const authorizer = Object.values(definitions.authorizers ?? {}).find((a) => a.name === name);
  // A scheme that names no authorizer (basic, OAuth) documents an API; API Gateway does not act on it.
  if (!authorizer) return { authorizationType: "NONE", apiKeyRequired };
  const authorizationScopes = Array.isArray(scopes) && scopes.length ? { authorizationScopes: scopes as string[] } : {};
  return { authorizationType: "CUSTOM", apiKeyRequired, authorizerId: authorizer.id, ...authorizationScopes };
}

/** Mappings of parameters, those that are text. */
function textParameters(given: unknown, { path, httpMethod, warnings }: Where): Record<string, string> | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  const texts = Object.entries(given).filter(([name, value]) => {
    const isText = typeof value === "string";
    if (!isText && warnings.length < MAX_RESOURCES)
      warnings.push(
        `Invalid format for 'requestParameters'. Expected type string for property '${name}' of resource '${path}' and method '${httpMethod}' but got '${JSON.stringify(value).slice(0, MAX_SHOWN)}'`,
      );
    return isText;
  });
  return texts.length ? (Object.fromEntries(texts) as Record<string, string>) : undefined;
}

function readIntegration(given: Json, where: Where): Integration {
  const { resourceId } = where;
  const requestParameters = textParameters(given["requestParameters"], where);
  const responses = Object.entries((given["responses"] ?? {}) as Record<string, Json>).map(
    ([pattern, r]): [string, IntegrationResponse] => {
      const statusCode = String(r["statusCode"] ?? "200");
      return [
        statusCode,
        {
          statusCode,
          ...(pattern === "default" ? {} : { selectionPattern: pattern }),
          ...(r["responseParameters"] ? { responseParameters: r["responseParameters"] as Record<string, string> } : {}),
          ...(r["responseTemplates"] ? { responseTemplates: r["responseTemplates"] as Record<string, string> } : {}),
          ...(r["contentHandling"] ? { contentHandling: String(r["contentHandling"] as string) } : {}),
        },
      ];
    },
  );
  const { uri, httpMethod, credentials, timeoutInMillis, passthroughBehavior, requestTemplates, contentHandling } =
    given;
  const { cacheKeyParameters } = given;
  return checkedIntegration({
    type: String(given["type"] ?? "").toUpperCase(),
    ...(uri === undefined ? {} : { uri: String(uri) }),
    ...(httpMethod === undefined ? {} : { httpMethod: String(httpMethod) }),
    ...(credentials === undefined ? {} : { credentials: String(credentials) }),
    timeoutInMillis: Number(timeoutInMillis ?? DEFAULT_TIMEOUT_MS),
    cacheNamespace: String(given["cacheNamespace"] ?? resourceId),
    ...(Array.isArray(cacheKeyParameters) ? { cacheKeyParameters: cacheKeyParameters.map(String) } : {}),
    ...(/^http/i.test(String(given["type"])) ? { connectionType: String(given["connectionType"] ?? "INTERNET") } : {}),
    passthroughBehavior: String(passthroughBehavior ?? "WHEN_NO_MATCH").toUpperCase(),
    ...(requestTemplates ? { requestTemplates } : {}),
    ...(requestParameters ? { requestParameters } : {}),
    ...(contentHandling ? { contentHandling: String(contentHandling) } : {}),
    integrationResponses: Object.fromEntries(responses),
  });
}
