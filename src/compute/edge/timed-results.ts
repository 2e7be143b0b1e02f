import type { Context } from "../../aws/context.ts";

/** The key of a result that holds within one stage of an API. */
export const resultKey = (ctx: Context<any>, apiId: string, stage: string, ...of: readonly unknown[]): string =>
  JSON.stringify([ctx.account, ctx.region, apiId, stage, ...of]);

/** How the keys of all results of a stage begin. */
export const stagePrefix = (ctx: Context<any>, apiId: string, stage: string): string =>
  resultKey(ctx, apiId, stage).slice(0, -1);

/** Results that hold for a while, by key: what authorizers answered. Bounded; the oldest goes first. */
export class TimedResults<T> {
  readonly #max: number;
  readonly #known = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(max = 10_000) {
    this.#max = max;
  }

  get(key: string, now: number): T | undefined {
    const known = this.#known.get(key);
    if (!known) return undefined;
    if (known.until > now) return known.value;
    this.#known.delete(key);
    return undefined;
  }

  set(key: string, value: T, until: number): void {
    this.#known.delete(key);
    this.#known.set(key, { value, until });
    if (this.#known.size <= this.#max) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  /** Forgets all results whose key begins so. */
  forget(prefix: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(prefix)) this.#known.delete(key);
  }
}
