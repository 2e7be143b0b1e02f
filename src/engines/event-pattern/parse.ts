import { AwsError } from "../../kernel/aws-error.ts";
import { parseCidr } from "./cidr.ts";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Whether one value of an event (`undefined`: the field is absent) meets a rule. */
export type ValueTest = (value: Json | undefined) => boolean;

/** A pattern made ready: fields that must all match, and alternatives of which one must. */
export interface CompiledPattern {
  readonly fields: readonly { readonly name: string; readonly rule: FieldRule }[];
  readonly alternatives: readonly (readonly CompiledPattern[])[];
}

export type FieldRule =
  | { readonly nested: CompiledPattern }
  /** Any of the tests may hold; `absent` where one of them is `exists: false`. */
  | { readonly tests: readonly ValueTest[]; readonly absent: boolean };

const MAX_LENGTH = 4096;
const MAX_DEPTH = 64;

/** EventBridge's refusal of a pattern. */
export function invalidPattern(reason: string): AwsError {
  return new AwsError("InvalidEventPatternException", `Event pattern is not valid. Reason: ${reason}`, 400);
}

/** Checks and compiles a pattern, JSON text or already parsed. */
export function compileEventPattern(pattern: string | object): CompiledPattern {
  const value = typeof pattern === "string" ? parseJson(pattern) : (pattern as Json);
  if (!isMap(value)) throw invalidPattern("Filter is not an object");
  return compileMap(value, "", 0);
}

function parseJson(text: string): Json {
  if (text.length > MAX_LENGTH * 4) throw invalidPattern(`Event pattern is longer than ${MAX_LENGTH * 4} characters`);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw invalidPattern((error as Error).message);
  }
}

function compileMap(map: { [key: string]: Json }, path: string, depth: number): CompiledPattern {
  if (depth > MAX_DEPTH) throw invalidPattern("Event pattern is nested too deeply");
  if (Object.keys(map).length === 0) throw invalidPattern("Empty objects are not allowed");
  const fields: { name: string; rule: FieldRule }[] = [];
  const alternatives: CompiledPattern[][] = [];
  for (const [name, rule] of Object.entries(map)) {
    const at = path ? `${path}.${name}` : name;
    if (name === "$or" && Array.isArray(rule) && rule.length > 1 && rule.every(isMap)) {
      alternatives.push(rule.map((one) => compileMap(one, path, depth + 1)));
    } else if (isMap(rule)) fields.push({ name, rule: { nested: compileMap(rule, at, depth + 1) } });
    else if (Array.isArray(rule)) fields.push({ name, rule: compileRules(rule, at) });
    else throw invalidPattern(`"${name}" must be an object or an array`);
  }
  return { fields, alternatives };
}

function compileRules(rules: readonly Json[], path: string): FieldRule {
  if (rules.length === 0) throw invalidPattern("Empty arrays are not allowed");
  let absent = false;
  const tests = rules.map((rule): ValueTest => {
    if (!isMap(rule)) {
      if (Array.isArray(rule)) throw invalidPattern(`"${path}": arrays in arrays are not allowed`);
      return (value) => value === rule;
    }
    const entries = Object.entries(rule);
    if (entries.length !== 1) throw invalidPattern("Only one key allowed in match expression");
    const [name, argument] = entries[0] as [string, Json];
    if (name === "exists") {
      if (typeof argument !== "boolean") throw invalidPattern("exists match pattern must be either true or false.");
      if (!argument) absent = true;
      return argument ? (value) => value !== undefined : (value) => value === undefined;
    }
    return compileMatcher(name, argument);
  });
  return { tests, absent };
}

function compileMatcher(name: string, argument: Json): ValueTest {
  switch (name) {
    case "prefix":
    case "suffix":
      return compileAffix(name, argument);
    case "equals-ignore-case": {
      const wanted = text(name, argument).toLowerCase();
      return (value) => typeof value === "string" && value.toLowerCase() === wanted;
    }
    case "wildcard": {
      const match = compileWildcard(text(name, argument));
      return (value) => typeof value === "string" && match(value);
    }
    case "cidr": {
      const contains = compileCidr(text("prefix", argument));
      return (value) => typeof value === "string" && contains(value);
    }
    case "numeric":
      return compileNumeric(argument);
    case "anything-but":
      return compileAnythingBut(argument);
    default:
      throw invalidPattern(`Unrecognized match type ${name}`);
  }
}

function compileCidr(range: string): (value: string) => boolean {
  const [address = "", mask = "", ...more] = range.split("/");
  if (!range.includes("/") || more.length) throw invalidPattern("Malformed CIDR, one '/' required");
  if (!/^\d+$/.test(mask)) throw invalidPattern("Malformed CIDR, mask bits must be an integer");
  const contains = parseCidr(range);
  if (contains) return contains;
  if (!parseCidr(`${address}/0`)) throw invalidPattern(`Nonstandard IP address: ${address}`);
  throw invalidPattern(`Malformed CIDR, mask bits must be < ${address.includes(":") ? 128 : 32}`);
}

function text(name: string, argument: Json): string {
  if (typeof argument !== "string") throw invalidPattern(`${name} match pattern must be a string`);
  return argument;
}

function compileAffix(name: "prefix" | "suffix", argument: Json): ValueTest {
  const ignoring = isMap(argument) ? argument["equals-ignore-case"] : undefined;
  const wanted = ignoring === undefined ? text(name, argument) : text(name, ignoring).toLowerCase();
  return (value) => {
    if (typeof value !== "string") return false;
    const actual = ignoring === undefined ? value : value.toLowerCase();
    return name === "prefix" ? actual.startsWith(wanted) : actual.endsWith(wanted);
  };
}

/** `*` stands for any characters, `\*` for itself. The two-pointer walk keeps hostile patterns linear enough. */
function compileWildcard(pattern: string): (value: string) => boolean {
  const parts: (string | null)[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? "";
    if (char === "\\") {
      const next = pattern[++i];
      if (next !== "*" && next !== "\\") throw invalidPattern(`Invalid escape character at pos ${i - 1}`);
      parts.push(next);
    } else if (char === "*") {
      if (parts.at(-1) === null) throw invalidPattern(`Consecutive wildcard characters at pos ${i}`);
      parts.push(null);
    } else parts.push(char);
  }
  return (value) => {
    let p = 0;
    let t = 0;
    let star = -1;
    let mark = 0;
    while (t < value.length) {
      if (parts[p] === null && p < parts.length) {
        star = p++;
        mark = t;
      } else if (p < parts.length && parts[p] === value[t]) {
        p++;
        t++;
      } else if (star >= 0) {
        p = star + 1;
        t = ++mark;
      } else return false;
    }
    while (p < parts.length && parts[p] === null) p++;
    return p === parts.length;
  };
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "=": (a, b) => a === b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

function compileNumeric(argument: Json): ValueTest {
  if (!Array.isArray(argument)) throw invalidPattern("Value of numeric must be an array.");
  const list = argument;
  if (list.length === 0) throw invalidPattern("Invalid member in numeric match: ]");
  if (list.length > 4) throw invalidPattern("Too many elements in numeric expression");
  const tests: ((value: number) => boolean)[] = [];
  for (let i = 0; i < list.length; i += 2) {
    const compare = COMPARE[String(list[i])];
    const bound = list[i + 1];
    if (!compare) throw invalidPattern(`Unrecognized numeric range operator: ${String(list[i])}`);
    // A range has a lower bound first and then an upper one; nothing stands beside "=".
    if (i > 0 && !(String(list[0]).startsWith(">") && String(list[i]).startsWith("<")))
      throw invalidPattern(`Bad numeric range operator: ${String(list[i])}`);
    if (typeof bound !== "number") throw invalidPattern(`Value of ${String(list[i])} must be numeric`);
    if (Math.abs(bound) > 5e9) throw invalidPattern("Value of numeric must be between -5.0e9 and +5.0e9, inclusive.");
    tests.push((value) => compare(value, bound));
  }
  return (value) => typeof value === "number" && tests.every((holds) => holds(value));
}

function compileAnythingBut(argument: Json): ValueTest {
  const present =
    (test: ValueTest): ValueTest =>
    (value) =>
      value !== undefined && !test(value);
  if (isMap(argument)) {
    const tests = compileExcluded(argument);
    return present((value) => tests.some((test) => test(value)));
  }
  const list = Array.isArray(argument) ? argument : [argument];
  if (list.length === 0) throw invalidPattern("Empty arrays are not allowed");
  if (!list.every((one) => typeof one === "string" || typeof one === "number"))
    throw invalidPattern(
      Array.isArray(argument)
        ? "Inside anything but list, start|null|boolean is not supported."
        : "Value of anything-but must be an array or single string/number value.",
    );
  if (new Set(list.map((one) => typeof one)).size > 1)
    throw invalidPattern(
      "Inside anything but list, either all values are number or string, mixed type is not supported",
    );
  const values = new Set<Json>(list);
  return present((value) => value !== undefined && values.has(value));
}

/** What `anything-but` takes beside values: an affix, text in any case, a wildcard, each one or a list. */
function compileExcluded(argument: { [key: string]: Json }): ValueTest[] {
  const entries = Object.entries(argument);
  if (entries.length !== 1) throw invalidPattern("Only one key allowed in match expression");
  const [name, inner] = entries[0] as [string, Json];
  const list = Array.isArray(inner) ? inner : [inner];
  const texts = list.every((one) => typeof one === "string");
  switch (name) {
    case "prefix":
    case "suffix":
      if (isMap(inner)) throw invalidPattern("Value of anything-but must be an array or single string/number value.");
      if (!texts) throw invalidPattern("prefix/suffix match pattern must be a string");
      if (list.includes("")) throw invalidPattern("Null prefix/suffix not allowed");
      break;
    case "equals-ignore-case":
      if (!texts)
        throw invalidPattern(
          "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
        );
      break;
    case "wildcard":
      break;
    default:
      throw invalidPattern(`Unsupported anything-but pattern: ${name}`);
  }
  return list.map((one) => compileMatcher(name, one));
}

export function isMap(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
