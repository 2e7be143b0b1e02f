import type { Context } from "../../aws/context.ts";
import { badRequest, newId, type Definitions, type Method, type Model, type RequestValidator } from "./model.ts";
import { allModels, checkedModel } from "./models.ts";

type Json = Record<string, any>;

/** The models that a document defines: those whose names API Gateway takes. One whose name is known keeps its id. */
export function readModels(ctx: Context<any>, document: Json, before: Definitions): Record<string, Model> {
  const schemas = (document["definitions"] ?? document["components"]?.schemas ?? {}) as Json;
  const known = allModels(before);
  const named = Object.entries(schemas).filter(([name]) => /^[a-zA-Z0-9]+$/.test(name));
  return Object.fromEntries(
    named.map(([name, schema]) => {
      const { description } = schema as Json;
      const model = {
        id: known[name]?.id ?? newId(ctx),
        name,
        contentType: "application/json",
        schema: JSON.stringify(schema, undefined, 2),
        ...(typeof description === "string" ? { description } : {}),
      };
      return [name, checkedModel(model)];
    }),
  );
}

export function readValidators(
  ctx: Context<any>,
  document: Json,
  before: Definitions,
): Record<string, RequestValidator> {
  const given = Object.entries((document["x-amazon-apigateway-request-validators"] ?? {}) as Record<string, Json>);
  const known = Object.values(before.validators ?? {});
  return Object.fromEntries(
    given.map(([name, { validateRequestBody, validateRequestParameters }]) => {
      const id = known.find((one) => one.name === name)?.id ?? newId(ctx);
      const flags = {
        validateRequestBody: String(validateRequestBody) === "true",
        validateRequestParameters: String(validateRequestParameters) === "true",
      };
      return [id, { id, name, ...flags }];
    }),
  );
}

const PLACES: Readonly<Record<string, string>> = { query: "querystring", header: "header", path: "path" };

/** The parameters, models and validator of an operation. */
export function requestDemands(
  operation: Json,
  { path, document, item, definitions }: { path: string; document: Json; item: Json; definitions: Definitions },
): Pick<Method, "requestParameters" | "requestModels" | "requestValidatorId"> {
  const parameters = [item, operation].flatMap((one) => (one["parameters"] ?? []) as Json[]);
  const placed = parameters.flatMap((p): [string, boolean][] => {
    const place = PLACES[String(p["in"])];
    return place && typeof p["name"] === "string"
      ? [[`method.request.${place}.${p["name"]}`, p["required"] === true]]
      : [];
  });
  // A variable of the path is required, whether it is declared or not.
  const variables = [...path.matchAll(/\{([^}+]+)\+?\}/g)].map(([, name]): [string, boolean] => [
    `method.request.path.${name}`,
    true,
  ]);
  const demanded = Object.fromEntries([...variables, ...placed]);
  const body = parameters.find((p) => p["in"] === "body");
  const content = Object.entries((operation["requestBody"]?.["content"] ?? {}) as Record<string, Json>);
  const consumes = mediaTypes(operation["consumes"] ?? document["consumes"]);
  const bodies: [string, Json | undefined][] = body
    ? consumes.map((type) => [type, body["schema"] as Json])
    : content.map(([type, one]) => [type, one["schema"] as Json | undefined]);
  const models = referredModels(bodies, definitions);
  const wanted: unknown =
    operation["x-amazon-apigateway-request-validator"] ?? document["x-amazon-apigateway-request-validator"];
  const validator = Object.values(definitions.validators ?? {}).find((one) => one.name === wanted);
  return {
    ...(Object.keys(demanded).length ? { requestParameters: demanded } : {}),
    ...(models.length ? { requestModels: Object.fromEntries(models) } : {}),
    ...(validator ? { requestValidatorId: validator.id } : {}),
  };
}

/** Most types of one operation: each has a model, in each operation that does not say its own. */
const MAX_TYPES = 100;

function mediaTypes(given: unknown): string[] {
  if (given === undefined) return ["application/json"];
  const types = [...new Set([given].flat().map(String))];
  if (types.length > MAX_TYPES) throw badRequest(`Invalid OpenAPI input. More than ${MAX_TYPES} media types.`);
  return types;
}

/** The names of the models that the schemas of bodies refer to, by type; those that the API does not have are left out. */
function referredModels(
  bodies: readonly (readonly [type: string, schema: Json | undefined])[],
  definitions: Definitions,
): [string, string][] {
  const known = allModels(definitions);
  return bodies.flatMap(([type, schema]): [string, string][] => {
    const name = /\/([^/]+)$/.exec(String(schema?.["$ref"] ?? ""))?.[1];
    return name !== undefined && Object.hasOwn(known, name) ? [[type, name]] : [];
  });
}

/** The responses of an operation, with their headers and models. */
export function methodResponses(
  operation: Json,
  { document, definitions }: { document: Json; definitions: Definitions },
): Pick<Method, "methodResponses"> {
  const produces = mediaTypes(operation["produces"] ?? document["produces"]);
  const all = Object.entries((operation["responses"] ?? {}) as Record<string, Json>).map(([statusCode, response]) => {
    const content = Object.entries((response["content"] ?? {}) as Record<string, Json>);
    const bodies: [string, Json | undefined][] = response["schema"]
      ? produces.map((type) => [type, response["schema"] as Json])
      : content.map(([type, { schema }]) => [type, schema as Json | undefined]);
    const models = referredModels(bodies, definitions);
    const headers = Object.keys((response["headers"] ?? {}) as Json).map((name) => [
      `method.response.header.${name}`,
      false,
    ]);
    return [
      statusCode,
      {
        statusCode,
        ...(headers.length ? { responseParameters: Object.fromEntries(headers) as Record<string, boolean> } : {}),
        ...(models.length ? { responseModels: Object.fromEntries(models) } : {}),
      },
    ] as const;
  });
  return { methodResponses: Object.fromEntries(all) };
}
