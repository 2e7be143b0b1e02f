import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamContext } from "./context.ts";
import type { SamEvent } from "./events/event.ts";

export type ApiKind = "Api" | "HttpApi";

/** A route that a function's event asks for. */
export interface ApiRoute {
  readonly kind: ApiKind;
  readonly path: string;
  readonly method: string;
  readonly event: SamEvent;
  readonly integration: JsonObject;
  /** The responses of the method; none by default. */
  readonly responses?: JsonObject;
}

const IMPLICIT: Readonly<Record<ApiKind, string>> = { Api: "ServerlessRestApi", HttpApi: "ServerlessHttpApi" };
const NO_VALUE: JsonObject = { Ref: "AWS::NoValue" };

/** The logical id of the API that events without one share. */
export function implicitApi(_context: SamContext, kind: ApiKind): string {
  return IMPLICIT[kind];
}

/** Declares the implicit APIs that the template's functions need, so that Globals reach them. */
export function declareImplicitApis(template: JsonObject): void {
  const resources = isObject(template.Resources) ? template.Resources : {};
  const wanted = new Set<ApiKind>();
  for (const resource of Object.values(resources)) {
    if (!isObject(resource) || !isObject(resource.Properties) || !isObject(resource.Properties.Events)) continue;
    if (resource.Type !== "AWS::Serverless::Function" && resource.Type !== "AWS::Serverless::StateMachine") continue;
    for (const event of Object.values(resource.Properties.Events)) {
      if (!isObject(event)) continue;
      const settings = isObject(event.Properties) ? event.Properties : {};
      if (event.Type === "Api" && settings.RestApiId === undefined) wanted.add("Api");
      if (event.Type === "HttpApi" && settings.ApiId === undefined) wanted.add("HttpApi");
    }
  }
  for (const kind of wanted) {
    const declared = resources[IMPLICIT[kind]];
    if (isObject(declared)) continue;
    resources[IMPLICIT[kind]] = {
      Type: `AWS::Serverless::${kind}`,
      Properties: kind === "Api" ? { StageName: "Prod" } : {},
    };
  }
}

/**
 * Gives the implicit APIs what their functions hand on: their tags where they propagate them, and the strongest of
 * their deletion and replacement policies.
 */
export function inheritByImplicitApis(template: JsonObject): void {
  const resources = isObject(template.Resources) ? template.Resources : {};
  for (const resource of Object.values(resources)) {
    if (!isObject(resource) || !isObject(resource.Properties) || !isObject(resource.Properties.Events)) continue;
    if (resource.Type !== "AWS::Serverless::Function" && resource.Type !== "AWS::Serverless::StateMachine") continue;
    const { Tags: tags, PropagateTags: propagate, Events: events } = resource.Properties;
    for (const event of Object.values(events)) {
      if (!isObject(event) || (event.Type !== "Api" && event.Type !== "HttpApi")) continue;
      const settings = isObject(event.Properties) ? event.Properties : {};
      const api = resources[IMPLICIT[event.Type]];
      if (settings.RestApiId !== undefined || settings.ApiId !== undefined || !isObject(api)) continue;
      for (const name of ["DeletionPolicy", "UpdateReplacePolicy"]) {
        const policy = resource[name];
        if (typeof policy === "string" && (api[name] === undefined || policy === "Retain")) api[name] = policy;
      }
      if (propagate !== true || !isObject(tags)) continue;
      const properties: JsonObject = isObject(api.Properties) ? api.Properties : {};
      const own = isObject(properties.Tags) ? properties.Tags : {};
      api.Properties = { ...properties, Tags: { ...own, ...tags }, PropagateTags: true };
    }
  }
}

/** The declaration of a serverless API of this template. */
export function apiDefinition(context: SamContext, id: string): { type: string; properties: JsonObject } | undefined {
  const all = isObject(context.template.Resources) ? context.template.Resources : {};
  const resource = all[id];
  if (!isObject(resource) || typeof resource.Type !== "string") return undefined;
  if (resource.Type !== "AWS::Serverless::Api" && resource.Type !== "AWS::Serverless::HttpApi") return undefined;
  return { type: resource.Type, properties: isObject(resource.Properties) ? resource.Properties : {} };
}

/** Notes a route; the API adds it to its definition when it is translated. */
export function addRoute(context: SamContext, api: string, route: ApiRoute): void {
  if (!apiDefinition(context, api)) return;
  const routes = context.routes.get(api) ?? [];
  const same = routes.find((other) => other.path === route.path && other.method === route.method);
  if (same) {
    const { fault } = route.event;
    if (api === IMPLICIT[route.kind] || route.kind === "HttpApi") {
      throw fault(`API method '${route.method}' defined multiple times for path '${route.path}'.`);
    }
  }
  context.routes.set(api, [...routes, route]);
}

/** The key of a method in a definition. */
export function methodKey(method: string): string {
  return method === "any" || method === "x-amazon-apigateway-any-method" ? "x-amazon-apigateway-any-method" : method;
}

/**
 * Builds the `paths` of a definition. Methods of functions with a Condition are there only where it holds; in an
 * implicit API the path and the API itself follow their functions too.
 */
export function buildPaths(
  context: SamContext,
  api: string,
  base: JsonObject,
  make: (route: ApiRoute) => JsonObject,
): JsonObject {
  const routes = context.routes.get(api) ?? [];
  const paths: JsonObject = base;
  const declared = apiDefinition(context, api)?.properties ?? {};
  for (const route of routes) {
    // An import that fails on warnings takes only paths that begin with a slash.
    const key = route.path === "$default" && declared.FailOnWarnings === true ? "/$default" : route.path;
    const path = (paths[key] ??= {}) as JsonObject;
    const condition = conditionOf(route);
    const method = make(route);
    const before = path[methodKey(route.method)];
    if (isObject(before) && before["Fn::If"] === undefined)
      for (const key of Object.keys(before)) method[key] ??= before[key] ?? null;
    path[methodKey(route.method)] = condition ? { "Fn::If": [condition, method, { ...NO_VALUE }] } : method;
  }
  if (declared.DefinitionBody !== undefined) return paths;
  for (const [name, path] of Object.entries(paths)) {
    const conditions = routes.filter((route) => route.path === name).map(conditionOf);
    const key = combine(context, conditions, `${api}${pathWords(name)}PathCondition`);
    if (key) paths[name] = { "Fn::If": [key, path, { ...NO_VALUE }] };
  }
  return paths;
}

/** A path as part of a logical id. */
function pathWords(path: string): string {
  return path.replaceAll("/", "SLASH").replace(/[^A-Za-z0-9]/g, "");
}

/** A map, or those on either side of an Fn::If. */
function sides(value: JsonValue | undefined): JsonObject[] {
  if (!isObject(value)) return [];
  return Array.isArray(value["Fn::If"]) ? value["Fn::If"].slice(1).flatMap(sides) : [value];
}

/** The methods of a route that the definition that the template gives for an API already integrates. */
export function integratedMethods(context: SamContext, api: string, path: string, method: string): JsonObject[] {
  const body = apiDefinition(context, api)?.properties.DefinitionBody;
  const paths = isObject(body) && isObject(body.paths) ? body.paths : {};
  return sides(paths[path])
    .flatMap((item) => sides(item[methodKey(method)]))
    .filter((found) => found["x-amazon-apigateway-integration"] !== undefined);
}

function conditionOf(route: ApiRoute): string | undefined {
  const condition = route.event.build.resource.attributes.Condition;
  return typeof condition === "string" ? condition : undefined;
}

/** The condition of an implicit API: any of its functions'; none where one of them is always there. */
export function implicitCondition(context: SamContext, api: string): string | undefined {
  if (api !== IMPLICIT.Api && api !== IMPLICIT.HttpApi) return undefined;
  return combine(context, (context.routes.get(api) ?? []).map(conditionOf), `${api}Condition`);
}

/** A condition that holds where one of several does; `undefined` where one of them is none at all. */
export function combine(
  context: SamContext,
  conditions: readonly (string | undefined)[],
  name: string,
): string | undefined {
  const names = [...new Set(conditions)];
  if (names.length === 0 || names.includes(undefined)) return undefined;
  if (names.length === 1) return names[0];
  const all = names.toSorted() as string[];
  // Fn::Or takes ten members at most: more of them are nested.
  if (all.length <= 10) context.conditions[name] = or(all);
  else {
    const groups: string[] = [];
    for (let i = 0; i < all.length; i += 10) {
      const part = all.slice(i, i + 10);
      if (part.length === 1) groups.push(part[0] ?? "");
      else {
        const id = `${name}${groups.length + 1}`;
        context.conditions[id] = or(part);
        groups.push(id);
      }
    }
    context.conditions[name] = or(groups);
  }
  return name;
}

function or(names: readonly string[]): JsonValue {
  return { "Fn::Or": names.map((Condition) => ({ Condition })) };
}
