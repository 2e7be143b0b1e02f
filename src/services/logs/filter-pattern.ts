import { notImplemented } from "../../kernel/aws-error.ts";
import { matchesStars } from "../../kernel/match-stars.ts";
import { invalid } from "./model.ts";
import { parseSpacePattern } from "./space-pattern.ts";

const MAX_PATTERN = 1024;

/** A filter pattern, made ready. */
export interface LogFilter {
  matches(message: string): boolean;
  /** What a selector (`$.field`, `$name`) stands for in a message. */
  extract(message: string, selector: string): string | undefined;
  /** Every field that the pattern names, with what it stands for in a message. */
  extracted(message: string): Record<string, string>;
}

/** Compiles a pattern for what asks for values too: a metric filter. */
export function compileLogFilter(pattern: string): LogFilter {
  const text = pattern.trim();
  if (text.length > MAX_PATTERN) throw invalid(`Filter patterns have at most ${MAX_PATTERN} characters.`);
  if (text.startsWith("[")) {
    const space = parseSpacePattern(text);
    return {
      matches: (message) => space.match(message) !== undefined,
      extract: (message, selector) => space.match(message)?.get(selector.replace(/^\$/, "")),
      extracted: (message) =>
        Object.fromEntries([...(space.match(message) ?? [])].map(([name, value]) => [`$${name}`, value])),
    };
  }
  const selectors = text.startsWith("{") ? [...new Set(text.match(/\$(?:\.[\w-]+|\[\d+\])+/g))] : [];
  const extract = (message: string, selector: string): string | undefined => {
    const value = selector.startsWith("$") ? valueAt(message, selector) : undefined;
    return value === undefined || typeof value === "object" ? undefined : String(value);
  };
  return {
    matches: compileFilter(pattern),
    extract,
    extracted: (message) =>
      Object.fromEntries(
        selectors.flatMap((s) => (extract(message, s) === undefined ? [] : [[s, extract(message, s)!]])),
      ),
  };
}

function valueAt(message: string, selector: string): unknown {
  try {
    return readSteps(JSON.parse(message), stepsOf(selector));
  } catch {
    return undefined; // not JSON
  }
}

/**
 * Compiles a filter pattern of CloudWatch Logs: terms (all must be there), `"a phrase"`, `-excluded`, `?optional` (any one),
 * JSON conditions `{ $.field = "value" && $.n > 3 }`, and fields in their order `[ip, ..., status = 4*]`.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
export function compileFilter(pattern: string): (message: string) => boolean {
  const text = pattern.trim();
  if (text.length > MAX_PATTERN) throw invalid(`Filter patterns have at most ${MAX_PATTERN} characters.`);
  if (text === "" || text === '""') return () => true;
  if (text.startsWith("{")) return jsonFilter(text);
  if (text.startsWith("[")) {
    const space = parseSpacePattern(text);
    return (message) => space.match(message) !== undefined;
  }
  if (/^%.*%$/.test(text)) throw notImplemented("regular expressions in filter patterns");
  return termFilter(text);
}

function termFilter(text: string): (message: string) => boolean {
  const terms = [...text.matchAll(/([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)].map(([, mark, quoted, plain]) => ({
    mark,
    value: quoted === undefined ? plain! : quoted.replaceAll(/\\(.)/g, "$1"),
  }));
  const required = terms.filter((t) => t.mark === "").map((t) => t.value);
  const excluded = terms.filter((t) => t.mark === "-").map((t) => t.value);
  const optional = terms.filter((t) => t.mark === "?").map((t) => t.value);
  return (message) =>
    required.every((value) => message.includes(value)) &&
    !excluded.some((value) => message.includes(value)) &&
    (optional.length === 0 || optional.some((value) => message.includes(value)));
}

type JsonTest = (value: unknown) => boolean;

const CONDITION =
  /^\s*\$((?:\.[\w-]+|\[\d+\]|\["[^"]+"\])+)\s*(?:(=|!=|<=|>=|<|>)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s&|()]+))|(IS\s+(?:NULL|TRUE|FALSE)|NOT\s+EXISTS))\s*/;

function jsonFilter(text: string): (message: string) => boolean {
  if (!text.endsWith("}")) throw invalid("Invalid filter pattern: a JSON pattern must end with '}'.");
  const state = { rest: text.slice(1, -1), depth: 0 };
  const test = readOr(state);
  if (state.rest.trim() !== "") throw invalid(`Invalid filter pattern at: ${state.rest.slice(0, 40)}`);
  return (message) => {
    let value: unknown;
    try {
      value = JSON.parse(message);
    } catch {
      return false; // not JSON, so no JSON condition holds
    }
    return test(value);
  };
}

interface State {
  rest: string;
  depth: number;
}

function readOr(state: State): JsonTest {
  const parts = [readAnd(state)];
  while (take(state, "||")) parts.push(readAnd(state));
  return (value) => parts.some((part) => part(value));
}

function readAnd(state: State): JsonTest {
  const parts = [readCondition(state)];
  while (take(state, "&&")) parts.push(readCondition(state));
  return (value) => parts.every((part) => part(value));
}

function take(state: State, token: string): boolean {
  const rest = state.rest.trimStart();
  if (!rest.startsWith(token)) return false;
  state.rest = rest.slice(token.length);
  return true;
}

function readCondition(state: State): JsonTest {
  if (take(state, "(")) {
    if (++state.depth > 20) throw invalid("Invalid filter pattern: nested too deeply.");
    const inner = readOr(state);
    if (!take(state, ")")) throw invalid("Invalid filter pattern: a ')' is missing.");
    state.depth--;
    return inner;
  }
  const match = CONDITION.exec(state.rest);
  if (!match) throw invalid(`Invalid filter pattern at: ${state.rest.slice(0, 40)}`);
  state.rest = state.rest.slice(match[0].length);
  const [, path, operator, quoted, plain, word] = match;
  const steps = stepsOf(path!);
  const at = (value: unknown): unknown => readSteps(value, steps);
  if (word) return wordTest(word, at);
  return comparison(operator!, quoted?.replaceAll(/\\(.)/g, "$1") ?? plain!, at);
}

const stepsOf = (path: string): string[] =>
  [...path.matchAll(/\.([\w-]+)|\[(\d+)\]|\["([^"]+)"\]/g)].map(([, a, b, c]) => a ?? b ?? c!);

function readSteps(value: unknown, steps: readonly string[]): unknown {
  return steps.reduce<unknown>(
    (v, step) =>
      v && typeof v === "object" && Object.hasOwn(v, step) ? (v as Record<string, unknown>)[step] : undefined,
    value,
  );
}

function wordTest(word: string, at: (value: unknown) => unknown): JsonTest {
  if (word.startsWith("NOT")) return (value) => at(value) === undefined;
  const wanted = word.endsWith("NULL") ? null : word.endsWith("TRUE");
  return (value) => at(value) === wanted;
}

function comparison(operator: string, wanted: string, at: (value: unknown) => unknown): JsonTest {
  const number = Number(wanted);
  return (value) => {
    const found = at(value);
    if (found === undefined || found === null) return false;
    switch (operator) {
      case "=":
        return matchesStars(wanted, String(found));
      case "!=":
        return !matchesStars(wanted, String(found));
      case "<":
        return Number(found) < number;
      case ">":
        return Number(found) > number;
      case "<=":
        return Number(found) <= number;
      default:
        return Number(found) >= number;
    }
  };
}
