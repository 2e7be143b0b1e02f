import type { JsonObject } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { checkAuth, checkMethods } from "./api-auth-checks.ts";
import type { SamContext, SamResource } from "./context.ts";
import { isIntrinsic, SamFault, structureFault } from "./context.ts";

const CORS = new Set("AllowMethods AllowHeaders AllowOrigins MaxAge ExposeHeaders AllowCredentials".split(" "));

/** Refuses the settings of an HTTP API that SAM refuses. */
export function checkHttpApi(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  const fail = (message: string): never => {
    throw new SamFault(id, message);
  };
  checkAuth(resource);
  const routes = p.RouteSettings;
  if (routes !== undefined && !isObject(routes)) fail("Property 'RouteSettings' should be a map.");
  const cors = p.CorsConfiguration;
  if (isObject(cors) && !isIntrinsic(cors)) {
    const strange = Object.keys(cors).find((key) => !CORS.has(key));
    if (strange) fail(`Invalid key '${strange}' for 'Cors' property.`);
  }
  if (p.DefinitionUri !== undefined) {
    const only = "works only with inline OpenApi specified in";
    if (p.CorsConfiguration) fail(`Cors ${only} 'DefinitionBody' property.`);
    if (p.Auth) fail(`Auth ${only} the 'DefinitionBody' property.`);
    if (p.Tags) fail(`Tags ${only} the 'DefinitionBody' property.`);
    if (p.DisableExecuteApiEndpoint !== undefined)
      fail("DisableExecuteApiEndpoint works only within 'DefinitionBody' property.");
  }
  if (isObject(p.DefinitionBody) && !isIntrinsic(p.DefinitionBody)) checkBody(context, resource, p.DefinitionBody);
}

function checkBody(context: SamContext, { id, properties: p }: SamResource, body: JsonObject): void {
  const valid = isObject(body.paths) && /^3(\.\d)?(\.\d)?$/.test(String(body.openapi ?? ""));
  const without = "'DefinitionBody' does not contain a valid OpenApi definition.";
  if (!valid) {
    if (p.CorsConfiguration) throw new SamFault(id, `Unable to add Cors configuration because ${without}`);
    if (p.Auth) throw new SamFault(id, `Unable to add Auth configuration because ${without}`);
    if (p.Tags) throw new SamFault(id, `Unable to add \`Tags\` because ${without}`);
    if ((context.routes.get(id) ?? []).length > 0) {
      const fault = structureFault(
        "Invalid OpenApi document. Invalid values or missing keys for 'openapi' or 'paths' in 'DefinitionBody'.",
      );
      throw new SamFault(id, fault.message);
    }
  }
  if (valid && body.tags !== undefined && !Array.isArray(body.tags)) {
    throw structureFault("Tags in OpenApi DefinitionBody needs to be a list.");
  }
  if (!isObject(p.Auth) || typeof p.Auth.DefaultAuthorizer !== "string") return;
  for (const [path, item] of Object.entries(isObject(body.paths) ? body.paths : {})) {
    if (isObject(item) && item.any !== undefined)
      throw structureFault(`Could not find x-amazon-apigateway-any-method in ${path} within DefinitionBody.`);
  }
  checkMethods(body);
}
