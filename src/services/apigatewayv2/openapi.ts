import { parse } from "yaml";
import { endpointOf } from "../../compute/edge/openapi-endpoint.ts";
import { shapedDocument } from "../../compute/edge/openapi-shape.ts";
import { writtenVersion } from "../../compute/edge/openapi-version.ts";
import type { Context } from "../../aws/context.ts";
import type { Cors } from "../../compute/edge/cors.ts";
import { checkedAuthorizer } from "./authorizer-model.ts";
import {
  badRequest,
  checkedRoute,
  given,
  newId,
  type HttpAuthorizer,
  type HttpIntegration,
  type HttpRoute,
} from "./model.ts";
import { checkedIntegration } from "./integration-model.ts";

type Json = Record<string, any>;

const VERBS: Readonly<Record<string, string>> = {
  get: "GET",
  put: "PUT",
  post: "POST",
  delete: "DELETE",
  options: "OPTIONS",
  head: "HEAD",
  patch: "PATCH",
  "x-amazon-apigateway-any-method": "ANY",
};
const MAX_ROUTES = 300;

export interface ImportedHttpApi {
  readonly name?: string;
  readonly description?: string;
  readonly version?: string;
  readonly routes: readonly HttpRoute[];
  readonly integrations: readonly HttpIntegration[];
  readonly cors?: Cors;
  readonly disableExecuteApiEndpoint?: boolean;
  readonly authorizers: readonly HttpAuthorizer[];
}

/** Reads an OpenAPI 3 document with AWS's extensions. Throws BadRequestException that names the path and method. */
export function importOpenApi(ctx: Context<any>, body: string, known: readonly HttpAuthorizer[] = []): ImportedHttpApi {
  const document = readDocument(body);
  const routes: HttpRoute[] = [];
  const integrations: HttpIntegration[] = [];
  const globalSecurity = document["security"] as Json[] | undefined;
  const authorizers = readAuthorizers(ctx, document, known);
  for (const [path, item] of Object.entries((document["paths"] ?? {}) as Json)) {
    for (const [verb, method] of Object.entries(VERBS)) {
      const operation = item[verb] as Json | undefined;
      if (!operation) continue;
      // SAM writes the catch-all without the slash that other documents have.
      const key = /^\/?\$default$/.test(path) ? "$default" : `${method} ${path}`;
      const integration = readIntegration(ctx, operation["x-amazon-apigateway-integration"] as Json | undefined, key);
      integrations.push(integration);
      const route = {
        id: newId(ctx),
        key,
        integrationId: integration.id,
        ...securityOf(operation, { globalSecurity, document, authorizers }),
        ...(operation["operationId"] ? { operationName: String(operation["operationId"]) } : {}),
      };
      routes.push(checkedRoute(route, authorizers));
    }
  }
  if (routes.length > MAX_ROUTES) throw badRequest(`An API has at most ${MAX_ROUTES} routes.`);
  const info = (document["info"] ?? {}) as Json;
  const cors = document["x-amazon-apigateway-cors"] as Json | undefined;
  return {
    routes,
    integrations,
    authorizers,
    ...(info["title"] ? { name: String(info["title"]) } : {}),
    ...(info["description"] ? { description: String(info["description"]) } : {}),
    ...(info["version"] ? { version: writtenVersion(body, info["version"]) } : {}),
    ...(cors ? { cors: readCors(cors) } : {}),
    ...endpointOf(document),
  };
}

function readDocument(body: string): Json {
  let document: unknown;
  try {
    document = parse(body, { maxAliasCount: 100 });
  } catch (error) {
    throw badRequest(`Invalid OpenAPI input: ${(error as Error).message}`);
  }
  if (!document || typeof document !== "object" || (document as Json)["openapi"] === undefined)
    throw badRequest("Invalid OpenAPI input: HTTP APIs need OpenAPI 3.0");
  return shapedDocument(document as Json, badRequest);
}

function readIntegration(ctx: Context<any>, said: Json | undefined, key: string): HttpIntegration {
  if (!said) throw badRequest(`No integration is defined for the route ${key}`);
  return checkedIntegration({
    id: newId(ctx),
    type: String(said["type"] ?? "").toUpperCase(),
    uri: String(said["uri"] ?? ""),
    // A function's must be said; endpoints have one alone.
    payloadFormatVersion: String(said["payloadFormatVersion"] ?? (/^http/i.test(String(said["type"])) ? "1.0" : "")),
    ...(said["httpMethod"] ? { method: String(said["httpMethod"]) } : {}),
    timeoutInMillis: Number(said["timeoutInMillis"] ?? 30_000),
    ...(said["credentials"] ? { credentialsArn: String(said["credentials"]) } : {}),
    ...(said["integrationSubtype"] ? { subtype: String(said["integrationSubtype"]) } : {}),
    ...(said["responseParameters"] ? { responseParameters: textsOfEach(said["responseParameters"] as Json) } : {}),
    ...(said["requestParameters"] ? { requestParameters: texts(said["requestParameters"] as Json) } : {}),
  });
}

const texts = (values: Json): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

const textsOfEach = (values: Json): Record<string, Record<string, string>> =>
  Object.fromEntries(Object.entries(values).map(([name, one]) => [name, texts((one ?? {}) as Json)]));

function securityOf(
  operation: Json,
  where: { globalSecurity: Json[] | undefined; document: Json; authorizers: readonly HttpAuthorizer[] },
): Pick<HttpRoute, "authorizationType" | "authorizerId" | "authorizationScopes"> {
  const security = (operation["security"] as Json[] | undefined) ?? where.globalSecurity ?? [];
  const [entry] = security.flatMap((one) => Object.entries(one)).filter(([name]) => name !== "NONE");
  if (!entry) return { authorizationType: "NONE" };
  const [name, scopes] = entry;
  const scheme = (where.document["components"]?.securitySchemes?.[name] ?? {}) as Json;
  if (/sigv4/i.test(String(scheme["x-amazon-apigateway-authtype"] ?? ""))) return { authorizationType: "AWS_IAM" };
  const authorizer = where.authorizers.find((one) => one.name === name);
  if (!authorizer) throw badRequest(`No authorizer is defined for the security scheme ${name}`);
  return {
    authorizationType: authorizer.type === "JWT" ? "JWT" : "CUSTOM",
    authorizerId: authorizer.id,
    ...(Array.isArray(scopes) && scopes.length ? { authorizationScopes: scopes.map(String) } : {}),
  };
}

/** The authorizers that security schemes define; one whose name is known keeps its id. */
function readAuthorizers(ctx: Context<any>, document: Json, known: readonly HttpAuthorizer[]): HttpAuthorizer[] {
  const schemes = Object.entries((document["components"]?.securitySchemes ?? {}) as Record<string, Json>);
  return schemes.flatMap(([name, scheme]) => {
    const said = scheme["x-amazon-apigateway-authorizer"] as Json | undefined;
    if (!said) return [];
    const { jwtConfiguration: jwt, identitySource = "", ...more } = said;
    const sources: unknown[] = Array.isArray(identitySource) ? identitySource : String(identitySource).split(",");
    const type = String(more["type"] ?? "").toUpperCase();
    const authorizer = given({
      id: known.find((one) => one.name === name)?.id ?? newId(ctx, 6),
      name,
      type,
      identitySource: sources.map((source) => String(source).trim()).filter((source) => source !== ""),
      jwt: jwt ? { issuer: String(jwt.issuer ?? ""), audience: [jwt.audience ?? []].flat().map(String) } : undefined,
      uri: text(more["authorizerUri"]),
      credentialsArn: text(more["authorizerCredentials"]),
      payloadFormatVersion: text(more["authorizerPayloadFormatVersion"]),
      simpleResponses: more["enableSimpleResponses"] === undefined ? undefined : more["enableSimpleResponses"] === true,
      ttlSeconds: Number(more["authorizerResultTtlInSeconds"] ?? 0),
    });
    return [checkedAuthorizer(authorizer as HttpAuthorizer)];
  });
}

const text = (value: unknown): string | undefined => (value === undefined ? undefined : String(value as string));

export function readCors(cors: Json): Cors {
  const list = (value: unknown): string[] | undefined =>
    value === undefined ? undefined : Array.isArray(value) ? value.map(String) : [String(value)];
  const at = (name: string): unknown => cors[name] ?? cors[name[0]!.toUpperCase() + name.slice(1)];
  return Object.fromEntries(
    Object.entries({
      AllowOrigins: list(at("allowOrigins")),
      AllowMethods: list(at("allowMethods")),
      AllowHeaders: list(at("allowHeaders")),
      ExposeHeaders: list(at("exposeHeaders")),
      AllowCredentials: at("allowCredentials") === undefined ? undefined : at("allowCredentials") === true,
      MaxAge: at("maxAge") === undefined ? undefined : Number(at("maxAge")),
    }).filter(([, v]) => v !== undefined),
  ) as Cors;
}
