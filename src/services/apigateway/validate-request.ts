import { schemaFaults } from "../../engines/json-schema/validate.ts";
import { boundedMatcher, fitsSource } from "../../kernel/bounded-match.ts";
import { headerValue, type Call } from "./call.ts";
import type { Refusal } from "./gateway-responses.ts";
import { allModels, readSchema, referenceResolver } from "./models.ts";

/** How long all patterns of a model may take together. */
const MOST_PATTERN_MS = 100;

/** What a method's validator finds wrong with a request: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html */
export function validateRequest(call: Call): Refusal | undefined {
  const { method, deployment } = call;
  const validator = deployment.validators?.[method.requestValidatorId ?? ""];
  if (!validator) return undefined;
  if (validator.validateRequestParameters) {
    const missing = missingParameters(call);
    if (missing.length)
      return {
        refused: "BAD_REQUEST_PARAMETERS",
        message: `Missing required request parameters: [${missing.join(", ")}]`,
      };
  }
  if (!validator.validateRequestBody) return undefined;
  const faults = bodyFaults(call);
  if (faults.length === 0) return undefined;
  return { refused: "BAD_REQUEST_BODY", message: "Invalid request body", validation: `[${faults.join(", ")}]` };
}

function missingParameters({ method, request, matched }: Call): string[] {
  const query = new URLSearchParams(request.rawQuery);
  const places: readonly [string, (name: string) => boolean][] = [
    ["header", (name) => !!headerValue(request, name.toLowerCase())],
    ["path", (name) => !!matched.parameters[name]],
    ["querystring", (name) => !!query.get(name)],
  ];
  const required = Object.entries(method.requestParameters ?? {}).filter(([, needed]) => String(needed) === "true");
  return places.flatMap(([place, isThere]) =>
    required
      .map(([key]) => key)
      .filter((key) => key.startsWith(`method.request.${place}.`))
      .map((key) => key.slice(`method.request.${place}.`.length))
      .filter((name) => !isThere(name)),
  );
}

function bodyFaults({ method, request, deployment }: Call): string[] {
  const type = (headerValue(request, "content-type") ?? "application/json").split(";")[0]!.trim().toLowerCase();
  const name = method.requestModels?.[type] ?? method.requestModels?.["$default"];
  const model = name === undefined ? undefined : allModels(deployment)[name];
  const schema = model && readSchema(model.schema);
  if (!schema) return [];
  let value: unknown;
  try {
    value = JSON.parse(request.body.toString("utf8") || "null");
  } catch {
    return ["the body is not valid JSON"];
  }
  const matches = boundedMatcher(MOST_PATTERN_MS);
  const fits = (text: string, pattern: string): boolean => fitsSource(matches, text, pattern, "anywhere");
  return schemaFaults(value, schema, { resolve: referenceResolver(schema, deployment), fits });
}
