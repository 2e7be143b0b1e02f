import type { PatchOperation } from "@aws-sdk/client-api-gateway";
import { badRequest } from "./model.ts";

/** Applies API Gateway's patch operations to top-level text fields; other paths are refused. */
export function patched<T extends object>(
  value: T,
  patches: readonly PatchOperation[] | undefined,
  fields: readonly (keyof T & string)[],
  operations: readonly string[] = ["add", "remove", "replace"],
): T {
  const result = { ...value } as Record<string, unknown>;
  for (const { op, path = "", value: next } of patches ?? []) {
    const field = path.slice(1);
    if (!operations.includes(op ?? ""))
      throw badRequest(`Invalid patch path  '${path}' specified for op '${op}'. Please choose supported operations`);
    if (!(fields as readonly string[]).includes(field))
      throw badRequest(
        `Invalid patch path  '${path}' specified for op '${op}'. Must be one of: [${fields.map((f) => `/${f}`).join(", ")}]`,
      );
    if (op === "remove") delete result[field];
    else result[field] = next;
  }
  return result as T;
}
