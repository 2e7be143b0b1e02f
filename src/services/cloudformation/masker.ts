import type { Context } from "../../aws/context.ts";
import type { Revision } from "./model.ts";
import { inputsOf } from "./store.ts";

/** Puts stars for the values of parameters that are not shown. */
export function masker(ctx: Context<any>, revisions: readonly (Revision | undefined)[]): (text: string) => string {
  const hidden = revisions.flatMap((revision) => {
    if (!revision) return [];
    const { given } = inputsOf(ctx, revision);
    return revision.noEcho.map((name) => given[name] ?? "").filter(Boolean);
  });
  // In JSON, quotes and the like are written otherwise; of two values, one may be a part of the other.
  const written = hidden.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]);
  const longestFirst = [...new Set(written)].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((now, value) => now.replaceAll(value, "****"), text);
}
