const MAX_FOUND = 100_000;

/** What a path (`$.a.b[0]`, `$['a']`, `$..a`, `$.a[*]`) finds in a value of a template; undefined where it finds nothing. */
export function findPath(value: unknown, path: string): unknown {
  const steps = stepsOf(path);
  let found: unknown[] = [value];
  let many = false;
  for (const step of steps) {
    if (step.deep) found = gathered(found, withDescendants);
    many ||= step.deep || step.name === "*";
    found = gathered(found, (one) => childrenOf(one, step.name));
  }
  return many ? found : found[0];
}

/** What is made of each, up to the bound: no more of it is looked at. */
function gathered(values: readonly unknown[], make: (value: unknown, most: number) => readonly unknown[]): unknown[] {
  const found: unknown[] = [];
  for (const value of values) {
    if (found.length >= MAX_FOUND) break;
    for (const one of make(value, MAX_FOUND - found.length)) found.push(one);
  }
  return found.slice(0, MAX_FOUND);
}

interface PathStep {
  readonly name: string | number;
  readonly deep: boolean;
}

function stepsOf(path: string): PathStep[] {
  const parts = path.trim().replace(/^\$/, "");
  const steps: PathStep[] = [];
  const part = /(\.\.)?\.?(?:\[\s*(?:(-?\d+)|'([^']*)'|"([^"]*)"|(\*))\s*\]|([^.[\]]+))/gy;
  for (let match = part.exec(parts); match; match = part.exec(parts)) {
    const [, deep, index, single, double, star, name] = match;
    steps.push({ name: index === undefined ? (single ?? double ?? star ?? name ?? "") : Number(index), deep: !!deep });
  }
  return steps;
}

function childrenOf(value: unknown, name: string | number): unknown[] {
  if (Array.isArray(value)) {
    if (name === "*") return value as unknown[];
    const at = Number(name);
    return Number.isInteger(at) ? [value.at(at) as unknown].filter((one) => one !== undefined) : [];
  }
  if (!(value instanceof Map)) return [];
  if (name === "*") return [...value.values()];
  return value.has(String(name)) ? [value.get(String(name))] : [];
}

function withDescendants(value: unknown, most: number): unknown[] {
  const found: unknown[] = [];
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && found.length < most) {
    const one = waiting.pop();
    found.push(one);
    const inner = Array.isArray(one) ? (one as unknown[]) : one instanceof Map ? [...one.values()] : [];
    // Not by spreading: a long list has more items than a call takes arguments.
    for (let i = Math.min(inner.length, most) - 1; i >= 0; i--) waiting.push(inner[i]);
  }
  return found;
}
