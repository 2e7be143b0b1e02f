import { AwsError } from "../../kernel/aws-error.ts";

/** An expression of a query. */
export type Expression =
  | { readonly kind: "value"; readonly value: string | number }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "pattern"; readonly pattern: RegExp }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "call"; readonly name: string; readonly inputs: readonly Expression[] }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression };

/** An expression with the name under which its value is shown. */
export interface Column {
  readonly name: string;
  readonly of: Expression;
}

export type Command =
  | { readonly kind: "fields" | "display"; readonly columns: readonly Column[] }
  | { readonly kind: "filter"; readonly test: Expression }
  | { readonly kind: "sort"; readonly keys: readonly { readonly of: Expression; readonly descending: boolean }[] }
  | { readonly kind: "limit"; readonly count: number }
  | { readonly kind: "dedup"; readonly by: readonly Expression[] }
  | { readonly kind: "stats"; readonly columns: readonly Column[]; readonly by: readonly Column[] }
  | { readonly kind: "parse"; readonly of: Expression; readonly glob: string; readonly names: readonly string[] };

const MAX_LENGTH = 10_000;
const MAX_COMMANDS = 20;
const MAX_DEPTH = 32;
const TOKEN =
  /\s*(?:(\d+(?:\.\d+)?(?:ms|[smhdw])?)(?![\w@])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`([^`]+)`|(@?[A-Za-z_][\w.@]*|@[\w.]+)|(=~|!=|<=|>=|[-+*/%^=<>(),[\]]))/y;
const PATTERN = /\s*\/((?:[^/\\]|\\.)+)\/(i?)/y;
const LEVELS: readonly (readonly string[])[] = [
  ["or"],
  ["and"],
  ["=", "!=", "<", "<=", ">", ">=", "=~", "like", "in"],
  ["+", "-"],
  ["*", "/", "%"],
  ["^"],
];

/** CloudWatch Logs' refusal of a query. */
export const malformed = (message: string): AwsError =>
  new AwsError("MalformedQueryException", message, 400, { queryCompileError: { message } });

interface Token {
  readonly kind: "number" | "text" | "name" | "field" | "sign" | "pattern";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Reads a query of CloudWatch Logs Insights: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html */
export function parseQuery(text: string): Command[] {
  if (text.length > MAX_LENGTH) throw malformed(`A query has at most ${MAX_LENGTH} characters.`);
  const parts = splitCommands(text.replace(/^\s*#.*$/gm, ""));
  if (parts.length > MAX_COMMANDS) throw malformed(`A query has at most ${MAX_COMMANDS} commands.`);
  return parts.map((part) => new Reader(part).command());
}

/** Bars within quotes and patterns part nothing. */
function splitCommands(text: string): string[] {
  const parts = text.match(/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\/(?:[^/\\|\n]|\\.)+\/|[^|])+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end;) {
    const before = found.at(-1)?.text.toLowerCase();
    // A slash after an operator that takes patterns begins one.
    const isPattern =
      before === "like" || before === "=~" || before === "parse" || /^parse\s+\S+\s*$/i.test(text.slice(0, at));
    const expression = new RegExp(isPattern && /^\s*\//.test(text.slice(at)) ? PATTERN : TOKEN);
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (!match)
      throw malformed(`unexpected symbol found ${text.slice(at, at + 20).trim()} at line 1 and position ${at}`);
    const place = { start: at, end: expression.lastIndex };
    at = expression.lastIndex;
    if (expression.source === PATTERN.source) {
      found.push({ kind: "pattern", text: match[2] ? `(?i)${match[1]}` : match[1]!, ...place });
      continue;
    }
    const [, number, double, single, quoted, name, sign] = match;
    const string = double ?? single;
    if (number !== undefined) found.push({ kind: "number", text: number, ...place });
    else if (string !== undefined) found.push({ kind: "text", text: string.replaceAll(/\\(.)/g, "$1"), ...place });
    else if (quoted !== undefined) found.push({ kind: "field", text: quoted, ...place });
    else if (name !== undefined) found.push({ kind: "name", text: name, ...place });
    else found.push({ kind: "sign", text: sign!, ...place });
  }
  return found;
}

function compiled(text: string): RegExp {
  const ignoresCase = text.startsWith("(?i)");
  try {
    return new RegExp(ignoresCase ? text.slice(4) : text, ignoresCase ? "i" : "");
  } catch {
    throw malformed(`The pattern /${text}/ is not valid.`);
  }
}

class Reader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokens(text);
  }

  command(): Command {
    const first = this.#tokens[this.#at++];
    const word = first?.kind === "name" ? first.text.toLowerCase() : "";
    const command = this.#read(word);
    if (this.#at < this.#tokens.length) throw this.#wrong();
    return command;
  }

  #read(word: string): Command {
    switch (word) {
      case "fields":
      case "display":
        return { kind: word, columns: this.#columns() };
      case "filter":
        return { kind: "filter", test: this.#level(0, 0) };
      case "sort":
        return { kind: "sort", keys: this.#keys() };
      case "limit":
        return { kind: "limit", count: Number(this.#take("number")) };
      case "dedup":
        return { kind: "dedup", by: this.#columns().map((c) => c.of) };
      case "stats": {
        const columns = this.#columns();
        return { kind: "stats", columns, by: this.#word("by") ? this.#columns() : [] };
      }
      case "parse":
        return this.#parse();
      default:
        throw malformed(`unexpected command ${word || this.#text.slice(0, 20)} at line 1 and position 0`);
    }
  }

  #parse(): Command {
    const next = this.#tokens[this.#at];
    const of: Expression =
      next?.kind === "text" || next?.kind === "pattern" ? { kind: "field", name: "@message" } : this.#level(3, 0);
    if (this.#tokens[this.#at]?.kind === "pattern")
      throw new AwsError("NotImplemented", "Starling does not implement parse with a regular expression yet.", 501);
    const glob = this.#take("text");
    if (!this.#word("as")) throw this.#wrong();
    const names: string[] = [];
    do names.push(this.#name());
    while (this.#sign(","));
    if (names.length !== glob.split("*").length - 1)
      throw malformed("parse names as many fields as its pattern has asterisks");
    return { kind: "parse", of, glob, names };
  }

  #columns(): Column[] {
    const columns: Column[] = [];
    do {
      const start = this.#tokens[this.#at]?.start ?? 0;
      const of = this.#level(0, 0);
      const written = this.#text
        .slice(start, this.#tokens[this.#at - 1]!.end)
        .trim()
        .replaceAll("`", "");
      columns.push({ name: this.#word("as") ? this.#name() : written, of });
    } while (this.#sign(","));
    return columns;
  }

  #keys() {
    const keys: { of: Expression; descending: boolean }[] = [];
    do {
      const of = this.#level(0, 0);
      const descending = this.#word("desc");
      if (!descending) this.#word("asc");
      keys.push({ of, descending });
    } while (this.#sign(","));
    return keys;
  }

  #level(index: number, depth: number): Expression {
    if (depth > MAX_DEPTH) throw malformed("The query is nested too deeply.");
    const operators = LEVELS[index];
    if (!operators) return this.#primary(depth);
    if (index === 2 && this.#word("not")) return { kind: "not", of: this.#level(2, depth + 1) };
    let left = this.#level(index + 1, depth);
    for (;;) {
      const token = this.#tokens[this.#at];
      const word = token && (token.kind === "sign" || token.kind === "name") ? token.text.toLowerCase() : "";
      const isNegated = index === 2 && word === "not";
      const operator = isNegated ? (this.#tokens[this.#at + 1]?.text.toLowerCase() ?? "") : word;
      if (!operators.includes(operator) || (isNegated && operator !== "like" && operator !== "in")) return left;
      this.#at += isNegated ? 2 : 1;
      const binary: Expression = { kind: "binary", operator, left, right: this.#level(index + 1, depth) };
      left = isNegated ? { kind: "not", of: binary } : binary;
    }
  }

  #primary(depth: number): Expression {
    const token = this.#tokens[this.#at++];
    if (!token) throw this.#wrong();
    if (token.kind === "number")
      return { kind: "value", value: /^[\d.]+$/.test(token.text) ? Number(token.text) : token.text };
    if (token.kind === "text") return { kind: "value", value: token.text };
    if (token.kind === "pattern") return { kind: "pattern", pattern: compiled(token.text) };
    if (token.kind === "field") return { kind: "field", name: token.text };
    if (token.kind === "name") {
      if (!this.#sign("(")) return { kind: "field", name: token.text };
      return { kind: "call", name: token.text.toLowerCase(), inputs: this.#items(")", depth) };
    }
    if (token.text === "[") return { kind: "list", items: this.#items("]", depth) };
    if (token.text === "*") return { kind: "value", value: "*" };
    if (token.text === "-")
      return { kind: "binary", operator: "-", left: { kind: "value", value: 0 }, right: this.#primary(depth + 1) };
    if (token.text !== "(") throw this.#wrong();
    const inner = this.#level(0, depth + 1);
    if (!this.#sign(")")) throw this.#wrong();
    return inner;
  }

  #items(close: string, depth: number): Expression[] {
    const items: Expression[] = [];
    if (this.#sign(close)) return items;
    do items.push(this.#level(0, depth + 1));
    while (this.#sign(","));
    if (!this.#sign(close)) throw this.#wrong();
    return items;
  }

  #take(kind: Token["kind"]): string {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== kind) throw this.#wrong();
    return token.text;
  }

  #name(): string {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== "name" && token?.kind !== "field") throw this.#wrong();
    return token.text;
  }

  #word(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "name" || token.text.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }

  #sign(sign: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "sign" || token.text !== sign) return false;
    this.#at++;
    return true;
  }

  #wrong(): AwsError {
    const at = this.#tokens[Math.min(this.#at, this.#tokens.length) - 1]?.start ?? 0;
    return malformed(`unexpected symbol found ${this.#text.slice(at, at + 20).trim()} at line 1 and position ${at}`);
  }
}
