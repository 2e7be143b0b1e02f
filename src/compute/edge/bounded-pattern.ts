import vm from "node:vm";

const PATTERN_MS = 50;

/**
 * Whether a pattern of the user's fits the text. It runs in the platform's own process, so it gets a moment and not all the
 * time there is; a pattern that is none, or that takes too long, does not fit.
 */
export function fitsPattern(text: string, pattern: string, flags: { whole: boolean } = { whole: true }): boolean {
  let compiled: RegExp;
  try {
    compiled = new RegExp(flags.whole ? `^(?:${pattern})$` : pattern, "s");
  } catch {
    return false;
  }
  // Without a repetition there is nothing that could take long.
  if (!/[*+{]/.test(pattern)) return compiled.test(text);
  try {
    return vm.runInNewContext("compiled.test(text)", { compiled, text }, { timeout: PATTERN_MS }) === true;
  } catch {
    return false;
  }
}
