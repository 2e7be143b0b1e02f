import { TemplateFault } from "./syntax.ts";

/** Longest text that a pattern with a repetition is tried on: it may look at it once for each character. */
const MAX_REPEATED = 16 * 1024;
const MAX_PATTERN = 1000;

/** A pattern of Java's that takes no longer than the text is: without groups, and with one repetition at most. */
function patternOf(source: string, text: string, whole = false): RegExp {
  const bare = source.replaceAll(/\\./gs, "x").replaceAll(/\[[^\]]*\]/g, "x");
  const repetitions = bare.match(/[*+?{]/g)?.length ?? 0;
  if (source.length > MAX_PATTERN || /[()]/.test(bare) || repetitions > 1)
    throw new TemplateFault("patterns of templates have no groups, and one repetition at most");
  if (repetitions > 0 && text.length > MAX_REPEATED)
    throw new TemplateFault("a text is too long for a pattern with a repetition");
  try {
    return new RegExp(whole ? `^(?:${source})$` : source, whole ? "s" : "g");
  } catch {
    throw new TemplateFault("a pattern cannot be read");
  }
}

/** Java's `replaceAll` and `replaceFirst`; `longest` bounds what they make. */
export function replacedBy(
  text: string,
  { source, replacement, times, longest }: { source: string; replacement: string; times: number; longest: number },
): string {
  let left = times;
  let length = text.length;
  return text.replaceAll(patternOf(source, text), (match: string) => {
    if (left-- <= 0) return match;
    const made = replacement.replaceAll(/\\(.)|\$0/gs, (_, escaped: string | undefined) => escaped ?? match);
    length += made.length - match.length;
    if (length > longest) throw new TemplateFault("a text has become too long");
    return made;
  });
}

/** Java's `split`: what is empty at the end is left out. */
export function splitBy(text: string, source: string): string[] {
  const parts = text.split(patternOf(source, text));
  while (parts.length > 1 && parts.at(-1) === "") parts.pop();
  return parts;
}

/** Java's `matches`: the pattern fits all of the text. */
export const fitsAll = (text: string, source: string): boolean => patternOf(source, text, true).test(text);
