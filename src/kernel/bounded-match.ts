import vm from "node:vm";

/** Whether a pattern matches a text; `undefined` where finding out took longer than there is time for. */
export type BoundedMatch = (pattern: RegExp, text: string) => boolean | undefined;

/** No group and at most one repetition (`?` is one too): such a pattern cannot take long on a text that is not. */
const SURELY_QUICK = /^[^*+?{(]*[*+?{]?[^*+?{(]*$/;

/**
 * What may be left out, in a row, makes the engine's compiler take time that grows without bound and that no time-out ends:
 * patterns with more of it than anybody writes are not tried.
 */
const OPTIONAL = /(?<![(?*+}])\?|\{0,|\|\)|\(\||:\|/g;
const MOST_OPTIONAL = 24;

function optionalParts({ source }: RegExp): number {
  return source.replaceAll(/\\./gs, "x").match(OPTIONAL)?.length ?? 0;
}

/** Matches patterns that others wrote; all matches of one matcher together get `budgetMs`, not all the time there is. */
export function boundedMatcher(budgetMs: number): BoundedMatch {
  let left = budgetMs;
  let sandbox: vm.Context | undefined;
  return (pattern, text) => {
    if (text.length < 4096 && SURELY_QUICK.test(pattern.source)) return pattern.test(text);
    if (left < 1 || optionalParts(pattern) > MOST_OPTIONAL) return undefined;
    sandbox ??= vm.createContext({});
    Object.assign(sandbox, { pattern, text });
    const started = performance.now();
    try {
      return vm.runInContext("pattern.test(text)", sandbox, { timeout: Math.ceil(left) }) === true;
    } catch {
      return undefined;
    } finally {
      left -= performance.now() - started;
    }
  };
}

/** Whether a text fits the source of a pattern; one that is none, or takes too long, does not. */
export function fitsSource(matches: BoundedMatch, text: string, source: string, where: "whole" | "anywhere"): boolean {
  try {
    return matches(new RegExp(where === "whole" ? `^(?:${source})$` : source, "s"), text) === true;
  } catch {
    return false; // no pattern
  }
}
