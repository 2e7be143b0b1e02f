import type { BoundedMatch } from "../../kernel/bounded-match.ts";
import { malformed, type Column, type Command, type Expression } from "./insights-parser.ts";

type Value = string | number | undefined;
/** Fields of a log event, or of a row that stats made. */
export type Row = Map<string, Value>;

export interface Outcome {
  readonly rows: readonly (readonly { readonly field: string; readonly value: string }[])[];
  readonly matched: number;
}

const DEFAULT_LIMIT = 10_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** How much one query may ask for: parts of expressions that are evaluated, and characters that they make. */
const MAX_STEPS = 20_000_000;
const MAX_CHARACTERS = 128 * 1024 * 1024;
const MAKES_TEXT: ReadonlySet<string> = new Set(["concat", "replace", "tolower", "toupper"]);

interface Run {
  readonly matches: BoundedMatch;
  steps: number;
  characters: number;
}

/** Runs a query's commands, one after the other, on the rows. */
export function runQuery(commands: readonly Command[], events: readonly Row[], matches: BoundedMatch): Outcome {
  const run: Run = { matches, steps: 0, characters: 0 };
  let rows = [...events];
  let matched = rows.length;
  let shown: readonly string[] | undefined;
  let limit = DEFAULT_LIMIT;
  const evaluate = (of: Expression, row: Row): Value => valueOf(of, row, run);
  for (const command of commands) {
    switch (command.kind) {
      case "fields":
      case "display":
        for (const row of rows) for (const { name, of } of command.columns) row.set(name, evaluate(of, row));
        shown = [...(command.kind === "fields" ? (shown ?? []) : []), ...command.columns.map((c) => c.name)];
        break;
      case "filter":
        rows = rows.filter((row) => isTrue(evaluate(command.test, row)));
        matched = rows.length;
        break;
      case "parse":
        for (const row of rows) parseGlob(command.glob, command.names, String(evaluate(command.of, row) ?? ""), row);
        break;
      case "sort":
        rows = sorted(rows, command.keys, evaluate);
        break;
      case "limit":
        limit = Math.min(DEFAULT_LIMIT, command.count);
        rows = rows.slice(0, limit);
        break;
      case "dedup": {
        const seen = new Set<string>();
        rows = rows.filter((row) => {
          const key = JSON.stringify(command.by.map((of) => evaluate(of, row) ?? null));
          return !seen.has(key) && seen.add(key);
        });
        break;
      }
      case "stats":
        rows = aggregate(command, rows, evaluate);
        shown = [...command.by, ...command.columns].map((c) => c.name);
    }
  }
  const names = shown ?? ["@timestamp", "@message"];
  return { matched, rows: rows.slice(0, limit).map((row) => show(row, names)) };
}

function sorted(
  rows: readonly Row[],
  keys: Extract<Command, { kind: "sort" }>["keys"],
  evaluate: (of: Expression, row: Row) => Value,
): Row[] {
  const keyed = rows.map((row) => ({ row, values: keys.map(({ of }) => evaluate(of, row)) }));
  keyed.sort((a, b) => {
    for (const [i, { descending }] of keys.entries()) {
      const order = compare(a.values[i], b.values[i]);
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
  return keyed.map(({ row }) => row);
}

function show(row: Row, names: readonly string[]): { field: string; value: string }[] {
  const columns = [...new Set(row.has("@ptr") ? [...names, "@ptr"] : names)];
  return columns.flatMap((field) => {
    const value = row.get(field);
    if (value === undefined) return [];
    const isTime = (field === "@timestamp" || field === "@ingestionTime") && typeof value === "number";
    return [
      { field, value: isTime || (typeof value === "number" && field.startsWith("bin(")) ? time(value) : text(value) },
    ];
  });
}

const time = (at: number): string => new Date(at).toISOString().replace("T", " ").replace("Z", "");
const text = (value: Value): string =>
  typeof value === "number" && !Number.isInteger(value) ? String(Math.round(value * 1e4) / 1e4) : String(value ?? "");
const isTrue = (value: Value): boolean => value !== undefined && value !== 0 && value !== "";
const numeric = (value: Value): number => (value === undefined || value === "" ? Number.NaN : Number(value));

function compare(a: Value, b: Value): number {
  const [x, y] = [numeric(a), numeric(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return String(a ?? "") < String(b ?? "") ? -1 : String(a ?? "") > String(b ?? "") ? 1 : 0;
}

function valueOf(node: Expression, row: Row, run: Run): Value {
  if (++run.steps > MAX_STEPS) throw malformed("The query asks for too much work.");
  const of = (inner: Expression): Value => valueOf(inner, row, run);
  switch (node.kind) {
    case "value":
      return node.value;
    case "field":
      return row.get(node.name);
    case "not":
      return isTrue(of(node.of)) ? 0 : 1;
    case "binary":
      return binary(node, of, run.matches);
    case "call": {
      const compute = Object.hasOwn(FUNCTIONS, node.name) ? FUNCTIONS[node.name] : undefined;
      if (!compute) throw malformed(`Unknown function ${node.name}`);
      const inputs = node.inputs.map(of);
      const length = lengthOf(inputs);
      run.steps += length / 1000;
      if (MAKES_TEXT.has(node.name)) spend(run, node.name === "replace" ? lengthReplaced(inputs) : length);
      return compute(inputs, row);
    }
    default:
      throw malformed("A list or a pattern stands where a value must be.");
  }
}

/** Pays for a text before it is made. */
function spend(run: Run, characters: number): void {
  run.characters += characters;
  if (run.characters > MAX_CHARACTERS) throw malformed("The query makes too much text.");
}

const lengthOf = (inputs: readonly Value[]): number =>
  inputs.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);

/** At most so long is what `replace` makes. */
function lengthReplaced([subject, from, to]: readonly Value[]): number {
  const [text, part] = [String(subject ?? ""), String(from)];
  return text.length + (Math.floor(text.length / Math.max(1, part.length)) + 1) * String(to ?? "").length;
}

function binary(
  node: Extract<Expression, { kind: "binary" }>,
  of: (e: Expression) => Value,
  matches: BoundedMatch,
): Value {
  const { operator, right } = node;
  const left = of(node.left);
  if (operator === "and") return isTrue(left) && isTrue(of(right)) ? 1 : 0;
  if (operator === "or") return isTrue(left) || isTrue(of(right)) ? 1 : 0;
  if (operator === "like" || operator === "=~") return isLike(String(left ?? ""), right, of, matches) ? 1 : 0;
  if (operator === "in") {
    if (right.kind !== "list") throw malformed("in takes a list.");
    return right.items.some((item) => compare(left, of(item)) === 0) ? 1 : 0;
  }
  const other = of(right);
  const [a, b] = [numeric(left), numeric(other)];
  const calculate = { "+": a + b, "-": a - b, "*": a * b, "/": a / b, "%": a % b, "^": a ** b }[operator];
  if (calculate !== undefined) return Number.isFinite(calculate) ? calculate : undefined;
  if (left === undefined || other === undefined) return operator === "!=" && left !== other ? 1 : 0;
  const order = compare(left, other);
  const holds = {
    "=": order === 0,
    "!=": order !== 0,
    "<": order < 0,
    "<=": order <= 0,
    ">": order > 0,
    ">=": order >= 0,
  }[operator];
  return holds ? 1 : 0;
}

function isLike(subject: string, wanted: Expression, of: (e: Expression) => Value, matches: BoundedMatch): boolean {
  if (wanted.kind !== "pattern") return subject.includes(String(of(wanted) ?? ""));
  const found = matches(wanted.pattern, subject);
  if (found === undefined) throw malformed(`The pattern ${String(wanted.pattern)} takes too long.`);
  return found;
}

const number1 =
  (make: (n: number) => number) =>
  ([value]: Value[]): Value => {
    const made = make(numeric(value));
    return Number.isFinite(made) ? made : undefined;
  };
const text1 =
  (make: (s: string) => Value) =>
  ([value]: Value[]): Value =>
    value === undefined ? undefined : make(String(value));

const FUNCTIONS: Readonly<Record<string, (inputs: Value[], row: Row) => Value>> = {
  abs: number1(Math.abs),
  ceil: number1(Math.ceil),
  floor: number1(Math.floor),
  log: number1(Math.log),
  sqrt: number1(Math.sqrt),
  greatest: (all) => Math.max(...all.map(numeric)),
  least: (all) => Math.min(...all.map(numeric)),
  strlen: text1((s) => s.length),
  tolower: text1((s) => s.toLowerCase()),
  toupper: text1((s) => s.toUpperCase()),
  trim: text1((s) => s.trim()),
  ltrim: text1((s) => s.trimStart()),
  rtrim: text1((s) => s.trimEnd()),
  substr: ([s, from, count]) =>
    String(s ?? "").slice(Number(from), count === undefined ? undefined : Number(from) + Number(count)),
  concat: (all) => all.map((v) => v ?? "").join(""),
  strcontains: ([s, part]) => (String(s ?? "").includes(String(part ?? "")) ? 1 : 0),
  replace: ([s, from, to]) => String(s ?? "").replaceAll(String(from), String(to ?? "")),
  coalesce: (all) => all.find((v) => v !== undefined),
  ispresent: ([value]) => (value === undefined ? 0 : 1),
  isempty: ([value]) => (value === undefined || value === "" ? 1 : 0),
  isblank: ([value]) => (String(value ?? "").trim() === "" ? 1 : 0),
  frommillis: ([value]) => (value === undefined ? undefined : time(Number(value))),
  tomillis: ([value]) => Number(value),
  bin: ([period], row) => floor(row.get("@timestamp"), period),
  datefloor: ([at, period]) => floor(at, period),
  dateceil: ([at, period]) => floor(Number(at) + widthOf(period) - 1, period),
};

function widthOf(period: Value): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(String(period)) ?? [];
  const width = Number(count) * (UNIT_MS[unit ?? ""] ?? Number.NaN);
  if (!(width >= 1)) throw malformed(`${String(period)} is not a period such as 5m.`);
  return width;
}

const floor = (at: Value, period: Value): Value => {
  const width = widthOf(period);
  return at === undefined ? undefined : Math.floor(Number(at) / width) * width;
};

function aggregate(
  { columns, by }: Extract<Command, { kind: "stats" }>,
  rows: readonly Row[],
  evaluate: (of: Expression, row: Row) => Value,
): Row[] {
  const groups = new Map<string, { keys: Value[]; rows: Row[] }>();
  for (const row of rows) {
    const keys = by.map(({ of }) => evaluate(of, row));
    const id = JSON.stringify(keys.map((key) => key ?? null));
    const group = groups.get(id);
    if (group) group.rows.push(row);
    else groups.set(id, { keys, rows: [row] });
  }
  if (by.length === 0 && groups.size === 0) groups.set("", { keys: [], rows: [] });
  return [...groups.values()].map((group) => {
    const made: Row = new Map(by.map(({ name }, i) => [name, group.keys[i]]));
    for (const column of columns) made.set(column.name, total(column, group.rows, evaluate));
    return made;
  });
}

function total({ of }: Column, rows: readonly Row[], evaluate: (of: Expression, row: Row) => Value): Value {
  if (of.kind === "binary") {
    const side = (inner: Expression): Expression => ({
      kind: "value",
      value: total({ name: "", of: inner }, rows, evaluate) ?? Number.NaN,
    });
    return evaluate({ ...of, left: side(of.left), right: side(of.right) }, new Map());
  }
  if (of.kind !== "call") return of.kind === "value" ? of.value : undefined;
  const [input, more] = of.inputs;
  const everything = !input || (input.kind === "value" && input.value === "*");
  if (of.name === "count" && everything) return rows.length;
  if (!input) throw malformed(`${of.name} takes a field.`);
  const values = rows.map((row) => evaluate(input, row)).filter((v) => v !== undefined);
  const numbers = values.map(numeric).filter((n) => !Number.isNaN(n));
  const byTime = (): Row[] => rows.toSorted((a, b) => compare(a.get("@timestamp"), b.get("@timestamp")));
  switch (of.name) {
    case "count":
      return values.length;
    case "count_distinct":
      return new Set(values).size;
    case "sum":
      return numbers.reduce((sum, n) => sum + n, 0);
    case "avg":
      return numbers.length ? numbers.reduce((sum, n) => sum + n, 0) / numbers.length : undefined;
    case "min":
    case "max": {
      const sorted = values.toSorted(compare);
      return of.name === "min" ? sorted[0] : sorted.at(-1);
    }
    case "stddev": {
      const mean = numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
      return numbers.length
        ? Math.sqrt(numbers.reduce((sum, n) => sum + (n - mean) ** 2, 0) / numbers.length)
        : undefined;
    }
    case "median":
    case "pct": {
      const percent = of.name === "median" ? 50 : numeric(more && evaluate(more, new Map()));
      const sorted = numbers.toSorted((a, b) => a - b);
      return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
    }
    case "earliest":
    case "latest": {
      const row = of.name === "earliest" ? byTime()[0] : byTime().at(-1);
      return row && evaluate(input, row);
    }
    default:
      throw malformed(`Unknown function ${of.name}`);
  }
}

/** Fills the names by what stands at the asterisks. */
function parseGlob(glob: string, names: readonly string[], subject: string, row: Row): void {
  const parts = glob.split("*");
  let at = subject.indexOf(parts[0]!);
  if (at < 0) return;
  at += parts[0]!.length;
  const found: string[] = [];
  for (const [i, part] of parts.slice(1).entries()) {
    const isLast = i === parts.length - 2;
    const end = part === "" && isLast ? subject.length : subject.indexOf(part, at);
    if (end < 0) return;
    found.push(subject.slice(at, end));
    at = end + part.length;
  }
  for (const [i, name] of names.entries()) row.set(name, found[i]);
}
