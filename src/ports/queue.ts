import type { Statement } from "./database.ts";

/** How a message is enqueued. */
export interface EnqueueOptions {
  /** Not visible before this many milliseconds. */
  readonly delayMs?: number;
  /** A second message with the token of one that is still queued is dropped. */
  readonly token?: string;
  /** Messages of one group are handed out one at a time, in order. */
  readonly group?: string;
  /** Dropped (to the dead letters) when older than this. */
  readonly maxAgeMs?: number;
}

/** A message under lease. */
export interface Message {
  readonly id: number;
  readonly topic: string;
  readonly body: string;
  /** 1 at the first delivery. */
  readonly attempt: number;
  readonly enqueuedAt: number;
  /** Proves the lease; `complete`, `release` and `extend` of an expired lease answer false. */
  readonly lease: string;
  readonly group?: string;
}

/** A message that was given up. */
export interface DeadLetter {
  readonly id: number;
  readonly topic: string;
  readonly body: string;
  readonly attempts: number;
  readonly enqueuedAt: number;
  readonly diedAt: number;
  readonly reason: string;
}

/**
 * Leased work, at least once, on the platform's own SQL: `enqueue` gives statements, so that putting a message and the
 * change that causes it are one transaction (the outbox). A message whose holder died comes again when its lease ends.
 */
export interface Queue {
  /** Statements to add to the batch of the change that causes the message. */
  enqueue(topic: string, body: string, options?: EnqueueOptions): Statement[];
  /** Up to `max` visible messages, leased for `leaseMs`; waits up to `waitMs` for the first one. */
  receive(
    topic: string,
    options: { max: number; leaseMs: number; waitMs?: number; signal?: AbortSignal },
  ): Promise<Message[]>;
  /** Removes a message that was worked off. `also` is written in the same transaction. */
  complete(message: Message, also?: readonly Statement[]): Promise<boolean>;
  /** Gives a message back, visible again after `delayMs`. */
  release(message: Message, delayMs: number): Promise<boolean>;
  /** Prolongs the lease to `leaseMs` from now. */
  extend(message: Message, leaseMs: number): Promise<boolean>;
  /** Takes a message out of the topic for good, with the reason, into the dead letters. */
  bury(message: Message, reason: string): Promise<boolean>;
  /** The newest messages of a topic that were given up, newest first. */
  deadLetters(topic: string, options?: { limit?: number }): Promise<DeadLetter[]>;
  /** Removes all messages of a topic, leased ones as well (their leases end). */
  purge(topic: string): Promise<void>;
  /**
   * Tells waiting receivers of this process that a batch with messages of the topic has been committed. The statements
   * of `enqueue` do so by themselves when they are written through `Database.write`.
   */
  notify(topic: string): void;
  depth(topic: string): Promise<{ visible: number; leased: number; delayed: number; dead: number }>;
}
