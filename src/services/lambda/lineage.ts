import { hash } from "node:crypto";
import type { Context } from "../../aws/context.ts";
import { newSegmentId, newTraceId } from "../../compute/edge/trace-id.ts";

/** Functions of one chain that the header names; of longer chains the first ones. */
const MAX_FUNCTIONS = 24;
/** `Root=1-<8 digits>-<24 digits>`. */
const ROOT_LENGTH = 40;
const ENTRY = /^([0-9a-f]{8}):(\d{1,5})$/;

/** What a function is called in the header. */
export const lineageName = (functionArn: string): string => hash("sha256", functionArn).slice(0, 8);

function membersOf(header: string): [string, string][] {
  return header.split(";").map((member) => {
    const at = member.indexOf("=");
    return [member.slice(0, at).trim(), member.slice(at + 1).trim()];
  });
}

/** How often each function was called in the chain that led here, beyond its first time. */
function lineageOf(members: readonly (readonly [string, string])[]): Map<string, number> {
  const text = members.find(([name]) => name === "Lineage")?.[1] ?? "";
  const entries = text.split("|").flatMap((entry) => {
    const [, name, count] = ENTRY.exec(entry) ?? [];
    return name === undefined ? [] : [[name, Number(count)] as const];
  });
  return new Map(entries.slice(0, MAX_FUNCTIONS));
}

/**
 * The trace header that a function gets, of that of its caller: a part `Lineage` counts the calls of each function in
 * the chain, by its `lineageName`; SDKs inside functions send it along. `repeats` is how often this function was in it before.
 */
export function nextInChain(
  ctx: Context<any>,
  header: string | undefined,
  name: string,
): { traceId: string; repeats: number } {
  const root = header ?? newTraceId(ctx);
  // At a chain's beginning there is nothing to read, and no more than a root where an endpoint has made one.
  if (root.length === ROOT_LENGTH && root.startsWith("Root="))
    return { traceId: `${root};Parent=${newSegmentId(ctx)};Sampled=0;Lineage=${name}:0`, repeats: 0 };
  const parts = membersOf(root);
  const lineage = lineageOf(parts);
  const before = lineage.get(name);
  const repeats = before === undefined ? 0 : before + 1;
  if (before !== undefined || lineage.size < MAX_FUNCTIONS) lineage.set(name, repeats);
  const kept = new Map(parts.filter(([, value]) => value !== ""));
  // The X-Ray SDK takes no header that lacks one of the three.
  const members = [
    kept.has("Root") ? `Root=${kept.get("Root")}` : newTraceId(ctx),
    `Parent=${kept.get("Parent") ?? newSegmentId(ctx)}`,
    `Sampled=${kept.get("Sampled") ?? 0}`,
  ];
  const text = [...lineage].map(([key, count]) => `${key}:${count}`).join("|");
  return { traceId: [...members, `Lineage=${text}`].join(";"), repeats };
}

/** Of the headers of several events, the one whose chain has called the function most often. */
export function furthest(headers: readonly (string | undefined)[], functionArn: string): string | undefined {
  const name = lineageName(functionArn);
  const countOf = (header: string | undefined): number =>
    header === undefined ? -2 : (lineageOf(membersOf(header)).get(name) ?? -1);
  return headers.toSorted((a, b) => countOf(b) - countOf(a))[0];
}
