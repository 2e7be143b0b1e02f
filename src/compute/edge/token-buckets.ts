/** Steady requests a second, and how many may come at once. */
export interface Throttle {
  readonly rateLimit: number;
  readonly burstLimit: number;
}

/** Token buckets by key: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html */
export class TokenBuckets {
  readonly #max: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(max = 50_000) {
    this.#max = max;
  }

  /** Takes a token from each bucket, or none at all where one of them is empty. */
  take(wanted: readonly { readonly key: string; readonly throttle: Throttle }[], now: number): boolean {
    const found = wanted.map(({ key, throttle }) => {
      const bucket = this.#buckets.get(key) ?? { tokens: throttle.burstLimit, at: now };
      const grown = bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * throttle.rateLimit;
      return { key, tokens: Math.min(throttle.burstLimit, grown) };
    });
    const allowed = found.every(({ tokens }) => tokens >= 1);
    for (const { key, tokens } of found) this.#put(key, { tokens: allowed ? tokens - 1 : tokens, at: now });
    return allowed;
  }

  #put(key: string, bucket: { tokens: number; at: number }): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size <= this.#max) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
