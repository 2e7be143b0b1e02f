import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { ApiRoute } from "./api-routes.ts";
import type { SamContext, SamResource } from "./context.ts";
import { addResource, compact, ref, SamFault } from "./context.ts";
import { checkRouteAuth } from "./api-auth-checks.ts";
import { branches } from "./rest-api-cors.ts";

const IAM_SCHEME: JsonObject = {
  "x-amazon-apigateway-authtype": "awsSigv4",
  type: "apiKey",
  name: "Authorization",
  in: "header",
};
const KEY_SCHEME: JsonObject = { type: "apiKey", name: "x-api-key", in: "header" };

function authOf(resource: SamResource): JsonObject {
  return isObject(resource.properties.Auth) ? resource.properties.Auth : {};
}

/** Sets who may call a route: the event's own choice; the API's default comes in {@link applyAuth}. */
export function routeSecurity(_context: SamContext, resource: SamResource, route: ApiRoute, method: JsonObject): void {
  const api = authOf(resource);
  const own: JsonObject = isObject(route.event.settings.Auth) ? route.event.settings.Auth : {};
  const name = own.Authorizer ?? (route.method === "options" ? undefined : api.DefaultAuthorizer);
  const security: JsonObject[] = [];
  checkRouteAuth(api, route);
  const authorizers = isObject(api.Authorizers) ? api.Authorizers : {};
  if (typeof name === "string") {
    if (own.Authorizer !== undefined && name !== "NONE" && name !== "AWS_IAM" && authorizers[name] === undefined) {
      const message =
        Object.keys(authorizers).length === 0
          ? `Unable to set Authorizer [${name}] on API method [${route.method}] for path [${route.path}] because the related API does not define any Authorizers.`
          : `Unable to set Authorizer [${name}] on API method [${route.method}] for path [${route.path}] because it wasn't defined in the API's Authorizers.`;
      throw route.event.fault(message);
    }
    const settings = authorizers[name];
    const scopes = own.AuthorizationScopes ?? (isObject(settings) ? settings.AuthorizationScopes : undefined) ?? [];
    if (name !== "NONE" || api.DefaultAuthorizer !== undefined)
      security.push({ [name]: name === "NONE" ? [] : scopes });
  }
  if ((own.ApiKeyRequired ?? api.ApiKeyRequired) === true) security.push({ api_key: [] });
  if (security.length > 0 || own.ApiKeyRequired === false) method.security = security;
  if (name === "AWS_IAM") setCredentials(method, own.InvokeRole === null ? "NONE" : (own.InvokeRole ?? api.InvokeRole));
}

function setCredentials(method: JsonObject, role: JsonValue | undefined): void {
  const integration = method["x-amazon-apigateway-integration"] as JsonObject;
  if (role === "NONE") return;
  integration.credentials = role === undefined || role === "CALLER_CREDENTIALS" ? "arn:aws:iam::*:user/*" : role;
}

/** Adds the security definitions, and the default authorizer to the methods of a definition given by the user. */
export function applyAuth(context: SamContext, resource: SamResource, body: JsonObject, three: boolean): void {
  const auth = authOf(resource);
  const authorizers = isObject(auth.Authorizers) ? auth.Authorizers : {};
  const schemes: JsonObject = {};
  for (const [name, settings] of Object.entries(authorizers)) {
    if (!isObject(settings)) throw new SamFault(resource.id, `Authorizer ${name} must be a dictionary.`);
    schemes[name] = scheme(context, resource, name, settings);
  }
  const uses = usedSchemes(body);
  if (uses.has("AWS_IAM") || auth.DefaultAuthorizer === "AWS_IAM") schemes.AWS_IAM = { ...IAM_SCHEME };
  if (uses.has("api_key") || auth.ApiKeyRequired === true) schemes.api_key = { ...KEY_SCHEME };
  const standard = auth.DefaultAuthorizer;
  if (typeof standard === "string") {
    if (standard !== "AWS_IAM" && authorizers[standard] === undefined) {
      throw new SamFault(
        resource.id,
        `Unable to set DefaultAuthorizer because '${standard}' was not defined in 'Authorizers'.`,
      );
    }
    addDefault(body, standard, auth);
  }
  if (auth.ApiKeyRequired === true) requireKey(body, auth);
  if (Object.keys(schemes).length === 0) return;
  if (three) {
    const components = (body.components ??= {}) as JsonObject;
    components.securitySchemes = {
      ...(isObject(components.securitySchemes) ? components.securitySchemes : {}),
      ...schemes,
    };
  } else
    body.securityDefinitions = { ...(isObject(body.securityDefinitions) ? body.securityDefinitions : {}), ...schemes };
}

/** Every method of a definition, those behind Fn::If included. */
export function methodsOf(body: JsonObject): [string, JsonObject][] {
  const paths = isObject(body.paths) ? body.paths : {};
  const result: [string, JsonObject][] = [];
  for (const path of Object.values(paths)) {
    for (const item of branches(path)) {
      for (const [name, method] of Object.entries(item)) {
        if (!/^(get|put|post|delete|options|head|patch|x-amazon-apigateway-any-method)$/i.test(name)) continue;
        for (const one of branches(method)) result.push([name.toLowerCase(), one]);
      }
    }
  }
  return result;
}

function usedSchemes(body: JsonObject): Set<string> {
  const names = new Set<string>();
  for (const [, method] of methodsOf(body)) {
    for (const entry of Array.isArray(method.security) ? method.security : []) {
      if (isObject(entry)) for (const name of Object.keys(entry)) names.add(name);
    }
  }
  return names;
}

function addDefault(body: JsonObject, name: string, auth: JsonObject): void {
  const own = isObject(auth.Authorizers) ? auth.Authorizers[name] : undefined;
  const scopes = (isObject(own) ? own.AuthorizationScopes : undefined) ?? [];
  for (const [verb, method] of methodsOf(body)) {
    if (verb === "options" && auth.AddDefaultAuthorizerToCorsPreflight === false) continue;
    if (method.security !== undefined) continue;
    method.security = [{ [name]: scopes }];
  }
}

/** Methods of a definition given by the user ask for a key too, unless they say who may call them. */
function requireKey(body: JsonObject, auth: JsonObject): void {
  for (const [verb, method] of methodsOf(body)) {
    const security = Array.isArray(method.security) ? method.security : [];
    const free = method.security !== undefined && security.length === 0;
    if (
      (verb === "options" && auth.AddApiKeyRequiredToCorsPreflight === false) ||
      free ||
      security.some((one) => isObject(one) && one.api_key !== undefined)
    )
      continue;
    method.security = [...security, { api_key: [] }];
  }
}

function scheme(context: SamContext, resource: SamResource, name: string, a: JsonObject): JsonObject {
  const identity: JsonObject = isObject(a.Identity) ? a.Identity : {};
  const pools = a.UserPoolArn;
  const request = a.FunctionPayloadType === "REQUEST";
  const result: JsonObject = {
    type: "apiKey",
    name: request ? "Unused" : (identity.Header ?? "Authorization"),
    in: "header",
    "x-amazon-apigateway-authtype": pools === undefined ? "custom" : "cognito_user_pools",
  };
  const ttl = identity.ReauthorizeEvery;
  const common = { authorizerResultTtlInSeconds: ttl, identityValidationExpression: identity.ValidationExpression };
  if (pools !== undefined) {
    const authorizer = { type: "cognito_user_pools", providerARNs: Array.isArray(pools) ? pools : [pools], ...common };
    result["x-amazon-apigateway-authorizer"] = compact(authorizer);
    return result;
  }
  if (a.FunctionArn === undefined)
    throw new SamFault(resource.id, `${name} Authorizer must specify 'FunctionArn' or 'UserPoolArn'.`);
  result["x-amazon-apigateway-authorizer"] = compact({
    type: request ? "request" : "token",
    authorizerUri: {
      "Fn::Sub": [
        `arn:${context.partition}:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${__FunctionArn__}/invocations`,
        { __FunctionArn__: a.FunctionArn },
      ],
    },
    authorizerCredentials: a.FunctionInvokeRole === "NONE" ? undefined : a.FunctionInvokeRole,
    identitySource: request ? identitySource(identity) : undefined,
    ...common,
  });
  return result;
}

function identitySource(identity: JsonObject): string | undefined {
  const places: readonly [string, string][] = [
    ["Headers", "header"],
    ["QueryStrings", "querystring"],
    ["StageVariables", "stageVariables"],
    ["Context", "context"],
  ];
  const sources = places.flatMap(([key, place]) => {
    const names = Array.isArray(identity[key]) ? identity[key] : [];
    const prefix = place === "header" || place === "querystring" ? `method.request.${place}` : place;
    return names.map((name) => `${prefix}.${String(name)}`);
  });
  return sources.length > 0 ? sources.join(", ") : undefined;
}

/** Lets the API call its Lambda authorizers. */
export function authorizerPermissions(context: SamContext, resource: SamResource, shared: JsonObject): void {
  const auth = authOf(resource);
  const authorizers = isObject(auth.Authorizers) ? auth.Authorizers : {};
  for (const [name, settings] of Object.entries(authorizers)) {
    if (!isObject(settings) || settings.FunctionArn === undefined || settings.UserPoolArn !== undefined) continue;
    if (settings.DisableFunctionDefaultPermissions === true) continue;
    addResource(
      context,
      `${resource.id}${name}AuthorizerPermission`.replace(/[^A-Za-z0-9]/g, ""),
      "AWS::Lambda::Permission",
      {
        Action: "lambda:InvokeFunction",
        FunctionName: settings.FunctionArn,
        Principal: "apigateway.amazonaws.com",
        SourceArn: {
          "Fn::Sub": [
            `arn:${context.partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${__ApiId__}/authorizers/*`,
            { __ApiId__: ref(resource.id) },
          ],
        },
      },
      shared,
    );
  }
}
