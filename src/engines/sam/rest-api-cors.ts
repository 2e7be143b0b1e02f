import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import type { SamResource } from "./context.ts";
import { isIntrinsic, SamFault, structureFault } from "./context.ts";

const KEYS = new Set(["AllowMethods", "AllowHeaders", "AllowOrigin", "MaxAge", "AllowCredentials"]);
const ALL = "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT";

/** Adds an OPTIONS method that answers preflights to every path that has none. */
export function applyCors(resource: SamResource, body: JsonObject, three: boolean): void {
  const cors = resource.properties.Cors;
  if (cors === undefined) return;
  const settings: JsonObject = isObject(cors) && !isIntrinsic(cors) ? cors : { AllowOrigin: cors };
  const unknown = Object.keys(settings).find((key) => !KEYS.has(key));
  if (unknown !== undefined) throw new SamFault(resource.id, `Invalid key '${unknown}' for 'Cors' property.`);
  if (settings.AllowOrigin === "") {
    const fault = structureFault("Invalid input. Value for AllowedOrigins is required");
    throw new SamFault(resource.id, fault.message);
  }
  const anyOrigin = settings.AllowOrigin === undefined || settings.AllowOrigin === "'*'";
  if (settings.AllowCredentials === true && anyOrigin) {
    throw new SamFault(
      resource.id,
      "Unable to add Cors configuration because 'AllowCredentials' can not be true when 'AllowOrigin' is \"'*'\" or not set.",
    );
  }
  const paths = body.paths as JsonObject;
  for (const path of Object.values(paths)) {
    // A path under a condition keeps the older form, as SAM leaves it.
    const modern = three && !(isObject(path) && path["Fn::If"] !== undefined);
    for (const item of branches(path)) {
      if (item.options !== undefined) continue;
      item.options = preflight(settings, item, modern);
    }
  }
}

/** A path, or both sides of the Fn::If that it is in. */
export function branches(path: JsonValue): JsonObject[] {
  if (!isObject(path)) return [];
  if (Array.isArray(path["Fn::If"])) return path["Fn::If"].slice(1).flatMap(branches);
  return isIntrinsic(path) ? [] : [path];
}

function preflight(settings: JsonObject, path: JsonObject, three: boolean): JsonObject {
  const values: JsonObject = {};
  const set = (header: string, value: JsonValue | undefined): void => {
    if (value !== undefined) values[`Access-Control-${header}`] = value;
  };
  set("Allow-Headers", settings.AllowHeaders);
  set("Allow-Methods", settings.AllowMethods ?? `'${methodsOf(path)}'`);
  set("Allow-Origin", settings.AllowOrigin ?? "'*'");
  set("Max-Age", settings.MaxAge);
  if (settings.AllowCredentials === true) set("Allow-Credentials", "'true'");
  const headers: JsonObject = {};
  const parameters: JsonObject = {};
  for (const [name, value] of Object.entries(values)) {
    const type = name === "Access-Control-Max-Age" ? "integer" : "string";
    headers[name] = three ? { schema: { type } } : { type };
    parameters[`method.response.header.${name}`] = value;
  }
  const result: JsonObject = {
    summary: "CORS support",
    "x-amazon-apigateway-integration": {
      type: "mock",
      requestTemplates: { "application/json": '{\n  "statusCode" : 200\n}\n' },
      responses: {
        default: {
          statusCode: "200",
          responseParameters: parameters,
          responseTemplates: { "application/json": "{}\n" },
        },
      },
    },
    responses: { "200": { description: "Default response for CORS method", headers } },
  };
  if (!three) {
    result.consumes = ["application/json"];
    result.produces = ["application/json"];
  }
  return result;
}

function methodsOf(path: JsonObject): string {
  const keys = Object.keys(path).filter((key) =>
    /^(get|put|post|delete|options|head|patch|x-amazon-apigateway-any-method)$/i.test(key),
  );
  if (keys.some((key) => key.startsWith("x-amazon"))) return ALL;
  return [...new Set([...keys.map((key) => key.toUpperCase()), "OPTIONS"])].toSorted().join(",");
}
