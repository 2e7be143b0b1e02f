import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { ApiRoute } from "./api-routes.ts";
import { buildPaths, implicitCondition } from "./api-routes.ts";
import { parseS3 } from "./code-uri.ts";
import { checkHttpApi } from "./http-api-checks.ts";
import { checkRouteAuth } from "./api-auth-checks.ts";
import { methodsOf } from "./rest-api-auth.ts";
import type { SamContext, SamResource } from "./context.ts";
import { addCustomDomain } from "./custom-domain.ts";
import {
  addResource,
  clone,
  compact,
  isIntrinsic,
  pick,
  ref,
  resolveParameters,
  SamFault,
  sharedAttributes,
} from "./context.ts";

const CREATED_BY = "httpapi:createdBy";

/** Translates AWS::Serverless::HttpApi: the API with its OpenAPI body and its stage. */
export function translateHttpApi(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  if (p.DisableExecuteApiEndpoint !== undefined && !isFlag(p.DisableExecuteApiEndpoint)) {
    throw new SamFault(id, "Type of property 'DisableExecuteApiEndpoint' is invalid.");
  }
  if (p.DefinitionUri !== undefined && p.DefinitionBody !== undefined) {
    throw new SamFault(id, "Specify either 'DefinitionUri' or 'DefinitionBody' property and not both.");
  }
  checkHttpApi(context, resource);
  const condition = implicitCondition(context, id);
  const shared = { ...sharedAttributes(resource), ...(condition && { Condition: condition }) };
  const attributes = condition ? { ...resource.attributes, Condition: condition } : resource.attributes;
  const place = p.DefinitionUri === undefined ? undefined : parseS3(id, "DefinitionUri", p.DefinitionUri);
  const api = compact({
    Body: place ? undefined : definition(context, resource),
    BodyS3Location: place ? compact({ Bucket: place.bucket, Key: place.key, Version: place.version }) : undefined,
    Description: undefined,
    FailOnWarnings: p.FailOnWarnings,
    DisableExecuteApiEndpoint: undefined,
  });
  addResource(context, id, "AWS::ApiGatewayV2::Api", api, attributes);
  addStage(context, resource, shared);
  const tags = allTags(p);
  addCustomDomain(context, resource, { http: true, tags, shared });
  addAuthorizerPermissions(context, resource, shared);
}

function definition(context: SamContext, resource: SamResource): JsonObject {
  const { id, properties: p } = resource;
  const own = isObject(p.DefinitionBody) ? clone(p.DefinitionBody) : undefined;
  const body: JsonObject = own ?? {
    openapi: "3.0.1",
    info: { version: "1.0", title: ref("AWS::StackName") },
    paths: {},
  };
  if (isIntrinsic(body)) return body;
  const paths = isObject(body.paths) ? body.paths : {};
  body.paths = buildPaths(context, id, paths, (route) => method(resource, route));
  addDefaultAuthorizer(resource, body);
  const schemes = securitySchemes(context, resource, body);
  if (Object.keys(schemes).length > 0) {
    const components = (body.components ??= {}) as JsonObject;
    const own: JsonObject = isObject(components.securitySchemes) ? components.securitySchemes : {};
    // A scheme of the user's that has the name of the IAM one stays as it is.
    components.securitySchemes = { ...own, ...schemes, ...pick(own, ["AWS_IAM"]) };
  }
  if (p.CorsConfiguration !== undefined)
    body["x-amazon-apigateway-cors"] = cors(resolveParameters(context, p.CorsConfiguration));
  body.tags = mergedTags(body.tags, allTags(p));
  if (p.Description !== undefined)
    body.info = { ...(isObject(body.info) ? body.info : {}), description: p.Description };
  if (p.Name !== undefined) body.info = { ...(isObject(body.info) ? body.info : {}), title: p.Name };
  if (p.DisableExecuteApiEndpoint !== undefined) {
    const setting = { disableExecuteApiEndpoint: p.DisableExecuteApiEndpoint };
    const servers = Array.isArray(body.servers) ? body.servers : [{}];
    body.servers = servers.map((server) => ({
      ...(isObject(server) ? server : {}),
      "x-amazon-apigateway-endpoint-configuration": setting,
    }));
  }
  return body;
}

/** The definition's tags, with the values that the API's have. */
function mergedTags(own: JsonValue | undefined, tags: JsonObject): JsonValue[] {
  const all = Array.isArray(own) ? own : [];
  const value = (name: string): JsonObject => ({ "x-amazon-apigateway-tag-value": tags[name] ?? null });
  const named = (tag: JsonValue): string | undefined =>
    isObject(tag) && typeof tag.name === "string" && Object.hasOwn(tags, tag.name) ? tag.name : undefined;
  const known = all.map((tag) => {
    const name = named(tag);
    return name !== undefined && isObject(tag) ? { ...tag, ...value(name) } : tag;
  });
  const more = Object.keys(tags).filter((name) => !all.some((tag) => named(tag) === name));
  return [...known, ...more.map((name) => ({ name, ...value(name) }))];
}

function isFlag(value: JsonValue): boolean {
  return typeof value === "boolean" || isIntrinsic(value);
}

function allTags(properties: JsonObject): JsonObject {
  return { [CREATED_BY]: "SAM", ...(isObject(properties.Tags) ? properties.Tags : {}) };
}

function authOf(resource: SamResource): JsonObject {
  return isObject(resource.properties.Auth) ? resource.properties.Auth : {};
}

function method(resource: SamResource, route: ApiRoute): JsonObject {
  const result: JsonObject = { "x-amazon-apigateway-integration": clone(route.integration), responses: {} };
  if (route.path === "$default") result.isDefaultRoute = true;
  const names = [...route.path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] ?? "");
  if (names.length > 0) result.parameters = names.map((one) => ({ name: one, in: "path", required: true }));
  const api = authOf(resource);
  const own: JsonObject = isObject(route.event.settings.Auth) ? route.event.settings.Auth : {};
  const name = own.Authorizer ?? api.DefaultAuthorizer;
  const authorizers = isObject(api.Authorizers) ? api.Authorizers : {};
  checkRouteAuth(api, route);
  if (typeof name !== "string") return result;
  // Preflights carry no signature.
  if (route.method === "options" && own.Authorizer === undefined && name === "AWS_IAM") return result;
  if (own.Authorizer !== undefined && name !== "NONE" && name !== "AWS_IAM" && authorizers[name] === undefined) {
    throw route.event.fault(
      `Unable to set Authorizer [${name}] on API method [${route.method}] for path [${route.path}] because it wasn't defined in the API's Authorizers.`,
    );
  }
  if (name === "NONE") {
    if (api.DefaultAuthorizer !== undefined) result.security = [{ NONE: [] }];
    return result;
  }
  const settings = authorizers[name];
  // The built-in authorizer knows no scopes.
  const scopes =
    name === "AWS_IAM" && authorizers[name] === undefined
      ? []
      : (own.AuthorizationScopes ?? (isObject(settings) ? settings.AuthorizationScopes : undefined) ?? []);
  result.security = [{ [name]: scopes }];
  return result;
}

/** The default authorizer guards every method that does not say otherwise, in a definition of the user's too. */
function addDefaultAuthorizer(resource: SamResource, body: JsonObject): void {
  const auth = authOf(resource);
  const name = auth.DefaultAuthorizer;
  if (typeof name !== "string" || resource.properties.DefinitionBody === undefined) return;
  const settings = isObject(auth.Authorizers) ? auth.Authorizers[name] : undefined;
  const scopes = (isObject(settings) ? settings.AuthorizationScopes : undefined) ?? [];
  for (const [verb, one] of methodsOf(body)) {
    if (verb !== "options" && one.security === undefined) one.security = [{ [name]: scopes }];
  }
}

function securitySchemes(context: SamContext, resource: SamResource, body: JsonObject): JsonObject {
  const auth = authOf(resource);
  const schemes: JsonObject = {};
  for (const [name, a] of Object.entries(isObject(auth.Authorizers) ? auth.Authorizers : {})) {
    if (!isObject(a)) throw new SamFault(resource.id, `Authorizer ${name} must be a dictionary.`);
    schemes[name] = a.FunctionArn === undefined ? jwtScheme(a) : lambdaScheme(resource, name, a, context.partition);
  }
  if (JSON.stringify(body.paths ?? {}).includes('"AWS_IAM"') || auth.DefaultAuthorizer === "AWS_IAM") {
    schemes.AWS_IAM ??= {
      "x-amazon-apigateway-authtype": "awsSigv4",
      type: "apiKey",
      name: "Authorization",
      in: "header",
    };
  }
  return schemes;
}

function jwtScheme(a: JsonObject): JsonObject {
  const jwt: JsonObject = isObject(a.JwtConfiguration) ? a.JwtConfiguration : {};
  const configuration = compact({ issuer: jwt.issuer ?? jwt.Issuer, audience: jwt.audience ?? jwt.Audience });
  return {
    type: "oauth2",
    "x-amazon-apigateway-authorizer": compact({
      type: "jwt",
      jwtConfiguration: configuration,
      identitySource: a.IdentitySource,
    }),
  };
}

function lambdaScheme(resource: SamResource, name: string, a: JsonObject, partition: string): JsonObject {
  if (a.AuthorizerPayloadFormatVersion === undefined) {
    throw new SamFault(resource.id, `${name} Lambda Authorizer must define 'AuthorizerPayloadFormatVersion'.`);
  }
  const identity: JsonObject = isObject(a.Identity) ? a.Identity : {};
  const places: readonly [string, string][] = [
    ["Headers", "$request.header"],
    ["QueryStrings", "$request.querystring"],
    ["StageVariables", "$stageVariables"],
    ["Context", "$context"],
  ];
  const sources = places.flatMap(([key, prefix]) =>
    (Array.isArray(identity[key]) ? identity[key] : []).map((n) => `${prefix}.${String(n)}`),
  );
  return {
    type: "apiKey",
    name: "Unused",
    in: "header",
    "x-amazon-apigateway-authorizer": compact({
      type: "request",
      authorizerUri: {
        "Fn::Sub": [
          `arn:${partition}:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${__FunctionArn__}/invocations`,
          { __FunctionArn__: a.FunctionArn ?? "" },
        ],
      },
      authorizerCredentials: a.FunctionInvokeRole,
      identitySource: sources.length > 0 ? sources : undefined,
      authorizerResultTtlInSeconds: identity.ReauthorizeEvery,
      authorizerPayloadFormatVersion: a.AuthorizerPayloadFormatVersion,
      enableSimpleResponses: a.EnableSimpleResponses === false ? undefined : a.EnableSimpleResponses,
    }),
  };
}

function addAuthorizerPermissions(context: SamContext, resource: SamResource, shared: JsonObject): void {
  const auth = authOf(resource);
  for (const [name, a] of Object.entries(isObject(auth.Authorizers) ? auth.Authorizers : {})) {
    if (!isObject(a) || a.FunctionArn === undefined || a.EnableFunctionDefaultPermissions !== true) continue;
    addResource(
      context,
      `${resource.id}${name}AuthorizerPermission`,
      "AWS::Lambda::Permission",
      {
        Action: "lambda:InvokeFunction",
        FunctionName: a.FunctionArn,
        Principal: "apigateway.amazonaws.com",
        SourceArn: {
          "Fn::Sub": [
            "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/authorizers/*",
            { __ApiId__: ref(resource.id) },
          ],
        },
      },
      shared,
    );
  }
}

const CORS: Readonly<Record<string, string>> = {
  AllowOrigins: "allowOrigins",
  AllowHeaders: "allowHeaders",
  AllowMethods: "allowMethods",
  ExposeHeaders: "exposeHeaders",
  MaxAge: "maxAge",
  AllowCredentials: "allowCredentials",
};

function cors(value: JsonValue): JsonValue {
  if (value === true || value === "true") return { allowOrigins: ["*"] };
  if (!isObject(value)) return value;
  if (Array.isArray(value["Fn::If"])) {
    const [condition, ...both] = value["Fn::If"];
    return { "Fn::If": [condition ?? "", ...both.map(cors)] };
  }
  if (isIntrinsic(value)) return value;
  const given = Object.entries(value).filter(([, item]) => item !== false);
  return Object.fromEntries(given.map(([key, item]) => [CORS[key] ?? key, item]));
}

function addStage(context: SamContext, resource: SamResource, shared: JsonObject): void {
  const { id, properties: p } = resource;
  const name = p.StageName ?? "$default";
  const stageId =
    name === "$default"
      ? `${id}ApiGatewayDefaultStage`
      : typeof name === "string"
        ? `${id}${name.replace(/[^A-Za-z0-9]/g, "")}Stage`
        : `${id}Stage`;
  // A definition that the transform cannot look into gets no tags, and so its stage has none either.
  const tagged = p.DefinitionUri === undefined && !isIntrinsic(p.DefinitionBody);
  const settings = pick(p, ["AccessLogSettings", "DefaultRouteSettings", "RouteSettings"]);
  addResource(
    context,
    stageId,
    "AWS::ApiGatewayV2::Stage",
    compact({
      ApiId: ref(id),
      StageName: name,
      AutoDeploy: true,
      StageVariables: p.StageVariables,
      ...settings,
      Tags: tagged ? allTags(p) : undefined,
    }),
    shared,
  );
  context.aliases.set(id, { ...context.aliases.get(id), Stage: stageId });
}
