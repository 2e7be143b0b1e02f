import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { ApiRoute } from "./api-routes.ts";
import type { SamResource } from "./context.ts";
import { isIntrinsic, SamFault, structureFault } from "./context.ts";

const IDENTITY = ["Headers", "QueryStrings", "StageVariables", "Context"];

/** Refuses an Auth that SAM refuses, of either kind of API. */
export function checkAuth({ id, properties: p }: SamResource): void {
  const fail = (message: string): never => {
    throw new SamFault(id, message);
  };
  const auth = p.Auth;
  if (auth === undefined || isIntrinsic(auth)) return;
  if (!isObject(auth)) return fail("Property 'Auth' should be a map.");
  const { DefaultAuthorizer: standard, Authorizers: authorizers, ResourcePolicy: policy } = auth;
  if (standard !== undefined && standard !== null && typeof standard !== "string")
    fail("DefaultAuthorizer is not a string.");
  if (policy !== undefined && policy !== null && !isObject(policy))
    throw structureFault("ResourcePolicy must be a map (ResourcePolicyStatement).");
  if (authorizers === undefined || authorizers === null) return;
  if (!isObject(authorizers)) return fail("Property 'Auth.Authorizers' should be a map.");
  for (const [name, settings] of Object.entries(authorizers)) {
    if (!isObject(settings)) continue;
    const { AuthorizationScopes: scopes, Identity: identity, JwtConfiguration: jwt } = settings;
    if (jwt !== undefined && !isObject(jwt)) fail("Property 'JwtConfiguration' should be a map.");
    if (scopes !== undefined && !Array.isArray(scopes) && !isIntrinsic(scopes))
      fail(`Property 'Authorizers.${name}.AuthorizationScopes' should be a list.`);
    if (identity !== undefined && identity !== null) checkIdentity(fail, name, identity);
  }
}

function checkIdentity(fail: (message: string) => never, name: string, identity: JsonValue): void {
  if (!isObject(identity)) return fail(`Property 'Auth.Authorizers.${name}.Identity' should be a map.`);
  for (const place of IDENTITY) {
    const list = identity[place];
    const path = `Auth.Authorizers.${name}.Identity.${place}`;
    if (list === undefined || list === null || isIntrinsic(list)) continue;
    if (!Array.isArray(list)) return fail(`Property '${path}' should be a list.`);
    const strange = list.findIndex((item) => typeof item !== "string" && !isIntrinsic(item));
    if (strange >= 0) fail(`Property '${path}[${strange}]' should be a string.`);
  }
}

/** Refuses what an event asks for and its API does not have. */
export function checkRouteAuth(api: JsonObject, route: ApiRoute): void {
  const { method, path, event } = route;
  const own: JsonObject = isObject(event.settings.Auth) ? event.settings.Auth : {};
  const where = `on API method [${method}] for path [${path}]`;
  if (own.Authorizer !== undefined && own.Authorizer !== null && typeof own.Authorizer !== "string") {
    throw event.fault(
      `Unable to set Authorizer [${python(own.Authorizer)}] ${where}. The method authorizer must be a string with a corresponding dict entry in the api authorizer.`,
    );
  }
  if (own.Authorizer === "NONE" && !api.DefaultAuthorizer) {
    throw event.fault(
      `Unable to set Authorizer ${where} because 'NONE' is only a valid value when a DefaultAuthorizer on the API is specified.`,
    );
  }
  if (route.kind === "Api" && own.ApiKeyRequired === false && !api.ApiKeyRequired) {
    throw event.fault(
      `Unable to set ApiKeyRequired [False] ${where} because the related API does not specify any ApiKeyRequired.`,
    );
  }
}

const python = (value: JsonValue): string => JSON.stringify(value).replaceAll('"', "'");

const NO_METHODS = new Set(["summary", "description", "parameters"]);

/** A default authorizer goes through all methods of a definition: each must be one, and its security a list of maps. */
export function checkMethods(body: JsonObject): void {
  for (const [path, item] of Object.entries(isObject(body.paths) ? body.paths : {})) {
    if (!isObject(item) || isIntrinsic(item)) continue;
    for (const [name, method] of Object.entries(item)) {
      if (NO_METHODS.has(name)) continue;
      if (!isObject(method)) throw structureFault(`Definition of method '${name}' for path '${path}' should be a map.`);
      for (const one of Array.isArray(method.security) ? method.security : []) {
        if (isObject(one)) continue;
        const what = typeof one === "string" ? one : JSON.stringify(one);
        throw structureFault(`${what} in Security for path ${path} method ${name} is not a valid dictionary.`);
      }
    }
  }
}
