import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { Database, Statement } from "../../ports/database.ts";
import { GuardFailed } from "../../ports/database.ts";
import type { DeadLetter, EnqueueOptions, Message, Queue } from "../../ports/queue.ts";

/** How long a receiver that nobody wakes waits before it looks again. */
const LOOK_AGAIN_MS = 1_000;
/** Given-up messages that are kept for each topic. */
const MAX_DEAD = 1_000;
const MAX_BODY_BYTES = 8 * 1024 * 1024;

interface MessageRow {
  readonly id: number;
  readonly body: string;
  readonly grp: string | null;
  readonly enqueued_at: number;
  readonly attempts: number;
  readonly lease: string;
}

/** A queue in the tables `queue_message` and `queue_dead` of the state. */
export function openSqlQueue(options: { db: Database; clock: Clock; ids: Ids }): Queue {
  return new SqlQueue(options.db, options.clock, options.ids);
}

/**
 * Gives back every message that is under lease, for the start of a process that has the state to itself: whoever held
 * one is dead, so nobody need wait for the lease to end.
 */
export async function releaseAllLeases(db: Database, clock: Clock): Promise<void> {
  await db.write([
    { sql: "update queue_message set visible_at = ?, lease = null where lease is not null", parameters: [clock.now()] },
  ]);
}

class SqlQueue implements Queue {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #ids: Ids;
  /** Receivers of this process that wait for a message, by topic. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(db: Database, clock: Clock, ids: Ids) {
    this.#db = db;
    this.#clock = clock;
    this.#ids = ids;
  }

  enqueue(topic: string, body: string, options: EnqueueOptions = {}): Statement[] {
    const bytes = Buffer.byteLength(body);
    if (bytes > MAX_BODY_BYTES) {
      throw new RangeError(
        `a message for ${topic} has ${bytes} bytes, at most ${MAX_BODY_BYTES} are allowed: store a blob`,
      );
    }
    const now = this.#clock.now();
    return [
      {
        sql:
          "insert into queue_message (topic, body, grp, token, enqueued_at, visible_at, expires_at) values (?, ?, ?, ?, ?, ?, ?) " +
          "on conflict (topic, token) where token is not null do nothing",
        parameters: [
          topic,
          body,
          options.group ?? null,
          options.token ?? null,
          now,
          now + (options.delayMs ?? 0),
          options.maxAgeMs === undefined ? null : now + options.maxAgeMs,
        ],
        sparesMemo: true,
        committed: () => this.notify(topic),
      },
    ];
  }

  async receive(
    topic: string,
    options: { max: number; leaseMs: number; waitMs?: number; signal?: AbortSignal },
  ): Promise<Message[]> {
    const deadline = this.#clock.now() + (options.waitMs ?? 0);
    for (;;) {
      if (options.signal?.aborted) return [];
      // Registered before looking, so that a message that arrives in between is not slept through.
      const doorbell = this.#doorbell(topic);
      try {
        const messages = await this.#claim(topic, options.max, options.leaseMs);
        if (messages.length > 0) return messages;
        const left = deadline - this.#clock.now();
        if (left <= 0) return [];
        await this.#sleep(Math.min(left, LOOK_AGAIN_MS), doorbell.rung, options.signal);
      } finally {
        doorbell.remove();
      }
    }
  }

  async complete(message: Message, also: readonly Statement[] = []): Promise<boolean> {
    return this.#finish(message, [remove(message, this.#clock.now()), ...also]);
  }

  async release(message: Message, delayMs: number): Promise<boolean> {
    const now = this.#clock.now();
    const done = await this.#finish(message, [
      {
        sql: "update queue_message set visible_at = ?, lease = null where id = ? and lease = ? and visible_at > ?",
        parameters: [Math.ceil(now + delayMs), message.id, message.lease, now],
        expect: 1,
        sparesMemo: true,
      },
    ]);
    if (done) this.notify(message.topic);
    return done;
  }

  async extend(message: Message, leaseMs: number): Promise<boolean> {
    const now = this.#clock.now();
    return this.#finish(message, [
      {
        sql: "update queue_message set visible_at = ? where id = ? and lease = ? and visible_at > ?",
        parameters: [now + leaseMs, message.id, message.lease, now],
        expect: 1,
        sparesMemo: true,
      },
    ]);
  }

  async bury(message: Message, reason: string): Promise<boolean> {
    const now = this.#clock.now();
    const keep: Statement = {
      sql: `insert into queue_dead (topic, body, attempts, enqueued_at, died_at, reason)
        select topic, body, attempts, enqueued_at, ?, ? from queue_message where id = ? and lease = ? and visible_at > ?`,
      parameters: [now, reason, message.id, message.lease, now],
      expect: 1,
    };
    return this.#finish(message, [keep, remove(message, now), pruneDead(message.topic)]);
  }

  async deadLetters(topic: string, options: { limit?: number } = {}): Promise<DeadLetter[]> {
    const rows = await this.#db.all<{
      id: number;
      body: string;
      attempts: number;
      enqueued_at: number;
      died_at: number;
      reason: string;
    }>({
      sql: "select * from queue_dead where topic = ? order by id desc limit ?",
      parameters: [topic, options.limit ?? 100],
    });
    return rows.map(({ id, body, attempts, enqueued_at, died_at, reason }) => {
      return { id, topic, body, attempts, enqueuedAt: enqueued_at, diedAt: died_at, reason };
    });
  }

  async purge(topic: string): Promise<void> {
    await this.#db.write([{ sql: "delete from queue_message where topic = ?", parameters: [topic] }]);
  }

  notify(topic: string): void {
    for (const ring of this.#waiting.get(topic) ?? []) ring();
  }

  async depth(topic: string): Promise<{ visible: number; leased: number; delayed: number; dead: number }> {
    const now = this.#clock.now();
    const row = await this.#db.first<{ visible: number; leased: number; delayed: number; dead: number }>({
      sql: `select
        coalesce(sum(case when visible_at <= ? then 1 else 0 end), 0) as visible,
        coalesce(sum(case when visible_at > ? and lease is not null then 1 else 0 end), 0) as leased,
        coalesce(sum(case when visible_at > ? and lease is null then 1 else 0 end), 0) as delayed,
        (select count(*) from queue_dead where topic = ?) as dead
        from queue_message where topic = ?`,
      parameters: [now, now, now, topic, topic],
    });
    return { visible: 0, leased: 0, delayed: 0, dead: 0, ...row };
  }

  /** Leases what is visible, in one statement: of two receivers only one gets a message. */
  async #claim(topic: string, max: number, leaseMs: number): Promise<Message[]> {
    const now = this.#clock.now();
    // A look costs no write; only where there is something to lease does the writer work.
    const look = await this.#db.first<{ id: number; expires_at: number | null }>({
      sql: "select id, expires_at from queue_message where topic = ? and visible_at <= ? limit 1",
      parameters: [topic, now],
    });
    if (!look) return [];
    const lease = this.#ids.uuid();
    await this.#db.write([...expire(topic, now), claim(topic, lease, now, now + leaseMs, max)]);
    const rows = await this.#db.all<MessageRow>({
      sql: "select id, body, grp, enqueued_at, attempts, lease from queue_message where lease = ? order by id",
      parameters: [lease],
    });
    return rows.map((row) => ({
      id: row.id,
      topic,
      body: row.body,
      attempt: row.attempts,
      enqueuedAt: row.enqueued_at,
      lease: row.lease,
      ...(row.grp === null ? {} : { group: row.grp }),
    }));
  }

  /** Writes a batch whose first statement holds only while the lease does. */
  async #finish(message: Message, batch: readonly Statement[]): Promise<boolean> {
    try {
      await this.#db.write(batch);
    } catch (error) {
      if (error instanceof GuardFailed && error.index === 0) return false;
      throw error;
    }
    // The next message of the group may have become visible.
    if (message.group !== undefined) this.notify(message.topic);
    return true;
  }

  #doorbell(topic: string): { rung: Promise<void>; remove: () => void } {
    let waiting = this.#waiting.get(topic);
    if (!waiting) this.#waiting.set(topic, (waiting = new Set()));
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.add(resolve);
    const remove = (): void => {
      waiting.delete(resolve);
      if (waiting.size === 0 && this.#waiting.get(topic) === waiting) this.#waiting.delete(topic);
    };
    return { rung: promise, remove };
  }

  async #sleep(ms: number, rung: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const stopped = signal ? AbortSignal.any([stop.signal, signal]) : stop.signal;
    const slept = this.#clock.sleep(ms, stopped).catch(() => undefined);
    await Promise.race([slept, rung]);
    stop.abort("over"); // without a reason an error with a stack would be made for nobody
  }
}

function remove(message: Message, now: number): Statement {
  return {
    sql: "delete from queue_message where id = ? and lease = ? and visible_at > ?",
    parameters: [message.id, message.lease, now],
    expect: 1,
    sparesMemo: true,
  };
}

function pruneDead(topic: string): Statement {
  return {
    sql: "delete from queue_dead where topic = ? and id <= (select id from queue_dead where topic = ? order by id desc limit 1 offset ?)",
    parameters: [topic, topic, MAX_DEAD],
    sparesMemo: true,
  };
}

function expire(topic: string, now: number): Statement[] {
  const old = "topic = ? and expires_at <= ? and visible_at <= ?";
  return [
    {
      sql: `insert into queue_dead (topic, body, attempts, enqueued_at, died_at, reason)
        select topic, body, attempts, enqueued_at, ?, 'older than its maximum age' from queue_message where ${old}`,
      parameters: [now, topic, now, now],
      sparesMemo: true,
    },
    { sql: `delete from queue_message where ${old}`, parameters: [topic, now, now], sparesMemo: true },
    pruneDead(topic),
  ];
}

function claim(topic: string, lease: string, now: number, until: number, max: number): Statement {
  return {
    sql: `update queue_message set lease = ?, visible_at = ?, attempts = attempts + 1 where id in (
      select m.id from queue_message m where m.topic = ? and m.visible_at <= ? and (m.grp is null or not exists (
        select 1 from queue_message e where e.topic = m.topic and e.grp = m.grp and e.id < m.id))
      order by m.visible_at, m.id limit ?)`,
    parameters: [lease, until, topic, now, max],
    sparesMemo: true,
  };
}
