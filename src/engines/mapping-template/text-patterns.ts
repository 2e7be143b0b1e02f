import { TemplateFault } from "./syntax.ts";

/** Longest text that a pattern with a repetition is tried on: it may look at it once for each character. */
const MAX_REPEATED = 16 * 1024;
const MAX_PATTERN = 1000;
/** Places of one text that are replaced, and parts that one is split into. */
const MAX_REPLACED = 1_000_000;
const MAX_PARTS = 100_000;

const bareOf = (source: string): string => source.replaceAll(/\\./gs, "x").replaceAll(/\[[^\]]*\]/g, "x");
const repetitionsIn = (bare: string): number => bare.match(/[*+?{]/g)?.length ?? 0;

/** How many steps of a template a pattern over a text is worth: one that repeats may look at all of it for each character. */
export function patternCost(text: string, name: string, pattern: unknown): number {
  const bare = bareOf(String(pattern).slice(0, MAX_PATTERN));
  const alternatives = 1 + (bare.match(/\|/g)?.length ?? 0);
  const repeated = repetitionsIn(bare) > 0 ? text.length ** 2 / 5000 : 0;
  return 1 + (text.length * alternatives) / (name === "split" ? 50 : 200) + repeated;
}

/** A pattern of Java's that takes no longer than the text is: without groups, and with one repetition at most. */
function patternOf(source: string, text: string, whole = false): RegExp {
  if (source.length > MAX_PATTERN) throw new TemplateFault("a pattern is too long");
  const bare = bareOf(source);
  const repetitions = repetitionsIn(bare);
  if (/[()]/.test(bare) || repetitions > 1)
    throw new TemplateFault("patterns of templates have no groups, and one repetition at most");
  if (repetitions > 0 && text.length > MAX_REPEATED)
    throw new TemplateFault("a text is too long for a pattern with a repetition");
  try {
    return new RegExp(whole ? `^(?:${source})$` : source, whole ? "s" : "g");
  } catch {
    throw new TemplateFault("a pattern cannot be read");
  }
}

const tooMany = (): TemplateFault => new TemplateFault("a pattern fits at too many places of a text");

/** Java's `replaceAll` and `replaceFirst`; `longest` bounds what they make, and the work for it. */
export function replacedBy(
  text: string,
  { source, replacement, all, longest }: { source: string; replacement: string; all: boolean; longest: number },
): string {
  let fits = 0;
  let length = text.length;
  const pattern = patternOf(source, text);
  return text.replace(all ? pattern : new RegExp(pattern.source), (match: string) => {
    if (++fits > MAX_REPLACED || fits * replacement.length > longest) throw tooMany();
    const made = replacement.replaceAll(/\\(.)|\$0/gs, (_, escaped: string | undefined) => escaped ?? match);
    length += made.length - match.length;
    if (length > longest) throw new TemplateFault("a text has become too long");
    return made;
  });
}

/** Java's `split`: what is empty at the end is left out. */
export function splitBy(text: string, source: string): string[] {
  const parts = text.split(patternOf(source, text), MAX_PARTS + 1);
  if (parts.length > MAX_PARTS) throw tooMany();
  while (parts.length > 1 && parts.at(-1) === "") parts.pop();
  return parts;
}

/** Java's `matches`: the pattern fits all of the text. */
export const fitsAll = (text: string, source: string): boolean => patternOf(source, text, true).test(text);
