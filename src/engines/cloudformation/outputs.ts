import type { JsonValue } from "../yaml/index.ts";
import { TemplateError } from "./diagnostic.ts";
import { resolveValue } from "./intrinsics.ts";
import type { Scope } from "./scope.ts";
import type { Template } from "./template.ts";

/** An output with its value. */
export interface ResolvedOutput {
  readonly name: string;
  readonly value: string;
  readonly description?: string;
  readonly exportName?: string;
}

/** Computes the outputs whose condition holds. */
export function resolveOutputs(template: Template, scope: Scope): ResolvedOutput[] {
  const result: ResolvedOutput[] = [];
  for (const output of Object.values(template.outputs)) {
    if (output.condition && !scope.conditions[output.condition]) continue;
    const path = `/Outputs/${output.name}`;
    const exportName =
      output.exportName === undefined ? undefined : text(output.exportName, scope, `${path}/Export/Name`);
    result.push({
      name: output.name,
      value: text(output.value, scope, `${path}/Value`),
      ...(output.description !== undefined && { description: output.description }),
      ...(exportName !== undefined && { exportName }),
    });
  }
  return result;
}

function text(value: JsonValue, scope: Scope, path: string): string {
  const resolved = resolveValue(value, scope);
  if (resolved === undefined || typeof resolved === "object") {
    throw new TemplateError(
      `Template format error: The Value field of every Outputs member must evaluate to a String.`,
      path,
    );
  }
  return String(resolved);
}
