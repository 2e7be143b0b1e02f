const MAX_FOUND = 100_000;

/** What a path (`$.a.b[0]`, `$['a']`, `$..a`, `$.a[*]`) finds in a value of a template; undefined where it finds nothing. */
export function findPath(value: unknown, path: string): unknown {
  const steps = stepsOf(path);
  let found: unknown[] = [value];
  let many = false;
  for (const step of steps) {
    if (step.deep) found = found.flatMap(withDescendants).slice(0, MAX_FOUND);
    many ||= step.deep || step.name === "*";
    found = found.flatMap((one) => childrenOf(one, step.name)).slice(0, MAX_FOUND);
  }
  return many ? found : found[0];
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

function withDescendants(value: unknown): unknown[] {
  const found: unknown[] = [];
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && found.length < MAX_FOUND) {
    const one = waiting.pop();
    found.push(one);
    if (Array.isArray(one)) waiting.push(...(one as unknown[]).toReversed());
    else if (one instanceof Map) waiting.push(...[...one.values()].toReversed());
  }
  return found;
}
