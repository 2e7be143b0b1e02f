import { matchPath } from "../../compute/edge/path-match.ts";
import type { Resource } from "./model.ts";

export interface MatchedResource {
  readonly resource: Resource;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The resource that fits a path best: literal parts before parameters before a greedy one. */
export function matchResource(resources: readonly Resource[], rawPath: string): MatchedResource | undefined {
  let best: (MatchedResource & { rank: string }) | undefined;
  for (const resource of resources) {
    const match = matchPath(resource.path, rawPath);
    if (match && (!best || match.rank > best.rank)) best = { resource, ...match };
  }
  return best;
}
