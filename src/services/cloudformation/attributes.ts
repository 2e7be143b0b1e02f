import type { Context } from "../../aws/context.ts";
import type { JsonValue } from "../../engines/yaml/index.ts";
import type { StackResource } from "./model.ts";
import { unseal } from "./store.ts";

/** An attribute by its name, which may be a path (`Endpoint.Address`). */
export function attributeOf(
  ctx: Context<any>,
  resource: StackResource | undefined,
  name: string,
): JsonValue | undefined {
  if (!resource?.state) return undefined;
  const attributes = unseal<Record<string, unknown>>(ctx, resource.state.attributes);
  if (Object.hasOwn(attributes, name)) return attributes[name] as JsonValue;
  let value: unknown = attributes;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value as JsonValue;
}
