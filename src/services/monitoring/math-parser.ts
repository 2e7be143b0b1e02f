import { AwsError } from "../../kernel/aws-error.ts";

/** A metric math expression, read. */
export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "minus"; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "call"; readonly name: string; readonly inputs: readonly Expression[] };

const MAX_LENGTH = 2048;
const MAX_DEPTH = 32;
const TOKEN =
  /\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|([A-Za-z_]\w*)|(['"])((?:(?!\3).)*)\3|(==|!=|<=|>=|&&|\|\||[-+*/^()<>,[\]]))/y;
/** Operators that bind equally, loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ["OR", "||"],
  ["AND", "&&"],
  ["==", "!=", "<", "<=", ">", ">="],
  ["+", "-"],
  ["*", "/"],
];

interface Token {
  readonly kind: "number" | "name" | "text" | "sign";
  readonly text: string;
}

const wrong = (text: string): AwsError =>
  new AwsError("ValidationError", `Error in expression: Unsupported or incomplete syntax: ${text}`, 400);

/** Reads an expression; throws CloudWatch's ValidationError where it is none. */
export function parseExpression(text: string): Expression {
  if (text.length > MAX_LENGTH) throw wrong(`more than ${MAX_LENGTH} characters`);
  const reader = new Reader(text, tokens(text));
  const expression = reader.level(0, 0);
  reader.end();
  return expression;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const match = pattern.exec(text);
    if (!match) throw wrong(text);
    const [, number, name, , quoted, sign] = match;
    if (number !== undefined) found.push({ kind: "number", text: number });
    else if (name !== undefined) found.push({ kind: "name", text: name });
    else if (sign !== undefined) found.push({ kind: "sign", text: sign });
    else found.push({ kind: "text", text: quoted ?? "" });
  }
  return found;
}

class Reader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, all: readonly Token[]) {
    this.#text = text;
    this.#tokens = all;
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw wrong(this.#text);
  }

  level(index: number, depth: number): Expression {
    if (depth > MAX_DEPTH) throw wrong("nested too deeply");
    const operators = LEVELS[index];
    if (!operators) return this.#power(depth);
    let left = this.level(index + 1, depth);
    for (;;) {
      const token = this.#tokens[this.#at];
      if (!token || token.kind === "text" || !operators.includes(token.text)) return left;
      this.#at++;
      left = { kind: "binary", operator: token.text, left, right: this.level(index + 1, depth) };
    }
  }

  #power(depth: number): Expression {
    if (this.#take("-")) return { kind: "minus", of: this.#deeper(depth) };
    const left = this.#primary(depth);
    return this.#take("^") ? { kind: "binary", operator: "^", left, right: this.#deeper(depth) } : left;
  }

  #deeper(depth: number): Expression {
    if (depth > MAX_DEPTH) throw wrong("nested too deeply");
    return this.#power(depth + 1);
  }

  #primary(depth: number): Expression {
    const token = this.#tokens[this.#at++];
    if (!token) throw wrong(this.#text);
    if (token.kind === "number") return { kind: "number", value: Number(token.text) };
    if (token.kind === "text") return { kind: "text", value: token.text };
    if (token.kind === "name") {
      if (!this.#take("(")) return { kind: "name", name: token.text };
      return { kind: "call", name: token.text.toUpperCase(), inputs: this.#items(")", depth) };
    }
    if (token.text === "[") return { kind: "list", items: this.#items("]", depth) };
    if (token.text !== "(") throw wrong(this.#text);
    const inner = this.level(0, depth + 1);
    if (!this.#take(")")) throw wrong(this.#text);
    return inner;
  }

  #items(close: string, depth: number): Expression[] {
    const items: Expression[] = [];
    if (this.#take(close)) return items;
    do items.push(this.level(0, depth + 1));
    while (this.#take(","));
    if (!this.#take(close)) throw wrong(this.#text);
    return items;
  }

  #take(sign: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "sign" || token.text !== sign) return false;
    this.#at++;
    return true;
  }
}
