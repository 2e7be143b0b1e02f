import { parse } from "yaml";
import type { Context } from "../../aws/context.ts";
import {
  badRequest,
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

/** What an OpenAPI 2.0 or 3.0 document makes of an API. */
export interface ImportedApi {
  readonly name?: string;
  readonly description?: string;
  readonly version?: string;
  readonly rootResourceId: string;
  readonly resources: Record<string, Resource>;
  readonly binaryMediaTypes?: readonly string[];
  /** As it is written: to be checked and put in full. */
  readonly policy?: string;
}

type Json = Record<string, any>;

/** Reads an OpenAPI document (JSON or YAML) with AWS's extensions. Throws BadRequestException that names the path and method. */
export function importOpenApi(ctx: Context<any>, body: Uint8Array): ImportedApi {
  if (body.length > MAX_BODY) throw badRequest(`The API definition is larger than ${MAX_BODY} bytes.`);
  const document = readDocument(body);
  const root: Resource = { id: newId(ctx, 10), path: "/", methods: {} };
  const byPath = new Map<string, Resource>([["/", root]]);
  const globalSecurity = document["security"] as Json[] | undefined;
  const schemes = (document["securityDefinitions"] ?? document["components"]?.securitySchemes ?? {}) as Json;
  for (const [path, item] of Object.entries((document["paths"] ?? {}) as Json)) {
    let resource = addPath(ctx, byPath, path.replace(/\/+$/, "") || "/");
    for (const verb of VERBS) {
      if (item?.[verb] === undefined) continue;
      const httpMethod = verb.startsWith("x-") ? "ANY" : verb.toUpperCase();
      const method = readMethod(item[verb] as Json, { httpMethod, path, schemes, globalSecurity });
      resource = { ...resource, methods: { ...resource.methods, [httpMethod]: method } };
    }
    byPath.set(resource.path, resource);
  }
  const info = (document["info"] ?? {}) as Json;
  return {
    ...(info["title"] ? { name: String(info["title"]) } : {}),
    ...(info["description"] ? { description: String(info["description"]) } : {}),
    ...(info["version"] ? { version: String(info["version"]) } : {}),
    rootResourceId: root.id,
    resources: Object.fromEntries([...byPath.values()].map((r) => [r.id, r])),
    ...(document["x-amazon-apigateway-binary-media-types"]
      ? { binaryMediaTypes: document["x-amazon-apigateway-binary-media-types"] as string[] }
      : {}),
    ...(document["x-amazon-apigateway-policy"]
      ? { policy: JSON.stringify(document["x-amazon-apigateway-policy"]) }
      : {}),
  };
}

function readDocument(body: Uint8Array): Json {
  let document: unknown;
  try {
    document = parse(Buffer.from(body).toString("utf8"), { maxAliasCount: 100 });
  } catch (error) {
    throw badRequest(`Invalid OpenAPI input: ${(error as Error).message}`);
  }
  if (!document || typeof document !== "object") throw badRequest("Invalid OpenAPI input: it must be an object.");
  const { swagger, openapi } = document as Json;
  if (swagger === undefined && openapi === undefined)
    throw badRequest("Invalid OpenAPI input: neither `swagger` nor `openapi` says which version it is.");
  return document as Json;
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

interface Where {
  readonly httpMethod: string;
  readonly path: string;
  readonly schemes: Json;
  readonly globalSecurity: Json[] | undefined;
}

function readMethod(operation: Json, where: Where): Method {
  const given = operation["x-amazon-apigateway-integration"] as Json | undefined;
  const base: Method = {
    httpMethod: where.httpMethod,
    ...authorization(operation, where),
    ...(operation["operationId"] ? { operationName: String(operation["operationId"]) } : {}),
    methodResponses: Object.fromEntries(
      Object.keys((operation["responses"] ?? {}) as Json).map((status) => [status, { statusCode: status }]),
    ),
  };
  if (!given)
    throw badRequest(
      `Unable to put integration on '${where.httpMethod}' for resource at path '${where.path}': no integration defined for method`,
    );
  return checkedMethod({ ...base, methodIntegration: readIntegration(given) });
}

function authorization(
  operation: Json,
  { schemes, globalSecurity }: Where,
): Pick<Method, "authorizationType" | "apiKeyRequired"> {
  const security = (operation["security"] as Json[] | undefined) ?? globalSecurity ?? [];
  const names = security.flatMap((entry) => Object.keys(entry)).filter((name) => name !== "NONE");
  const kindOf = (name: string): string => {
    const scheme = (schemes[name] ?? {}) as Json;
    const kind = String(scheme["x-amazon-apigateway-authtype"] ?? "");
    if (/^awsSigv4$/i.test(kind)) return "AWS_IAM";
    if (/^cognito_user_pools$/i.test(kind)) return "COGNITO_USER_POOLS";
    if (scheme["x-amazon-apigateway-authorizer"]) return "CUSTOM";
    return scheme["type"] === "apiKey" && scheme["in"] === "header" && /^x-api-key$/i.test(String(scheme["name"]))
      ? "API_KEY"
      : "CUSTOM";
  };
  const kinds = names.map(kindOf);
  const extension = operation["x-amazon-apigateway-auth"] as Json | undefined;
  const type =
    kinds.find((kind) => kind !== "API_KEY") ??
    (extension?.["type"] ? String(extension["type"]).toUpperCase() : "NONE");
  return { authorizationType: type, apiKeyRequired: kinds.includes("API_KEY") };
}

function readIntegration(given: Json): Integration {
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
        },
      ];
    },
  );
  const {
    uri,
    httpMethod,
    credentials,
    timeoutInMillis,
    passthroughBehavior,
    requestTemplates,
    requestParameters,
    contentHandling,
  } = given;
  return checkedIntegration({
    type: String(given["type"] ?? "").toUpperCase(),
    ...(uri === undefined ? {} : { uri: String(uri) }),
    ...(httpMethod === undefined ? {} : { httpMethod: String(httpMethod) }),
    ...(credentials === undefined ? {} : { credentials: String(credentials) }),
    ...(timeoutInMillis === undefined ? {} : { timeoutInMillis: Number(timeoutInMillis) }),
    passthroughBehavior: String(passthroughBehavior ?? "WHEN_NO_MATCH").toUpperCase(),
    ...(requestTemplates ? { requestTemplates } : {}),
    ...(requestParameters ? { requestParameters } : {}),
    ...(contentHandling ? { contentHandling: String(contentHandling) } : {}),
    integrationResponses: Object.fromEntries(responses),
  });
}
