import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { checkAuth, checkMethods } from "./api-auth-checks.ts";
import type { SamContext, SamResource } from "./context.ts";
import { isIntrinsic, resolveParameters, SamFault, structureFault } from "./context.ts";

/** Refuses the settings of a REST API that SAM refuses. */
export function checkRestApi(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  checkAuth(resource);
  const fail = (message: string): never => {
    throw new SamFault(id, message);
  };
  if (p.StageName === "") fail("StageName cannot be empty.");
  if (p.FailOnWarnings !== undefined && typeof p.FailOnWarnings !== "boolean" && !isIntrinsic(p.FailOnWarnings)) {
    fail("Type of property 'FailOnWarnings' is invalid.");
  }
  if (p.DefinitionUri !== undefined) {
    if (p.Cors !== undefined) fail("Cors works only with inline Swagger specified in 'DefinitionBody' property.");
    if (p.MergeDefinitions === true) fail("Cannot set 'MergeDefinitions' to True when using `DefinitionUri`.");
    if (p.DisableExecuteApiEndpoint !== undefined) {
      fail("DisableExecuteApiEndpoint works only within 'DefinitionBody' property.");
    }
  }
  const place = p.EndpointConfiguration;
  if (isObject(place) && place.VPCEndpointIds !== undefined && place.VpcEndpointIds !== undefined) {
    fail("'VPCEndpointIds' and 'VpcEndpointIds' cannot be used together in EndpointConfiguration.");
  }
  checkVersion(id, p.OpenApiVersion === undefined ? undefined : resolveParameters(context, p.OpenApiVersion));
  checkGatewayResponses(id, p.GatewayResponses);
  const body = p.DefinitionBody;
  const routes = context.routes.get(id)?.length ?? 0;
  if (!isObject(body)) return;
  if (isIntrinsic(body) && p.DisableExecuteApiEndpoint !== undefined) {
    throw structureFault(
      "Invalid Swagger document or the Swagger document is not explicitly defined in 'DefinitionBody'.",
    );
  }
  // Paths are looked at only where something is added to them.
  if ([p.Cors, p.Auth, p.OpenApiVersion].some((one) => one !== undefined) || routes > 0) checkPaths(body);
  checkEndpoint(body);
  if (isObject(p.Auth) && typeof p.Auth.DefaultAuthorizer === "string") checkMethods(body);
  if (p.OpenApiVersion !== undefined) checkPreflights(body);
}

function checkVersion(id: string, version: JsonValue | undefined): void {
  if (version === undefined || typeof version === "number") return;
  if (typeof version !== "string") throw new SamFault(id, "Property 'OpenApiVersion' should be a string.");
  if (!/^(2\.0|3(\.\d){0,2})$/.test(version)) {
    throw new SamFault(id, "The OpenApiVersion value must be of the format '3.0.0'.");
  }
}

const RESPONSE = ["ResponseParameters", "ResponseTemplates", "StatusCode"];
const PLACES = ["Headers", "Paths", "QueryStrings"];

function checkGatewayResponses(id: string, responses: JsonValue | undefined): void {
  if (!isObject(responses)) return;
  for (const [name, response] of Object.entries(responses)) {
    if (!isObject(response)) {
      const type = typeof response === "number" ? "int" : "str";
      throw new SamFault(
        id,
        `Invalid property type '${type}' for GatewayResponses. Expected an object of type 'GatewayResponse'.`,
      );
    }
    const strange = Object.keys(response).find((key) => !RESPONSE.includes(key));
    if (strange) {
      throw new SamFault(id, `Invalid property '${strange}' in 'GatewayResponses' property '${name}'.`);
    }
    const status = response.StatusCode;
    if (status !== undefined && !isIntrinsic(status) && !/^\d+$/.test(String(status))) {
      throw new SamFault(id, "Property 'StatusCode' must be numeric");
    }
    const parameters = response.ResponseParameters;
    if (parameters === undefined || parameters === null) continue;
    if (!isObject(parameters)) {
      throw new SamFault(id, `Property 'GatewayResponses.${name}.ResponseParameters' should be a map.`);
    }
    const place = Object.keys(parameters).find((key) => !PLACES.includes(key));
    if (place) throw new SamFault(id, `Invalid gateway response parameter '${place}'`);
  }
}

function checkPaths(body: JsonObject): void {
  if (body.securityDefinitions !== undefined && !isObject(body.securityDefinitions)) {
    throw structureFault("securityDefinitions must be a dictionary.");
  }
  if (!isObject(body.paths)) return;
  for (const [path, item] of Object.entries(body.paths)) {
    if (path.startsWith("Fn::")) continue;
    if (!isObject(item)) {
      throw structureFault(`Value of '${path}' path must be a dictionary according to Swagger spec.`);
    }
    if (item["Fn::If"] !== undefined && !Array.isArray(item["Fn::If"])) {
      throw structureFault("Value of Fn::If must be a list.");
    }
  }
}

const ENDPOINT = "x-amazon-apigateway-endpoint-configuration";

function checkEndpoint(body: JsonObject): void {
  const message = `The value of '${ENDPOINT}' should be a map.`;
  if (body[ENDPOINT] !== undefined && !isObject(body[ENDPOINT]))
    throw structureFault(`Invalid OpenAPI definition: ${message}`);
  (Array.isArray(body.servers) ? body.servers : []).forEach((server, index) => {
    if (isObject(server) && server[ENDPOINT] !== undefined && !isObject(server[ENDPOINT]))
      throw structureFault(`Invalid OpenAPI definition of 'servers[${index}]': ${message}`);
  });
}

/** The answers of the template's own OPTIONS methods are rewritten for OpenAPI 3: they must be what they should be. */
function checkPreflights(body: JsonObject): void {
  for (const [path, item] of Object.entries(isObject(body.paths) ? body.paths : {})) {
    const method = isObject(item) ? item.options : undefined;
    if (!isObject(method) || method.responses === undefined) continue;
    const { responses } = method;
    if (!isObject(responses))
      throw structureFault(`Invalid responses in options method for path ${path}: It should be a map.`);
    const headers = isObject(responses["200"]) ? responses["200"].headers : undefined;
    if (headers !== undefined && headers !== null && !isObject(headers)) {
      throw structureFault(
        `Value of response's headers in options method for path ${path} must be a dictionary according to Swagger spec.`,
      );
    }
  }
}
