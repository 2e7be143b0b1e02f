import { bounded, callMethod, costOf, shown } from "./methods.ts";
import { parseTemplate } from "./parse.ts";
import { TemplateFault, type Expression, type Node, type Reference } from "./syntax.ts";

/** A function that a template may call: `$util.parseJson(…)`. */
export type TemplateFunction = (...given: readonly unknown[]) => unknown;

/** What a template knows: texts, numbers, maps, lists, and groups of functions. */
export type TemplateValues = Readonly<Record<string, unknown>>;

/** A group of functions and values that a template asks by name: `$input`, `$util`. */
export class TemplateObject {
  readonly functions: Readonly<Record<string, TemplateFunction>>;
  readonly values: Readonly<Record<string, unknown>>;
  /** How many steps of a template a call of one of the functions is worth. */
  readonly cost: number;
  constructor(
    functions: Readonly<Record<string, TemplateFunction>>,
    values: Readonly<Record<string, unknown>> = {},
    cost = 1,
  ) {
    this.functions = functions;
    this.values = values;
    this.cost = cost;
  }
}

const MAX_STEPS = 200_000;
const MAX_OUTPUT = 10 * 1024 * 1024;

interface Run {
  readonly values: Map<string, unknown>;
  readonly out: string[];
  size: number;
  steps: number;
}

const STOPPED = Symbol("stop");
const BROKEN = Symbol("break");

/** What a template makes of the values. Throws TemplateFault where it cannot be read, or asks for too much work. */
export function renderTemplate(source: string, values: TemplateValues): string {
  const run: Run = { values: new Map(Object.entries(values)), out: [], size: 0, steps: 0 };
  renderAll(run, parseTemplate(source));
  return run.out.join("");
}

/** Characters that are handled for the price of a step. */
const STEP_CHARACTERS = 1000;

function step(run: Run, cost = 1): void {
  run.steps += cost;
  if (run.steps > MAX_STEPS) throw new TemplateFault("the template asks for too much work");
}

/** A value's text, which is paid for by its length. */
function textOf(run: Run, value: unknown): string {
  const text = bounded(shown(value));
  step(run, text.length / STEP_CHARACTERS);
  return text;
}

function write(run: Run, text: string): void {
  run.size += text.length;
  if (run.size > MAX_OUTPUT) throw new TemplateFault("the template makes too long a text");
  run.out.push(text);
}

function renderAll(run: Run, nodes: readonly Node[]): typeof STOPPED | typeof BROKEN | undefined {
  for (const node of nodes) {
    step(run);
    const ended = renderNode(run, node);
    if (ended) return ended;
  }
  return undefined;
}

function renderNode(run: Run, node: Node): typeof STOPPED | typeof BROKEN | undefined {
  switch (node.kind) {
    case "text":
      return void write(run, node.text);
    case "reference":
      return void write(run, referenceText(run, node.reference));
    case "set":
      return void assign(run, node.target, evaluate(run, node.value));
    case "if": {
      const branch = node.branches.find(({ test }) => isTrue(evaluate(run, test)));
      return renderAll(run, branch ? branch.body : node.otherwise);
    }
    case "foreach":
      return renderEach(run, node);
    case "break":
      return BROKEN;
    case "stop":
      return STOPPED;
  }
}

function renderEach(run: Run, node: Node & { kind: "foreach" }): typeof STOPPED | undefined {
  const value = evaluate(run, node.list);
  step(run, costOf(value, "values"));
  const items: unknown[] =
    value instanceof Map ? [...value.values()] : Array.isArray(value) ? [...(value as unknown[])] : [];
  const names = [node.name, "foreach", "velocityCount"];
  const before = names.map((name) => [name, run.values.get(name)] as const);
  for (const [index, item] of items.entries()) {
    const facts = {
      index,
      count: index + 1,
      hasNext: index + 1 < items.length,
      first: index === 0,
      last: index + 1 === items.length,
    };
    run.values.set(node.name, item);
    run.values.set("foreach", new Map<string, unknown>(Object.entries(facts)));
    run.values.set("velocityCount", index + 1);
    const ended = renderAll(run, node.body);
    if (ended === STOPPED) return STOPPED;
    if (ended === BROKEN) break;
  }
  for (const [name, known] of before)
    if (known === undefined) run.values.delete(name);
    else run.values.set(name, known);
  return undefined;
}

function referenceText(run: Run, reference: Reference): string {
  const value = lookUp(run, reference);
  if (value !== undefined && value !== null) return textOf(run, value);
  return reference.quiet || run.values.has(reference.name) ? "" : reference.source;
}

function lookUp(run: Run, { name, steps }: Reference): unknown {
  let at = run.values.get(name);
  for (const one of steps) {
    step(run);
    if (at === undefined || at === null) return undefined;
    if (one.kind === "property") at = member(at, one.name);
    else if (one.kind === "index") at = member(at, evaluate(run, one.at));
    else {
      const given = one.given.map((expression) => evaluate(run, expression));
      const own =
        at instanceof TemplateObject && Object.hasOwn(at.functions, one.name) ? at.functions[one.name] : undefined;
      step(run, own ? (at as TemplateObject).cost : costOf(at, one.name, given));
      at = own ? own(...given) : callMethod(at, one.name, given);
      if (typeof at === "string") textOf(run, at);
    }
  }
  return at;
}

function member(of: unknown, name: unknown): unknown {
  if (of instanceof Map) return of.get(shown(name));
  if (Array.isArray(of)) return name === "size" ? of.length : (of[Number(name)] as unknown);
  if (of instanceof TemplateObject && Object.hasOwn(of.values, shown(name))) return of.values[shown(name)];
  return typeof of === "string" && name === "length" ? of.length : undefined;
}

/** `$x`, `$x.y`, `$x[0]`: what is on the way is made where it is not there. */
function assign(run: Run, { name, steps }: Reference, value: unknown): void {
  if (steps.length === 0) {
    run.values.set(name, value);
    return;
  }
  let at = run.values.get(name);
  for (const [i, one] of steps.entries()) {
    if (one.kind === "call") throw new TemplateFault("#set cannot change what a method answers");
    const key = one.kind === "property" ? one.name : evaluate(run, one.at);
    if (i === steps.length - 1) {
      if (at instanceof Map) at.set(shown(key), value);
      else if (Array.isArray(at) && Number(key) in at) at[Number(key)] = value;
      return;
    }
    let next = member(at, key);
    if (next === undefined && at instanceof Map) at.set(shown(key), (next = new Map<string, unknown>()));
    at = next;
  }
}

const isTrue = (value: unknown): boolean => value !== undefined && value !== null && value !== false;

function evaluate(run: Run, expression: Expression): unknown {
  step(run);
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "interpolated": {
      const inner: Run = { ...run, out: [] };
      renderAll(inner, expression.nodes);
      [run.steps, run.size] = [inner.steps, inner.size];
      return inner.out.join("");
    }
    case "reference":
      return lookUp(run, expression.reference) ?? null;
    case "list":
      return expression.items.map((one) => evaluate(run, one));
    case "map":
      return new Map(expression.entries.map(([key, value]) => [textOf(run, evaluate(run, key)), evaluate(run, value)]));
    case "range":
      return range(run, Number(evaluate(run, expression.from)), Number(evaluate(run, expression.to)));
    case "not":
      return !isTrue(evaluate(run, expression.of));
    case "minus":
      return -Number(evaluate(run, expression.of));
    case "binary":
      return binary(run, expression);
  }
}

function range(run: Run, from: number, to: number): number[] {
  const count = Math.abs(to - from) + 1;
  if (!Number.isSafeInteger(count) || count > MAX_STEPS) throw new TemplateFault("a range is too long");
  run.steps += count;
  return Array.from({ length: count }, (_, i) => (to >= from ? from + i : from - i));
}

function binary(run: Run, { operator, left, right }: Expression & { kind: "binary" }): unknown {
  if (operator === "&&") return isTrue(evaluate(run, left)) && isTrue(evaluate(run, right));
  if (operator === "||") return isTrue(evaluate(run, left)) || isTrue(evaluate(run, right));
  const [a, b] = [evaluate(run, left), evaluate(run, right)];
  if (operator === "==" || operator === "!=") return equal(run, a, b) === (operator === "==");
  if (operator === "+" && (typeof a === "string" || typeof b === "string"))
    return bounded(textOf(run, a) + textOf(run, b));
  const [x, y] = [Number(a), Number(b)];
  switch (operator) {
    case "<":
      return x < y;
    case "<=":
      return x <= y;
    case ">":
      return x > y;
    case ">=":
      return x >= y;
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    default: {
      if (y === 0) return null;
      // Whole numbers are divided as Java divides them.
      const result = operator === "/" ? x / y : x % y;
      return Number.isInteger(x) && Number.isInteger(y) ? Math.trunc(result) : result;
    }
  }
}

function equal(run: Run, a: unknown, b: unknown): boolean {
  if (a === null || b === null || a === undefined || b === undefined) return (a ?? "") === (b ?? ""); // as empty as a text
  return typeof a === typeof b && typeof a !== "object" ? a === b : textOf(run, a) === textOf(run, b);
}
