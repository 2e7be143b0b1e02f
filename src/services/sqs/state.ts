import type { Clock } from "../../kernel/clock.ts";
import type { Database } from "../../ports/database.ts";
import { MAX_WAITING } from "./limits.ts";

/** Ids leave room for so many messages in one millisecond. */
const PER_MS = 1024;

/** What the service holds while the platform runs: who waits at which queue, and the order of messages. */
export class SqsState {
  readonly #clock: Clock;
  #lastId: number;
  /** Receivers that wait, by the queue's uid. */
  readonly #waiting = new Map<string, Set<() => void>>();
  /** When each queue was purged last. */
  readonly purged = new Map<string, number>();

  constructor(clock: Clock, lastId: number) {
    this.#clock = clock;
    this.#lastId = lastId;
  }

  /** The next message's id: later ones are greater, also after a restart. */
  nextId(): number {
    this.#lastId = Math.max(this.#lastId + 1, this.#clock.now() * PER_MS);
    return this.#lastId;
  }

  /** Wakes everybody who waits at the queue. */
  ring(uid: string): void {
    for (const wake of this.#waiting.get(uid) ?? []) wake();
  }

  /** To be taken before looking, so that no message slips in between; `undefined` where too many wait already. */
  doorbell(uid: string): { readonly rung: Promise<void>; remove(): void } | undefined {
    const waiting = this.#waiting.get(uid) ?? new Set();
    if (waiting.size >= MAX_WAITING) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.add(resolve);
    this.#waiting.set(uid, waiting);
    return {
      rung: promise,
      remove: () => {
        waiting.delete(resolve);
        if (waiting.size === 0 && this.#waiting.get(uid) === waiting) this.#waiting.delete(uid);
      },
    };
  }
}

export async function startSqs(database: Database, clock: Clock): Promise<SqsState> {
  const row = await database.first<{ last: number }>({
    sql: "select coalesce((select max(id) from sqs_message), 0) as last",
    parameters: [],
  });
  return new SqsState(clock, row?.last ?? 0);
}
