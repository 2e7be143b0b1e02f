import type { Context } from "../../aws/context.ts";
import { dayOf, periodStart, type Quota } from "./usage-model.ts";

const MAX_COUNTERS = 20_000;
const KEPT_DAYS_MS = 100 * 86_400_000;

/** Requests by day. */
export type Days = Record<string, number>;

interface Counter {
  readonly ctx: Context<any>;
  readonly id: string;
  readonly days: Days;
  dirty: boolean;
}

/** How often each key was used in each plan; written down every second, so that a quota outlives the process. */
export class UsageCounters {
  readonly #counters = new Map<string, Promise<Counter>>();

  /** Counts a request; false, and not counted, where the quota is used up. */
  async take(ctx: Context<any>, id: string, quota: Quota | undefined): Promise<boolean> {
    const counter = await this.#counter(ctx, id);
    if (quota && remaining(counter.days, quota, ctx.now()) <= 0) return false;
    const today = dayOf(ctx.now());
    counter.days[today] = (counter.days[today] ?? 0) + 1;
    counter.dirty = true;
    return true;
  }

  async days(ctx: Context<any>, id: string): Promise<Readonly<Days>> {
    return (await this.#counter(ctx, id)).days;
  }

  /** Changes today's count so that so much remains. */
  async setRemaining(ctx: Context<any>, id: string, quota: Quota, left: number): Promise<void> {
    const counter = await this.#counter(ctx, id);
    const today = dayOf(ctx.now());
    counter.days[today] = (counter.days[today] ?? 0) + remaining(counter.days, quota, ctx.now()) - left;
    counter.dirty = true;
    await write(counter);
  }

  /** Writes down what has changed. */
  async flush(): Promise<void> {
    for (const counter of await Promise.all(this.#counters.values())) if (counter.dirty) await write(counter);
    if (this.#counters.size <= MAX_COUNTERS) return;
    // What was counted while others were written stays for the next time.
    for (const [key, counting] of this.#counters) if (!(await counting).dirty) this.#counters.delete(key);
  }

  #counter(ctx: Context<any>, id: string): Promise<Counter> {
    const key = `${ctx.account}/${ctx.region}/${id}`;
    let found = this.#counters.get(key);
    if (!found) {
      found = ctx.records
        .get<Days>("usage", id)
        .then((stored) => ({ ctx: ctx.asService(), id, days: stored?.value ?? {}, dirty: false }));
      this.#counters.set(key, found);
      found.catch(() => this.#counters.delete(key));
    }
    return found;
  }
}

async function write(counter: Counter): Promise<void> {
  const { ctx, id, days } = counter;
  const oldest = dayOf(ctx.now() - KEPT_DAYS_MS);
  for (const day of Object.keys(days)) if (day < oldest) delete days[day];
  counter.dirty = false;
  try {
    await ctx.records.write(ctx.records.put("usage", id, days));
  } catch (error) {
    counter.dirty = true; // the next flush tries again
    throw error;
  }
}

/** What is left of a quota in its present period. */
export function remaining(days: Readonly<Days>, quota: Quota, now: number): number {
  const start = periodStart(quota, now);
  const used = Object.entries(days).reduce((sum, [day, n]) => (day >= start ? sum + n : sum), 0);
  return quota.limit - used;
}
