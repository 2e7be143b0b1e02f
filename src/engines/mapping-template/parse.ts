import { TemplateFault, type Branch, type Expression, type Node, type Reference, type Step } from "./syntax.ts";

const MAX_DEPTH = 50;
const MAX_LENGTH = 400 * 1024;
const NAME = /[A-Za-z_][\w-]*/y;
const WORD_OPERATORS: Readonly<Record<string, string>> = {
  and: "&&",
  or: "||",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
};
/** From the loosest to the tightest. */
const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["==", "!="],
  ["<=", ">=", "<", ">"],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Reads a mapping template; throws TemplateFault with its line where it cannot be understood. */
export function parseTemplate(source: string): readonly Node[] {
  if (source.length > MAX_LENGTH) throw new TemplateFault(`a template has at most ${MAX_LENGTH} characters`);
  const parser = new Parser(source);
  const nodes = parser.nodes([]);
  parser.expectEnd();
  return nodes;
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  expectEnd(): void {
    if (this.#at < this.#source.length) throw this.#fault(`unexpected ${this.#source.slice(this.#at, this.#at + 10)}`);
  }

  /** Everything up to one of the directives that end it. */
  nodes(ends: readonly string[]): Node[] {
    if (++this.#depth > MAX_DEPTH) throw this.#fault("it is nested too deeply");
    const found: Node[] = [];
    let text = "";
    const flush = (): void => {
      if (text !== "") found.push({ kind: "text", text });
      text = "";
    };
    while (this.#at < this.#source.length) {
      const char = this.#source[this.#at]!;
      if (char === "\\" && /[$#\\]/.test(this.#source[this.#at + 1] ?? "")) {
        const next = this.#source[this.#at + 1]!;
        // A backslash takes the meaning of a reference or a directive, and is a backslash else.
        text += next === "\\" ? "\\" : next;
        this.#at += 2;
        continue;
      }
      if (char === "#") {
        if (ends.some((end) => this.#directive(end))) break;
        if (this.#comment()) continue;
        const node = this.#directiveNode();
        if (node) {
          if (node.kind === "set") text = text.replace(/(^|\n)[ \t]*$/, "$1");
          flush();
          found.push(node);
          continue;
        }
      }
      const reference = char === "$" ? this.#reference() : undefined;
      if (reference) {
        flush();
        found.push({ kind: "reference", reference });
        continue;
      }
      text += char;
      this.#at++;
    }
    flush();
    this.#depth--;
    return found;
  }

  /** Whether a directive is here; it is not passed. */
  #directive(name: string): boolean {
    const rest = this.#source.slice(this.#at, this.#at + name.length + 4);
    return rest === `#${name}` || rest.startsWith(`#{${name}}`) || new RegExp(`^#${name}(?![\\w])`).test(rest);
  }

  #pass(name: string): boolean {
    if (!this.#directive(name)) return false;
    this.#at += this.#source[this.#at + 1] === "{" ? name.length + 3 : name.length + 1;
    return true;
  }

  #comment(): boolean {
    if (this.#source.startsWith("##", this.#at)) {
      const end = this.#source.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.#source.length : end + 1;
      return true;
    }
    if (!this.#source.startsWith("#*", this.#at)) return false;
    const end = this.#source.indexOf("*#", this.#at + 2);
    this.#at = end < 0 ? this.#source.length : end + 2;
    return true;
  }

  #directiveNode(): Node | undefined {
    if (this.#pass("set")) return this.#set();
    if (this.#pass("if")) return this.#if();
    if (this.#pass("foreach")) return this.#foreach();
    for (const kind of ["break", "stop"] as const) if (this.#pass(kind)) return { kind };
    for (const name of ["macro", "define", "parse", "include", "evaluate"])
      if (this.#directive(name)) throw this.#fault(`#${name} is not part of mapping templates here`);
    return undefined;
  }

  #set(): Node {
    this.#expect("(");
    this.#space();
    const target = this.#source[this.#at] === "$" ? this.#reference() : undefined;
    if (!target) throw this.#fault("#set needs a reference");
    this.#expect("=");
    const value = this.#expression();
    this.#expect(")");
    this.#endOfLine();
    return { kind: "set", target, value };
  }

  #if(): Node {
    const branches: Branch[] = [];
    let otherwise: Node[] = [];
    const branch = (): void => {
      this.#expect("(");
      const test = this.#expression();
      this.#expect(")");
      this.#endOfLine();
      branches.push({ test, body: this.nodes(["elseif", "else", "end"]) });
    };
    branch();
    while (this.#pass("elseif")) branch();
    if (this.#pass("else")) {
      this.#endOfLine();
      otherwise = this.nodes(["end"]);
    }
    if (!this.#pass("end")) throw this.#fault("#if has no #end");
    this.#endOfLine();
    return { kind: "if", branches, otherwise };
  }

  #foreach(): Node {
    this.#expect("(");
    this.#space();
    const item = this.#source[this.#at] === "$" ? this.#reference() : undefined;
    if (!item || item.steps.length) throw this.#fault("#foreach needs a name");
    this.#expect("in");
    const list = this.#expression();
    this.#expect(")");
    this.#endOfLine();
    const body = this.nodes(["end"]);
    if (!this.#pass("end")) throw this.#fault("#foreach has no #end");
    this.#endOfLine();
    return { kind: "foreach", name: item.name, list, body };
  }

  /** `$name.a.b(1)[0]`, `${name}`, `$!name`; undefined where a dollar is only a dollar. */
  #reference(): Reference | undefined {
    const start = this.#at;
    this.#at++;
    const quiet = this.#take("!");
    const braced = this.#take("{");
    const name = this.#name();
    if (name === undefined) {
      this.#at = start;
      return undefined;
    }
    const steps: Step[] = [];
    for (;;) {
      const before = this.#at;
      if (this.#take("[")) {
        const at = this.#expression();
        this.#expect("]");
        steps.push({ kind: "index", at });
      } else if (this.#take(".")) {
        const member = this.#name();
        if (member === undefined) {
          this.#at = before;
          break;
        }
        steps.push(
          this.#take("(") ? { kind: "call", name: member, given: this.#list(")") } : { kind: "property", name: member },
        );
      } else break;
    }
    if (braced && !this.#take("}")) {
      this.#at = start;
      return undefined;
    }
    return { name, quiet, steps, source: this.#source.slice(start, this.#at) };
  }

  #expression(level = 0): Expression {
    if (++this.#depth > MAX_DEPTH * 10) throw this.#fault("it is nested too deeply");
    const operators = LEVELS[level];
    let left = operators ? this.#expression(level + 1) : this.#unary();
    for (let operator = operators && this.#operator(operators); operator; operator = this.#operator(operators!))
      left = { kind: "binary", operator, left, right: this.#expression(level + 1) };
    this.#depth--;
    return left;
  }

  #operator(allowed: readonly string[]): string | undefined {
    this.#space();
    const sign = /\|\||&&|==|!=|<=|>=|[<>+\-*/%]/y;
    sign.lastIndex = this.#at;
    const found = sign.exec(this.#source)?.[0];
    if (found !== undefined) {
      if (!allowed.includes(found)) return undefined;
      this.#at += found.length;
      return found;
    }
    const word = /[a-z]{2,3}\b/y;
    word.lastIndex = this.#at;
    const name = word.exec(this.#source)?.[0] ?? "";
    const operator = Object.hasOwn(WORD_OPERATORS, name) ? WORD_OPERATORS[name]! : undefined;
    if (operator === undefined || !allowed.includes(operator)) return undefined;
    this.#at += name.length;
    return operator;
  }

  #unary(signs = 0): Expression {
    if (signs > MAX_DEPTH) throw this.#fault("it is nested too deeply");
    this.#space();
    if (this.#source[this.#at] === "!" && this.#source[this.#at + 1] !== "=") {
      this.#at++;
      return { kind: "not", of: this.#unary(signs + 1) };
    }
    if (/not\b/y.test(this.#source.slice(this.#at, this.#at + 4))) {
      this.#at += 3;
      return { kind: "not", of: this.#unary(signs + 1) };
    }
    if (this.#take("-")) return { kind: "minus", of: this.#unary(signs + 1) };
    return this.#primary();
  }

  #primary(): Expression {
    this.#space();
    const char = this.#source[this.#at] ?? "";
    if (char === "$") {
      const reference = this.#reference();
      if (reference) return { kind: "reference", reference };
    }
    if (char === "(") {
      this.#at++;
      const inner = this.#expression();
      this.#expect(")");
      return inner;
    }
    if (char === "'" || char === '"') return this.#text(char);
    if (char === "[") return this.#listOrRange();
    if (char === "{") return this.#map();
    const number = /\d+(?:\.\d+)?/y;
    number.lastIndex = this.#at;
    const digits = number.exec(this.#source)?.[0];
    if (digits !== undefined) {
      this.#at += digits.length;
      return { kind: "literal", value: Number(digits) };
    }
    const word = this.#name();
    if (word === "true" || word === "false") return { kind: "literal", value: word === "true" };
    if (word === "null") return { kind: "literal", value: null };
    throw this.#fault(`a value is missing before ${JSON.stringify(this.#source.slice(this.#at, this.#at + 10))}`);
  }

  #text(quote: string): Expression {
    this.#at++;
    let value = "";
    for (;;) {
      const char = this.#source[this.#at];
      if (char === undefined) throw this.#fault("a text has no end");
      this.#at++;
      if (char === quote) {
        // A quote twice is one of them.
        if (this.#source[this.#at] !== quote) break;
        this.#at++;
      }
      value += char;
    }
    if (quote === "'" || !/[$#]/.test(value)) return { kind: "literal", value };
    return { kind: "interpolated", nodes: parseTemplate(value) };
  }

  #listOrRange(): Expression {
    this.#expect("[");
    this.#space();
    if (this.#take("]")) return { kind: "list", items: [] };
    const first = this.#expression();
    this.#space();
    if (this.#source.startsWith("..", this.#at)) {
      this.#at += 2;
      const to = this.#expression();
      this.#expect("]");
      return { kind: "range", from: first, to };
    }
    if (this.#take(",")) return { kind: "list", items: [first, ...this.#list("]")] };
    this.#expect("]");
    return { kind: "list", items: [first] };
  }

  #map(): Expression {
    this.#expect("{");
    const entries: [Expression, Expression][] = [];
    this.#space();
    if (this.#take("}")) return { kind: "map", entries };
    do {
      const key = this.#expression();
      this.#expect(":");
      entries.push([key, this.#expression()]);
      this.#space();
    } while (this.#take(","));
    this.#expect("}");
    return { kind: "map", entries };
  }

  #list(end: string): Expression[] {
    const items: Expression[] = [];
    this.#space();
    if (this.#take(end)) return items;
    do {
      items.push(this.#expression());
      this.#space();
    } while (this.#take(","));
    this.#expect(end);
    return items;
  }

  #name(): string | undefined {
    NAME.lastIndex = this.#at;
    const found = NAME.exec(this.#source)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #expect(text: string): void {
    this.#space();
    if (!this.#take(text)) throw this.#fault(`${text} is missing`);
  }

  #space(): void {
    while (/\s/.test(this.#source[this.#at] ?? "")) this.#at++;
  }

  /** A directive at the end of a line takes the line's end with it. */
  #endOfLine(): void {
    const rest = /[ \t]*\r?\n/y;
    rest.lastIndex = this.#at;
    const found = rest.exec(this.#source)?.[0];
    if (found !== undefined) this.#at += found.length;
  }

  #fault(message: string): TemplateFault {
    const line = this.#source.slice(0, this.#at).split("\n").length;
    return new TemplateFault(`line ${line} of the template: ${message}`);
  }
}
