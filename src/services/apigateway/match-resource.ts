import { matchPath } from "../../compute/edge/path-match.ts";
import type { Resource } from "./model.ts";

export interface MatchedResource {
  readonly resource: Resource;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * The resource that fits a path best: literal parts before parameters before a greedy one. One without the method gives way
 * to the best that has it.
 */
export function matchResource(
  resources: readonly Resource[],
  rawPath: string,
  httpMethod: string,
): MatchedResource | undefined {
  let best: (MatchedResource & { rank: string }) | undefined;
  let bestServes = false;
  for (const resource of resources) {
    const match = matchPath(resource.path, rawPath);
    if (!match) continue;
    const serves = Object.hasOwn(resource.methods, httpMethod) || Object.hasOwn(resource.methods, "ANY");
    if (best && (serves === bestServes ? match.rank <= best.rank : bestServes)) continue;
    best = { resource, ...match };
    bestServes = serves;
  }
  return best;
}
