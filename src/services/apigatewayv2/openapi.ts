import { parse } from "yaml";
import type { Context } from "../../aws/context.ts";
import type { Cors } from "../../compute/edge/cors.ts";
import {
  badRequest,
  checkedIntegration,
  checkedRoute,
  missing,
  newId,
  type HttpIntegration,
  type HttpRoute,
} from "./model.ts";

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
}

/** Reads an OpenAPI 3 document with AWS's extensions. Throws BadRequestException that names the path and method. */
export function importOpenApi(ctx: Context<any>, body: string): ImportedHttpApi {
  let document: Json;
  try {
    document = parse(body, { maxAliasCount: 100 }) as Json;
  } catch (error) {
    throw badRequest(`Invalid OpenAPI input: ${(error as Error).message}`);
  }
  if (!document || typeof document !== "object" || document["openapi"] === undefined)
    throw badRequest("Invalid OpenAPI input: HTTP APIs need OpenAPI 3.0");
  const routes: HttpRoute[] = [];
  const integrations: HttpIntegration[] = [];
  const globalSecurity = document["security"] as Json[] | undefined;
  for (const [path, item] of Object.entries((document["paths"] ?? {}) as Json)) {
    for (const [verb, method] of Object.entries(VERBS)) {
      const operation = item?.[verb] as Json | undefined;
      if (!operation) continue;
      const key = path === "/$default" ? "$default" : `${method} ${path}`;
      const integration = readIntegration(ctx, operation["x-amazon-apigateway-integration"] as Json | undefined, key);
      integrations.push(integration);
      const authorizationType = securityOf(operation, globalSecurity, document);
      routes.push(
        checkedRoute({
          id: newId(ctx),
          key,
          integrationId: integration.id,
          authorizationType,
          ...(operation["operationId"] ? { operationName: String(operation["operationId"]) } : {}),
        }),
      );
    }
  }
  if (routes.length > MAX_ROUTES) throw badRequest(`An API has at most ${MAX_ROUTES} routes.`);
  const info = (document["info"] ?? {}) as Json;
  const cors = document["x-amazon-apigateway-cors"] as Json | undefined;
  return {
    routes,
    integrations,
    ...(info["title"] ? { name: String(info["title"]) } : {}),
    ...(info["description"] ? { description: String(info["description"]) } : {}),
    ...(info["version"] ? { version: String(info["version"]) } : {}),
    ...(cors ? { cors: readCors(cors) } : {}),
  };
}

function readIntegration(ctx: Context<any>, given: Json | undefined, key: string): HttpIntegration {
  if (!given) throw badRequest(`No integration is defined for the route ${key}`);
  return checkedIntegration({
    id: newId(ctx),
    type: String(given["type"] ?? "").toUpperCase(),
    uri: String(given["uri"] ?? ""),
    payloadFormatVersion: String(given["payloadFormatVersion"] ?? ""),
    timeoutInMillis: Number(given["timeoutInMillis"] ?? 30_000),
    ...(given["credentials"] ? { credentialsArn: String(given["credentials"]) } : {}),
  });
}

function securityOf(operation: Json, globalSecurity: Json[] | undefined, document: Json): string {
  const names = ((operation["security"] as Json[] | undefined) ?? globalSecurity ?? [])
    .flatMap((entry) => Object.keys(entry))
    .filter((name) => name !== "NONE");
  if (names.length === 0) return "NONE";
  const scheme = (document["components"]?.securitySchemes?.[names[0]!] ?? {}) as Json;
  if (/sigv4/i.test(String(scheme["x-amazon-apigateway-authtype"] ?? ""))) return "AWS_IAM";
  throw missing(`authorizers (${names[0]})`);
}

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
