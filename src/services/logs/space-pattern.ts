import { matchesStars } from "../../kernel/match-stars.ts";
import { invalid } from "./model.ts";

/** What a pattern says of a message's fields. */
export interface SpacePattern {
  /** The fields by the names that the pattern gives them, where the message matches. */
  match(message: string): ReadonlyMap<string, string> | undefined;
}

type Test = (value: string) => boolean;

interface Field {
  readonly name: string;
  readonly test: Test;
}

const MAX_FIELDS = 64;
const CONDITION = /^\s*(\*?[\w.]+)\s*(=|!=|<=|>=|<|>)\s*(?:"([^"]*)"|([^\s&|"]+))\s*/;

/**
 * Reads `[ip, user, ..., status = 4*, bytes > 1000]`: one field of a space-delimited message after the other, `...` for
 * any number of them.
 */
export function parseSpacePattern(text: string): SpacePattern {
  if (!text.endsWith("]")) throw invalid("Invalid filter pattern");
  const inner = text.slice(1, -1).trim();
  const parts = inner === "" ? [] : splitFields(inner);
  if (parts.length > MAX_FIELDS) throw invalid("Invalid filter pattern");
  const rest = parts.indexOf("...");
  if (rest !== parts.lastIndexOf("...")) throw invalid("Invalid filter pattern");
  const fields = parts.map((part, i): Field | undefined => (part === "..." ? undefined : readField(part, i)));
  return {
    match(message) {
      const words = wordsOf(message);
      if (parts.length === 0) return new Map();
      if (rest < 0 ? words.length !== fields.length : words.length < fields.length - 1) return undefined;
      const skipped = rest < 0 ? 0 : words.length - (fields.length - 1);
      const found = new Map<string, string>();
      for (const [i, field] of fields.entries()) {
        if (!field) continue;
        const value = words[rest >= 0 && i > rest ? i + skipped - 1 : i]!;
        if (!field.test(value)) return undefined;
        found.set(field.name, value);
      }
      return found;
    },
  };
}

/**
 * Words, and what stands between quotes or brackets. Read by hand: a pattern would look for the end of each bracket that has
 * none through all of the message.
 */
function wordsOf(message: string): string[] {
  const words: string[] = [];
  const endless = new Set<string>();
  const space = /\s/g;
  for (let at = 0; at < message.length;) {
    const char = message[at]!;
    if (/\s/.test(char)) {
      at++;
      continue;
    }
    const close = char === '"' ? '"' : char === "[" ? "]" : undefined;
    const end = close === undefined || endless.has(close) ? -1 : message.indexOf(close, at + 1);
    if (close !== undefined && end >= 0) {
      words.push(message.slice(at + 1, end));
      at = end + 1;
      continue;
    }
    if (close !== undefined) endless.add(close);
    space.lastIndex = at;
    const next = space.exec(message)?.index ?? message.length;
    words.push(message.slice(at, next));
    at = next;
  }
  return words;
}

/** Commas within quotes part nothing. */
function splitFields(text: string): string[] {
  return (text.match(/(?:"[^"]*"|[^,"])+/g) ?? []).map((part) => part.trim());
}

function readField(text: string, index: number): Field {
  if (/^\*?[\w.-]*$/.test(text)) return { name: text || String(index + 1), test: () => true };
  let rest = text;
  let name: string | undefined;
  const alternatives: Test[][] = [[]];
  for (;;) {
    const match = CONDITION.exec(rest);
    if (!match) throw invalid("Invalid filter pattern");
    const [whole, field, operator, quoted, plain] = match;
    name ??= field!;
    if (field !== name) throw invalid("Invalid filter pattern");
    alternatives.at(-1)!.push(compare(operator!, quoted ?? plain ?? ""));
    rest = rest.slice(whole.length);
    if (rest === "") break;
    if (rest.startsWith("||")) alternatives.push([]);
    else if (!rest.startsWith("&&")) throw invalid("Invalid filter pattern");
    rest = rest.slice(2);
  }
  return { name, test: (value) => alternatives.some((all) => all.every((test) => test(value))) };
}

function compare(operator: string, wanted: string): Test {
  const number = Number(wanted);
  switch (operator) {
    case "=":
      return (value) => matchesField(wanted, value);
    case "!=":
      return (value) => !matchesField(wanted, value);
    case "<":
      return (value) => Number(value) < number;
    case ">":
      return (value) => Number(value) > number;
    case "<=":
      return (value) => Number(value) <= number;
    default:
      return (value) => Number(value) >= number;
  }
}

/** As `matchesStars`; numbers may be written differently. */
const matchesField = (wanted: string, value: string): boolean =>
  matchesStars(wanted, value) ||
  (!wanted.includes("*") && wanted !== "" && value !== "" && Number(wanted) === Number(value));
