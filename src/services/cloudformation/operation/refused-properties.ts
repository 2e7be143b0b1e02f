import type { ResourceType } from "../../../aws/service.ts";
import { isObject, type JsonObject, type JsonValue } from "../../../engines/yaml/index.ts";

/** The properties of a resource that its type refuses: each that says something which nothing here acts on. */
export function refusedProperties({ refuses = {} }: Pick<ResourceType, "refuses">, properties: JsonObject): string[] {
  return Object.entries(refuses)
    .filter(([path, harmless]) => asksFor(properties, path.split("."), harmless))
    .map(([path]) => path);
}

function asksFor(
  value: JsonValue | undefined,
  path: readonly string[],
  harmless: readonly (string | number)[],
): boolean {
  if (Array.isArray(value)) return value.some((one) => asksFor(one, path, harmless));
  if (value === undefined || value === null) return false;
  const [name, ...rest] = path;
  if (name !== undefined) return isObject(value) && asksFor(value[name], rest, harmless);
  if (isObject(value)) return Object.keys(value).length > 0;
  return value !== "" && String(value) !== "false" && !harmless.some((one) => String(one) === String(value));
}

/** What is said of them. */
export const refusal = (type: string, names: readonly string[]): string =>
  `Starling does not implement ${names.length > 1 ? "the properties" : "the property"} ${names.join(", ")} of ${type} yet.`;
