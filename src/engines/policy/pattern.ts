/** What a request says about itself: context keys in lower case. */
export type LowerContext = ReadonlyMap<string, readonly string[]>;

const ANY = -1;
const ONE = -2;

/** Text with `*` and `?`, and, in policies of version 2012-10-17, variables such as `${aws:username}`. */
export interface Pattern {
  /** Whether the pattern holds variables, so that it must be resolved for each request. */
  readonly dynamic: boolean;
  /** Code units with `*` as -1 and `?` as -2, where not dynamic. */
  readonly codes: readonly number[];
  readonly parts: readonly PatternPart[];
  /** The text itself, where it holds neither wildcard nor variable. */
  readonly literal?: string;
}

type PatternPart = { readonly codes: readonly number[] } | { readonly variable: string; readonly fallback?: string };

/** Compiles a pattern once; `wildcards` false takes `*` and `?` as themselves (StringEquals). */
export function compilePattern(text: string, variables: boolean, wildcards = true): Pattern {
  const parts: PatternPart[] = [];
  let codes: number[] = [];
  let special = false;
  for (let i = 0; i < text.length; i++) {
    const end = variables && text.startsWith("${", i) ? text.indexOf("}", i) : -1;
    if (end > 0) {
      const inner = text.slice(i + 2, end);
      if (inner === "*" || inner === "?" || inner === "$") codes.push(inner.charCodeAt(0));
      else {
        parts.push({ codes }, readVariable(inner));
        codes = [];
      }
      special = true;
      i = end;
      continue;
    }
    const code = text.charCodeAt(i);
    if (wildcards && code === 42) {
      if (codes.at(-1) !== ANY) codes.push(ANY);
      special = true;
    } else if (wildcards && code === 63) {
      codes.push(ONE);
      special = true;
    } else codes.push(code);
  }
  if (parts.length > 0) return { dynamic: true, codes: [], parts: [...parts, { codes }] };
  return { dynamic: false, codes, parts: [], ...(!special && { literal: text }) };
}

function readVariable(inner: string): PatternPart {
  const match = /^([^,]+?)\s*,\s*'(.*)'\s*$/s.exec(inner);
  if (match?.[1]) return { variable: match[1].trim().toLowerCase(), fallback: match[2] ?? "" };
  return { variable: inner.trim().toLowerCase() };
}

/** The context keys that a pattern reads. */
export function variablesOf(pattern: Pattern): string[] {
  return pattern.parts.flatMap((part) => ("variable" in part ? [part.variable] : []));
}

/** The pattern for this request; `undefined` where a variable has no value and no default, or several values. */
export function resolvePattern(pattern: Pattern, context: () => LowerContext): Pattern | undefined {
  if (!pattern.dynamic) return pattern;
  const codes: number[] = [];
  for (const part of pattern.parts) {
    if ("codes" in part) {
      for (const code of part.codes) codes.push(code);
      continue;
    }
    const values = context().get(part.variable);
    const value = values?.length === 1 ? values[0] : values?.length ? undefined : part.fallback;
    if (value === undefined) return undefined;
    for (let i = 0; i < value.length; i++) codes.push(value.charCodeAt(i));
  }
  return { dynamic: false, codes, parts: [] };
}

/** Whether a resolved pattern matches all of `text`. Linear in practice; never backtracks more than one star. */
export function matchPattern(pattern: Pattern, text: string): boolean {
  if (pattern.literal !== undefined) return pattern.literal === text;
  return matchCodes(pattern.codes, text);
}

/** {@link matchPattern} on raw codes: the classic two-pointer glob. */
export function matchCodes(codes: readonly number[], text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    const code = codes[p];
    if (code === ANY) {
      star = p++;
      mark = t;
    } else if (code !== undefined && (code === ONE || code === text.charCodeAt(t))) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (codes[p] === ANY) p++;
  return p === codes.length;
}

/** The text of a resolved pattern, wildcards as `*` and `?`. */
export function patternText(pattern: Pattern): string {
  if (pattern.literal !== undefined) return pattern.literal;
  return pattern.codes.map((c) => (c === ANY ? "*" : c === ONE ? "?" : String.fromCharCode(c))).join("");
}

/** Splits a resolved pattern at its first five colons, as ARN operators compare part by part. */
export function splitArnPattern(pattern: Pattern): number[][] | undefined {
  const parts: number[][] = [[]];
  for (const code of pattern.codes) {
    if (code === 58 && parts.length < 6) parts.push([]);
    else parts.at(-1)?.push(code);
  }
  return parts.length === 6 ? parts : undefined;
}
