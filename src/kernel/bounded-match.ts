import vm from "node:vm";

/** Whether a pattern matches a text; `undefined` where finding out took longer than there is time for. */
export type BoundedMatch = (pattern: RegExp, text: string) => boolean | undefined;

/** No group and at most one repetition: such a pattern cannot take long on a text that is not. */
const SURELY_QUICK = /^[^*+{(]*[*+{]?[^*+{(]*$/;

/** Matches patterns that others wrote; all matches of one matcher together get `budgetMs`, not all the time there is. */
export function boundedMatcher(budgetMs: number): BoundedMatch {
  let left = budgetMs;
  let sandbox: vm.Context | undefined;
  return (pattern, text) => {
    if (text.length < 4096 && SURELY_QUICK.test(pattern.source)) return pattern.test(text);
    if (left < 1) return undefined;
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
