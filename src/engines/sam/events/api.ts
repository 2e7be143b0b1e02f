import type { JsonObject, JsonValue } from "../../yaml/index.ts";
import { isObject } from "../../yaml/index.ts";
import { ref, resolveParameters, sha1 } from "../context.ts";
import { addRoute, apiDefinition, implicitApi, integratedMethods } from "../api-routes.ts";
import type { SamEvent } from "./event.ts";
import { addPermission } from "./event.ts";

/** `{id}` and `{proxy+}` in a path. */
const PATH_PARAMETER = /\{[a-zA-Z0-9._-]+\+?\}/g;

/** A route of a REST API: the explicit one, or the template's implicit one. */
export function addRestApiEvent(event: SamEvent): void {
  const { settings: s, build } = event;
  if (s.Path === undefined) throw event.fault("Event is missing key 'Path'.");
  if (typeof s.Path !== "string") throw event.fault("Api Event must have a String specified for 'Path'.");
  if (!s.Path.startsWith("/")) throw event.fault("Api Event 'Path' must start with '/'.");
  if (s.Method === undefined) throw event.fault("Event is missing key 'Method'.");
  if (typeof s.Method !== "string") throw event.fault("Api Event must have a String specified for 'Method'.");
  if (Array.isArray(s.RestApiId) || (isObject(s.RestApiId) && s.RestApiId.Ref === undefined)) {
    throw event.fault("Property 'RestApiId' should be a string.");
  }
  const auth: JsonObject = isObject(s.Auth) ? s.Auth : {};
  const says = ["Authorizer", "ApiKeyRequired", "ResourcePolicy"].some((name) => auth[name] !== undefined);
  if (auth.OverrideApiAuth === true && !says) {
    throw event.fault(
      "Must define one of: Authorizer, ApiKeyRequired or ResourcePolicy when using the OverrideApiAuth property.",
    );
  }
  const method = s.Method.toLowerCase();
  const api = s.RestApiId === undefined ? implicitApi(build.context, "Api") : apiReference(s.RestApiId);
  const stage = permissionSuffix(event, api);
  const permitted = {
    "Fn::Sub": [
      `arn:${build.context.partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${__ApiId__}/\${__Stage__}/${method === "any" ? "*" : method.toUpperCase()}${s.Path.replace(PATH_PARAMETER, "*")}`,
      { __ApiId__: s.RestApiId ?? ref(api ?? ""), __Stage__: "*" },
    ],
  };
  addPermission(event, "apigateway.amazonaws.com", { SourceArn: permitted }, stage);
  if (api === undefined) return;
  const streams = s.ResponseTransferMode === "RESPONSE_STREAM" || s.InvokeMode === "RESPONSE_STREAM";
  const target = streams
    ? `2021-11-15/functions/${functionText(event)}/response-streaming-invocations`
    : `2015-03-31/functions/${functionText(event)}/invocations`;
  const uri = `arn:${build.context.partition}:apigateway:\${AWS::Region}:lambda:path/${target}`;
  addRoute(build.context, api, {
    kind: "Api",
    path: s.Path,
    method: method,
    event,
    integration: {
      type: "aws_proxy",
      httpMethod: "POST",
      uri: integrationUri(event, uri),
      ...(streams && { responseTransferMode: "STREAM" }),
    },
  });
}

/** A route of an HTTP API. Without path and method it is the default route. */
export function addHttpApiEvent(event: SamEvent): void {
  const { settings: s, build } = event;
  const path = typeof s.Path === "string" ? s.Path : s.Path === undefined ? "$default" : undefined;
  if (path === undefined) throw event.fault("Api Event must have a String specified for 'Path'.");
  if (s.Path !== undefined && s.Method === undefined) throw event.fault("Event is missing key 'Method'.");
  if (s.Method !== undefined && s.Path === undefined) throw event.fault("Event is missing key 'Path'.");
  if (Array.isArray(s.ApiId)) throw event.fault("Property 'ApiId' should be a string.");
  if (s.RouteSettings !== undefined && !isObject(s.RouteSettings))
    throw event.fault("Property 'RouteSettings' should be a map.");
  const method = typeof s.Method === "string" ? s.Method.toLowerCase() : "any";
  const api = s.ApiId === undefined ? implicitApi(build.context, "HttpApi") : apiReference(s.ApiId);
  if (isObject(s.ApiId) && api !== undefined && !apiDefinition(build.context, api)) {
    throw event.fault("ApiId must be a valid reference to an 'AWS::Serverless::HttpApi' resource in same template.");
  }
  if (api !== undefined) addRouteSettings(event, api, path, method);
  // Where the definition already says what a route calls, the event changes nothing but how long it may take.
  const known = api === undefined ? [] : integratedMethods(build.context, api, path, method);
  for (const { "x-amazon-apigateway-integration": integration } of known)
    if (isObject(integration) && s.TimeoutInMillis !== undefined) integration.timeoutInMillis = s.TimeoutInMillis;
  if (known.length > 0) return;
  const verb =
    path === "$default" || method === "any" || method === "x-amazon-apigateway-any-method" ? "*" : method.toUpperCase();
  const place =
    path === "$default" ? "*" : path === "/$default" ? "$default" : `${verb}${path.replace(PATH_PARAMETER, "*")}`;
  const SourceArn = {
    "Fn::Sub": [
      `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${__ApiId__}/\${__Stage__}/${place}`,
      { __ApiId__: s.ApiId ?? ref(api ?? ""), __Stage__: "*" },
    ],
  };
  if (path === "$default" || !hasDefaultRoute(event)) addPermission(event, "apigateway.amazonaws.com", { SourceArn });
  if (api === undefined) return;
  const uri = `arn:\${AWS::Partition}:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/${functionText(event)}/invocations`;
  const integration: JsonObject = {
    type: "aws_proxy",
    httpMethod: "POST",
    payloadFormatVersion: s.PayloadFormatVersion ?? "2.0",
    uri: integrationUri(event, uri),
  };
  if (s.TimeoutInMillis !== undefined) integration.timeoutInMillis = s.TimeoutInMillis;
  addRoute(build.context, api, { kind: "HttpApi", path, method, event, integration });
}

/** The event's RouteSettings go to the API's, under the route's key. */
function addRouteSettings({ build, settings: s }: SamEvent, api: string, path: string, method: string): void {
  const properties = apiDefinition(build.context, api)?.properties;
  if (!properties || !isObject(s.RouteSettings)) return;
  const all = isObject(properties.RouteSettings) ? properties.RouteSettings : {};
  const key = path === "$default" ? path : `${method === "any" ? "ANY" : method.toUpperCase()} ${path}`;
  const condition = build.resource.attributes.Condition;
  const before = isObject(all[key]) ? all[key] : {};
  properties.RouteSettings = {
    ...all,
    [key]:
      typeof condition === "string"
        ? { "Fn::If": [condition, s.RouteSettings, ref("AWS::NoValue")] }
        : { ...before, ...s.RouteSettings },
  };
}

/** Whether the function also takes the default route of the same API: that permission covers all routes. */
function hasDefaultRoute({ build, settings }: SamEvent): boolean {
  const all = isObject(build.resource.properties.Events) ? build.resource.properties.Events : {};
  return Object.values(all).some((other) => {
    if (!isObject(other) || other.Type !== "HttpApi") return false;
    const own = isObject(other.Properties) ? other.Properties : {};
    return own.Path === undefined && JSON.stringify(own.ApiId) === JSON.stringify(settings.ApiId);
  });
}

function functionText({ build }: SamEvent): string {
  const target = build.target.Ref;
  return target === build.resource.id ? `\${${build.resource.id}.Arn}` : `\${${String(target)}}`;
}

function integrationUri(event: SamEvent, text: string): JsonValue {
  const condition = event.build.resource.attributes.Condition;
  const uri = { "Fn::Sub": text };
  return typeof condition === "string" ? { "Fn::If": [condition, uri, { Ref: "AWS::NoValue" }] } : uri;
}

/** The logical id that an ApiId names, `undefined` where it is something else. */
function apiReference(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  return isObject(value) && typeof value.Ref === "string" ? value.Ref : undefined;
}

/** Permissions are named after the stage where its name is text. */
function permissionSuffix(event: SamEvent, api: string | undefined): string {
  const { context } = event.build;
  const properties = api ? apiDefinition(context, api)?.properties : undefined;
  if (!properties) return api === "ServerlessRestApi" ? "Prod" : "Test";
  const stage = resolveParameters({ ...context, parameters: {} }, properties.StageName ?? "Prod");
  if (typeof stage !== "string") return "Stage";
  return /^[A-Za-z0-9]+$/.test(stage) ? stage : sha1(stage).slice(0, 10);
}
