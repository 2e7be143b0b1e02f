const MAX_EXACT = 100;
/** Neighbouring values of a full set are one: each bucket is 1 % wide. */
const GROWTH = Math.log(1.01);

/** Values with their counts, for percentiles: exact while they are few, within 1 % when they are many. */
export class SampleValues {
  #counts = new Map<number, number>();
  #rounded = false;

  add(value: number, count: number): void {
    const key = this.#rounded ? round(value) : value;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    if (this.#rounded || this.#counts.size <= MAX_EXACT) return;
    this.#rounded = true;
    const exact = this.#counts;
    this.#counts = new Map();
    for (const [v, n] of exact) this.add(v, n);
  }

  addJson(json: string | null): void {
    if (json) for (const [value, count] of JSON.parse(json) as [number, number][]) this.add(value, count);
  }

  toJson(): string | null {
    return this.#counts.size === 0 ? null : JSON.stringify([...this.#counts]);
  }

  toMap(): ReadonlyMap<number, number> {
    return this.#counts;
  }
}

function round(value: number): number {
  if (value === 0) return 0;
  const exact = Math.exp(Math.round(Math.log(Math.abs(value)) / GROWTH) * GROWTH);
  return Math.sign(value) * Number(exact.toPrecision(6));
}
