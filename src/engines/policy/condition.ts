import type { PolicyCondition } from "./document.ts";
import { ipInRange, parseIpRange } from "./ip-range.ts";
import type { LowerContext, Pattern } from "./pattern.ts";
import { compilePattern, matchCodes, matchPattern, patternText, resolvePattern, splitArnPattern } from "./pattern.ts";

/** One line of a condition block, ready to test. */
export interface CompiledCondition {
  readonly key: string;
  readonly set: "all" | "any" | undefined;
  readonly ifExists: boolean;
  readonly negated: boolean;
  /** For `Null`: whether the key must be absent. */
  readonly absent?: boolean;
  readonly expected: readonly Pattern[];
  readonly match: Matcher;
}

/** Whether one context value meets one expected value. */
type Matcher = (actual: string, expected: Pattern) => boolean;

/** Compiles a condition block; all of its lines must hold. */
export function compileCondition(condition: PolicyCondition, variables: boolean): CompiledCondition[] {
  const result: CompiledCondition[] = [];
  for (const [name, keys] of Object.entries(condition)) {
    const parts = /^(ForAllValues:|ForAnyValue:)?(.+?)(IfExists)?$/i.exec(name);
    const operator = (parts?.[2] ?? "").toLowerCase();
    const set = parts?.[1]?.toLowerCase();
    for (const [key, values] of Object.entries(keys)) {
      const wildcards = /^(string(not)?like|arn)/.test(operator);
      result.push({
        key: key.toLowerCase(),
        set: set === "forallvalues:" ? "all" : set === "foranyvalue:" ? "any" : undefined,
        ifExists: parts?.[3] !== undefined,
        negated: operator.includes("not"),
        ...(operator === "null" && { absent: values[0]?.toLowerCase() === "true" }),
        expected: values.map((value) => compilePattern(value, variables, wildcards)),
        match: matcherOf(operator.replace("not", "")),
      });
    }
  }
  return result;
}

/**
 * Tests a line. `unresolved` is the answer where a policy variable has no value: false in an Allow, true for a
 * negated line of a Deny, so that a missing value never widens access.
 */
export function testCondition(c: CompiledCondition, context: () => LowerContext, deny: boolean): boolean {
  const actual = context().get(c.key);
  if (c.absent !== undefined) return (actual === undefined) === c.absent;
  if (actual === undefined || actual.length === 0) return c.ifExists || (c.set ? c.set === "all" : c.negated);
  const expected: Pattern[] = [];
  for (const pattern of c.expected) {
    const resolved = resolvePattern(pattern, context);
    if (resolved) expected.push(resolved);
    else if (c.negated) return deny;
  }
  const meets = (value: string): boolean => expected.some((pattern) => c.match(value, pattern)) !== c.negated;
  // Without a set operator several context values count as one: a negated operator must hold for each of them.
  const every = c.set === "all" || (c.set === undefined && c.negated);
  return every ? actual.every(meets) : actual.some(meets);
}

function matcherOf(operator: string): Matcher {
  if (operator === "stringequals" || operator === "stringlike" || operator === "binaryequals") {
    return (actual, expected) => matchPattern(expected, actual);
  }
  if (operator === "stringequalsignorecase") {
    return (actual, expected) => actual.toLowerCase() === patternText(expected).toLowerCase();
  }
  if (operator === "bool") return (actual, expected) => actual.toLowerCase() === patternText(expected).toLowerCase();
  if (operator === "ipaddress") return matchIp;
  if (operator.startsWith("arn")) return matchArn;
  if (operator.startsWith("numeric")) return comparison(operator.slice("numeric".length), readNumber);
  if (operator.startsWith("date")) return comparison(operator.slice("date".length), readDate);
  return () => false;
}

function matchIp(actual: string, expected: Pattern): boolean {
  const range = parseIpRange(patternText(expected));
  return range !== undefined && ipInRange(actual, range);
}

function matchArn(actual: string, expected: Pattern): boolean {
  const parts = splitArnPattern(expected);
  // A lone "*" is accepted for an ARN, as AWS does.
  if (!parts) return patternText(expected) === "*";
  const segments = actual.split(":");
  if (segments.length < 6) return false;
  return parts.every((codes, i) => matchCodes(codes, i < 5 ? (segments[i] ?? "") : segments.slice(5).join(":")));
}

function comparison(name: string, read: (text: string) => number): Matcher {
  const test = COMPARE[name];
  if (!test) return () => false;
  return (actual, expected) => {
    const a = read(actual);
    const b = read(patternText(expected));
    return !Number.isNaN(a) && !Number.isNaN(b) && test(a, b);
  };
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  equals: (a, b) => a === b,
  lessthan: (a, b) => a < b,
  lessthanequals: (a, b) => a <= b,
  greaterthan: (a, b) => a > b,
  greaterthanequals: (a, b) => a >= b,
};

function readNumber(text: string): number {
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** Dates are ISO 8601 or seconds since the epoch. */
function readDate(text: string): number {
  if (/^\d{1,12}(\.\d+)?$/.test(text) && text.length !== 4) return Number(text) * 1000;
  return Date.parse(text);
}
