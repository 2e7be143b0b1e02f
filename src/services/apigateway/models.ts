import type { JsonSchema } from "../../engines/json-schema/validate.ts";
import { badRequest, type Definitions, type Model } from "./model.ts";

const MAX_SCHEMA = 400 * 1024;
const DRAFT = "http://json-schema.org/draft-04/schema#";

const schemaText = (title: string, more: object = {}): string =>
  JSON.stringify({ $schema: DRAFT, title, type: "object", ...more }, undefined, 2);

/** What every API has from the start, until it is removed or changed. */
const DEFAULTS: Readonly<Record<string, Model>> = {
  Empty: {
    id: "empty0",
    name: "Empty",
    contentType: "application/json",
    description: "This is a default empty schema model",
    schema: schemaText("Empty Schema"),
  },
  Error: {
    id: "error0",
    name: "Error",
    contentType: "application/json",
    description: "This is a default error schema model",
    schema: schemaText("Error Schema", { properties: { message: { type: "string" } } }),
  },
};

/** The models of an API by name: its own, and those that it has from the start. */
export const allModels = ({ models }: Definitions): Readonly<Record<string, Model>> => ({ ...DEFAULTS, ...models });

/** Checks a model as API Gateway does: its schema must say something. */
export function checkedModel(model: Model): Model {
  if (model.name === "") throw badRequest("Model name must be non-empty");
  if (!/^[a-zA-Z0-9]+$/.test(model.name)) throw badRequest("Model name must be alphanumeric: " + model.name);
  if (model.schema === "") throw badRequest("Model schema must have at least 1 property or array items defined");
  if (model.schema.length > MAX_SCHEMA) throw badRequest(`Model schema is larger than ${MAX_SCHEMA} bytes`);
  if (/\bjson\b/.test(model.contentType) && !readSchema(model.schema))
    throw badRequest("Invalid model schema specified: it must be a JSON object");
  return model;
}

export function readSchema(text: string): JsonSchema | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonSchema) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What references within a model's schema name: a part of it, or another model by its URL or as a definition.
 */
export function referenceResolver(root: JsonSchema, definitions: Definitions) {
  // A schema may ask for the same model again and again: it is read once.
  const found = new Map<string, JsonSchema | undefined>();
  const find = (reference: string): JsonSchema | undefined => {
    const local = reference.startsWith("#") ? pointed(root, reference.slice(1)) : undefined;
    if (local) return local;
    const name = /\/(?:models|definitions|schemas)\/([^/#]+)$/.exec(reference)?.[1];
    const model = name === undefined ? undefined : allModels(definitions)[name];
    return model && readSchema(model.schema);
  };
  return (reference: string): JsonSchema | undefined => {
    if (!found.has(reference)) found.set(reference, find(reference));
    return found.get(reference);
  };
}

function pointed(root: JsonSchema, pointer: string): JsonSchema | undefined {
  let at: unknown = root;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return typeof at === "object" && at !== null ? at : undefined;
}
