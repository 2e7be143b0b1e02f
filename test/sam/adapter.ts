/**
 * Speaks the conformance runner's JSON lines: reads `{name, template, parameters, partition, region, managedPolicies}`
 * and writes `{name, ok}` or `{name, error}`.
 *
 *   node ../shared/conformance/sam/compare.mjs --tests ../shared/conformance/sam --cmd 'node test/sam/adapter.ts'
 */
import { createInterface } from "node:readline";
import { readTemplate } from "../../src/engines/cloudformation/index.ts";
import type { SamOptions } from "../../src/engines/sam/index.ts";
import { transformSam } from "../../src/engines/sam/index.ts";

interface Case extends SamOptions {
  readonly name: string;
  readonly template: string;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { name, template, ...options } = JSON.parse(line) as Case;
  process.stdout.write(`${JSON.stringify({ name, ...run(template, options) })}\n`);
}

function run(text: string, options: SamOptions): { ok: unknown } | { error: string } {
  try {
    const { source, diagnostics } = readTemplate(text);
    if (!source) return { error: diagnostics[0].message };
    const result = transformSam(source.value, options);
    return result.template ? { ok: result.template } : { error: result.error ?? "" };
  } catch (error) {
    return { error: `INTERNAL ${(error as Error).stack}` };
  }
}
