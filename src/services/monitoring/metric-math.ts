import { AwsError } from "../../kernel/aws-error.ts";
import { parseExpression, type Expression } from "./math-parser.ts";

/** Values by the start of their period, in milliseconds. */
export type Series = ReadonlyMap<number, number>;
/** What an expression is worth: a number, one series, or several. */
export type MathValue = number | Series | readonly Series[];

/** What an expression can ask for: the values of other queries by their ids, and what `METRICS()` stands for. */
export interface MathScope {
  value(id: string): MathValue | undefined;
  /** All metrics of the request whose id holds the text. */
  metrics(part: string): readonly Series[];
  readonly periodSeconds: number;
  /** Starts of all periods in the range that was asked for. */
  readonly times: readonly number[];
  /** Data points that may still be made: of all expressions of a request together. */
  readonly work: { left: number };
}

/** Metrics that one value of an expression may hold, as GetMetricData takes them. */
const MAX_SERIES = 500;

/** Evaluates a metric math expression. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html */
export function evaluateMath(text: string, scope: MathScope): MathValue {
  return evaluate(parseExpression(text), scope);
}

/** The ids of other queries that an expression names. */
export function namesOf(text: string): string[] {
  const found = new Set<string>();
  const visit = (node: Expression): void => {
    if (node.kind === "name") found.add(node.name);
    if (node.kind === "call") node.inputs.forEach(visit);
    if (node.kind === "binary") [node.left, node.right].forEach(visit);
    if (node.kind === "minus") visit(node.of);
    if (node.kind === "list") node.items.forEach(visit);
  };
  visit(parseExpression(text));
  return [...found];
}

const wrong = (reason: string): AwsError => new AwsError("ValidationError", `Error in expression: ${reason}`, 400);

export const isSeries = (value: MathValue): value is Series => value instanceof Map;
const isList = (value: MathValue): value is readonly Series[] => Array.isArray(value);

function evaluate(node: Expression, scope: MathScope): MathValue {
  const value = made(node, scope);
  const all = typeof value === "number" ? [] : seriesOf(value);
  if (all.length > MAX_SERIES) throw wrong(`A value holds at most ${MAX_SERIES} metrics.`);
  scope.work.left -= all.reduce((points, series) => points + series.size, 1);
  if (scope.work.left < 0) throw wrong("The expressions ask for too much work.");
  return value;
}

function made(node: Expression, scope: MathScope): MathValue {
  switch (node.kind) {
    case "number":
      return node.value;
    case "text":
      throw wrong(`"${node.value}" is text where a value must be.`);
    case "name": {
      const value = scope.value(node.name);
      if (value === undefined) throw wrong(`There is no metric with the id ${node.name}.`);
      return value;
    }
    case "list":
      return node.items.flatMap((item) => seriesOf(evaluate(item, scope)));
    case "minus":
      return map(evaluate(node.of, scope), (v) => -v);
    case "binary":
      return combine(evaluate(node.left, scope), evaluate(node.right, scope), OPERATORS[node.operator]!);
    case "call": {
      const run = FUNCTIONS[node.name];
      if (!run) throw new AwsError("NotImplemented", `Starling does not implement ${node.name} of metric math.`, 501);
      return run(node.inputs, scope);
    }
  }
}

const bit = (holds: boolean): number => (holds ? 1 : 0);
const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "^": (a, b) => a ** b,
  "==": (a, b) => bit(a === b),
  "!=": (a, b) => bit(a !== b),
  "<": (a, b) => bit(a < b),
  "<=": (a, b) => bit(a <= b),
  ">": (a, b) => bit(a > b),
  ">=": (a, b) => bit(a >= b),
  AND: (a, b) => bit(a !== 0 && b !== 0),
  "&&": (a, b) => bit(a !== 0 && b !== 0),
  OR: (a, b) => bit(a !== 0 || b !== 0),
  "||": (a, b) => bit(a !== 0 || b !== 0),
};

type Run = (inputs: readonly Expression[], scope: MathScope) => MathValue;

/** A function of every value by itself. */
const each =
  (make: (value: number) => number): Run =>
  (inputs, scope) =>
    map(evaluate(one(inputs), scope), make);

/** A function of many values: of one series a number, of several series the values of each time. */
const over =
  (make: (values: readonly number[]) => number): Run =>
  (inputs, scope) => {
    const value = evaluate(one(inputs), scope);
    if (isSeries(value)) return value.size ? make([...value.values()]) : 0;
    if (!isList(value)) return make([value]);
    const times = [...new Set(value.flatMap((s) => [...s.keys()]))].sort((a, b) => a - b);
    return new Map(times.map((at) => [at, make(value.flatMap((s) => s.get(at) ?? []))]));
  };

/** A function of neighbours in time. */
const along =
  (make: (points: readonly (readonly [number, number])[]) => (readonly [number, number])[]): Run =>
  (inputs, scope) => {
    const value = evaluate(one(inputs), scope);
    const run = (s: Series): Series => new Map(clean(make([...s].sort(([a], [b]) => a - b))));
    if (isSeries(value)) return run(value);
    if (isList(value)) return value.map(run);
    throw wrong("A time series is expected, not a number.");
  };

const pairs = (
  points: readonly (readonly [number, number])[],
  make: (value: number, before: number, seconds: number) => number,
): (readonly [number, number])[] =>
  points.slice(1).map(([at, value], i) => [at, make(value, points[i]![1], (at - points[i]![0]) / 1000)] as const);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

const FUNCTIONS: Readonly<Record<string, Run>> = {
  ABS: each(Math.abs),
  CEIL: each(Math.ceil),
  FLOOR: each(Math.floor),
  LOG: each(Math.log),
  LOG10: each(Math.log10),
  SUM: over(sum),
  AVG: over(mean),
  MIN: over((values) => values.reduce((least, value) => Math.min(least, value), Infinity)),
  MAX: over((values) => values.reduce((most, value) => Math.max(most, value), -Infinity)),
  STDDEV: over((values) => {
    const middle = mean(values);
    return Math.sqrt(mean(values.map((v) => (v - middle) ** 2)));
  }),
  DATAPOINT_COUNT: over((values) => values.length),
  DIFF: along((points) => pairs(points, (value, before) => value - before)),
  DIFF_TIME: along((points) => pairs(points, (_value, _before, seconds) => seconds)),
  RATE: along((points) => pairs(points, (value, before, seconds) => (value - before) / seconds)),
  RUNNING_SUM: along((points) => {
    let total = 0;
    return points.map(([at, value]) => [at, (total += value)] as const);
  }),
  FIRST: (inputs, scope) => seriesOf(evaluate(one(inputs), scope)).slice(0, 1),
  LAST: (inputs, scope) => seriesOf(evaluate(one(inputs), scope)).slice(-1),
  METRICS(inputs, scope) {
    const [part] = inputs;
    if (part && part.kind !== "text") throw wrong("METRICS takes a text.");
    return scope.metrics(part?.kind === "text" ? part.value : "");
  },
  PERIOD: (_inputs, scope) => scope.periodSeconds,
  TIME_SERIES(inputs, scope) {
    const value = evaluate(one(inputs), scope);
    if (typeof value !== "number") throw wrong("TIME_SERIES takes a number.");
    return new Map(scope.times.map((at) => [at, value]));
  },
  FILL: fill,
  IF: choose,
};

function fill(inputs: readonly Expression[], scope: MathScope): MathValue {
  const [of, filler] = inputs;
  if (!of || !filler || inputs.length !== 2) throw wrong("FILL takes a metric and a filler.");
  const value = evaluate(of, scope);
  if (typeof value === "number") return value;
  const word = filler.kind === "name" && ["REPEAT", "LINEAR"].includes(filler.name) ? filler.name : undefined;
  const constant = word ? undefined : evaluate(filler, scope);
  const run = (series: Series): Series => {
    const filled = new Map<number, number>();
    let last: number | undefined;
    const line = word === "LINEAR" ? lineOf(series, scope.times) : undefined;
    for (const at of scope.times) {
      let found = series.get(at);
      if (found !== undefined) last = found;
      else if (word === "LINEAR") found = line?.(at) ?? last;
      else if (word === "REPEAT") found = last;
      else found = typeof constant === "number" ? constant : seriesOf(constant!)[0]?.get(at);
      if (found !== undefined) filled.set(at, found);
    }
    return filled;
  };
  return isSeries(value) ? run(value) : (value as readonly Series[]).map(run);
}

/** What lies on the line between the neighbours that are known; asked for one time after the other. */
function lineOf(series: Series, times: readonly number[]): (at: number) => number | undefined {
  const known = times.filter((t) => series.has(t));
  let next = 0;
  return (at) => {
    while (next < known.length && known[next]! <= at) next++;
    const [before, after] = [known[next - 1], known[next]];
    if (before === undefined || after === undefined) return undefined;
    const share = (at - before) / (after - before);
    return series.get(before)! + share * (series.get(after)! - series.get(before)!);
  };
}

function choose(inputs: readonly Expression[], scope: MathScope): MathValue {
  if (inputs.length < 2 || inputs.length > 3) throw wrong("IF takes a condition and one or two values.");
  const condition = evaluate(inputs[0]!, scope);
  const yes = evaluate(inputs[1]!, scope);
  const no = inputs[2] ? evaluate(inputs[2], scope) : undefined;
  if (typeof condition === "number") return condition !== 0 ? yes : (no ?? new Map());
  if (isList(condition)) throw wrong("The condition of IF is one time series.");
  const at = (value: MathValue | undefined, time: number): number | undefined => {
    if (value === undefined || typeof value === "number") return value;
    return seriesOf(value)[0]?.get(time);
  };
  return new Map(
    [...condition].flatMap(([time, holds]) => {
      const value = at(holds !== 0 ? yes : no, time);
      return value === undefined ? [] : [[time, value] as const];
    }),
  );
}

function one(inputs: readonly Expression[]): Expression {
  if (inputs.length !== 1) throw wrong("The function takes one value.");
  return inputs[0]!;
}

function seriesOf(value: MathValue): readonly Series[] {
  if (isSeries(value)) return [value];
  if (isList(value)) return value;
  throw wrong("A time series is expected, not a number.");
}

/** What is no number (a division by zero) is no data point. */
const clean = (points: Iterable<readonly [number, number]>): (readonly [number, number])[] =>
  [...points].filter(([, value]) => Number.isFinite(value));

function map(value: MathValue, make: (value: number) => number): MathValue {
  if (typeof value === "number") return make(value);
  const run = (series: Series): Series => new Map(clean([...series].map(([at, v]) => [at, make(v)])));
  return isSeries(value) ? run(value) : (value as readonly Series[]).map(run);
}

function combine(left: MathValue, right: MathValue, make: (a: number, b: number) => number): MathValue {
  if (typeof left === "number") return map(right, (value) => make(left, value));
  if (typeof right === "number") return map(left, (value) => make(value, right));
  if (isList(left)) {
    if (isList(right) && right.length !== left.length) throw wrong("The two sides hold different numbers of metrics.");
    return left.map((s, i) => combine(s, isList(right) ? right[i]! : right, make) as Series);
  }
  if (isList(right)) return right.map((s) => combine(left, s, make) as Series);
  // Only times that both sides know.
  const both = [...(left as Series)].filter(([at]) => (right as Series).has(at));
  return new Map(clean(both.map(([at, value]) => [at, make(value, (right as Series).get(at)!)])));
}
