import type { Context } from "../../aws/context.ts";
import { getAttAttributes } from "../../engines/cloudformation/index.ts";
import type { JsonValue } from "../../engines/yaml/index.ts";
import type { StackResource } from "./model.ts";
import { unseal } from "./store.ts";

/** An attribute by its name, which may be a path (`Endpoint.Address`), or a property of the resource's. */
export function attributeOf(
  ctx: Context<any>,
  resource: StackResource | undefined,
  name: string,
): JsonValue | undefined {
  if (!resource?.state) return undefined;
  const { type, attributes, properties } = resource.state;
  const own = valueAt(unseal<Record<string, unknown>>(ctx, attributes), name);
  if (own !== undefined || !getAttAttributes(type)?.has(name.split(".")[0]!)) return own as JsonValue | undefined;
  return valueAt(unseal<Record<string, unknown>>(ctx, properties), name) as JsonValue | undefined;
}

function valueAt(values: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(values, name)) return values[name];
  let value: unknown = values;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}
