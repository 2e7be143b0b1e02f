const MAX_EXACT = 100;
/** Neighbouring values of a full set are one: each bucket is 1 % wide. */
const GROWTH = Math.log(1.01);
const ZERO = Number.MIN_SAFE_INTEGER;

/** Values with their counts, for percentiles: exact while they are few, within 1 % when they are many. */
export class SampleValues {
  /** By value while they are few, then by bucket. */
  #counts = new Map<number, number>();
  #isBucketed = false;

  add(value: number, count: number): void {
    const key = this.#isBucketed ? bucketOf(value) : value;
    const known = this.#counts.get(key);
    this.#counts.set(key, (known ?? 0) + count);
    if (known !== undefined || this.#isBucketed || this.#counts.size <= MAX_EXACT) return;
    this.#isBucketed = true;
    const exact = this.#counts;
    this.#counts = new Map();
    for (const [v, n] of exact) this.add(v, n);
  }

  addJson(json: string | null): void {
    if (json) for (const [value, count] of JSON.parse(json) as [number, number][]) this.add(value, count);
  }

  toJson(): string | null {
    return this.#counts.size === 0 ? null : JSON.stringify([...this.toMap()]);
  }

  toMap(): ReadonlyMap<number, number> {
    if (!this.#isBucketed) return this.#counts;
    return new Map(Array.from(this.#counts, ([bucket, count]) => [valueOf(bucket), count] as const));
  }
}

/** Buckets of positive values are even numbers, those of negative ones odd; zero has its own. */
function bucketOf(value: number): number {
  if (value === 0) return ZERO;
  const place = Math.round(Math.log(Math.abs(value)) / GROWTH) * 2;
  return value > 0 ? place : place + 1;
}

function valueOf(bucket: number): number {
  if (bucket === ZERO) return 0;
  const isNegative = (bucket & 1) !== 0;
  const value = Number(Math.exp(((isNegative ? bucket - 1 : bucket) / 2) * GROWTH).toPrecision(6));
  return isNegative ? -value : value;
}
