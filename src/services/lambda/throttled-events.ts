/** AWS's pauses between tries of a throttled event: a second at first, five minutes at most. */
const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;
/** Weight of the newest measurement. */
const SHARE = 0.3;
/** Its multiples fall evenly between whole numbers, however many there are. */
const GOLDEN = 0.618_033_988_75;

/** How long AWS pauses before try `attempt + 1` of an event that was throttled or met a fault of Lambda's own. */
export const pauseMs = (attempt: number): number => Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 10));

interface Line {
  /** Events that are tried now: under way, or about to be throttled. */
  running: number;
  /** Events that pause, by their request ids. */
  readonly waiting: Set<string>;
  /** How many were throttled. */
  throttled: number;
  /** About how long one takes. */
  durationMs: number | undefined;
}

/**
 * When events that found their function's concurrency used up come again: spread over the time that all who wait will
 * take, by how many run at once and for how long; and never later than AWS has them come. A pause that only doubles leaves
 * the function idle most of the time.
 */
export class ThrottledEvents {
  /** Of functions with events that run or wait. */
  readonly #lines = new Map<string, Line>();

  /**
   * An event has come. Answers how long it is to pause before it is tried: not at all, unless those that wait are work for
   * longer than its first pause would be, for then it would be throttled, and take the time of others.
   */
  accepted(name: string, requestId: string, concurrency: number | undefined): number {
    const line = this.#lines.get(name);
    if (line?.durationMs === undefined) return 0;
    const all = (line.waiting.size * line.durationMs) / Math.max(1, concurrency ?? line.running);
    if (all <= FIRST_MS) return 0;
    line.waiting.add(requestId);
    return FIRST_MS;
  }

  /** The event waits no longer, whether it is tried now or is too old, or its function gone. */
  left(name: string, requestId: string): void {
    const line = this.#lines.get(name);
    line?.waiting.delete(requestId);
    if (line?.running === 0 && line.waiting.size === 0) this.#lines.delete(name);
  }

  /** The event is tried (again). Each is over once: by `throttled`, or by `ended`. */
  began(name: string, requestId: string): void {
    let line = this.#lines.get(name);
    if (!line) this.#lines.set(name, (line = { running: 0, waiting: new Set(), throttled: 0, durationMs: undefined }));
    line.waiting.delete(requestId);
    line.running++;
  }

  /**
   * It was throttled. Answers how long it is to pause, in whole milliseconds; `attempt` counts from 1, `concurrency` is what
   * the function has reserved.
   */
  throttled(name: string, requestId: string, attempt: number, concurrency: number | undefined): number {
    const line = this.#lines.get(name)!;
    line.running--;
    line.waiting.add(requestId);
    const most = pauseMs(attempt);
    if (line.durationMs === undefined) return most;
    // All that wait, one after the other; those that come at once are spread over that time.
    const all = (line.waiting.size * line.durationMs) / Math.max(1, concurrency ?? line.running);
    return Math.ceil(Math.min(most, FIRST_MS + ((++line.throttled * GOLDEN) % 1) * all));
  }

  /** It is through, after `durationMs` where the function ran. */
  ended(name: string, durationMs?: number): void {
    const line = this.#lines.get(name)!;
    line.running--;
    if (durationMs !== undefined)
      line.durationMs = line.durationMs === undefined ? durationMs : line.durationMs * (1 - SHARE) + durationMs * SHARE;
    if (line.running === 0 && line.waiting.size === 0) this.#lines.delete(name);
  }
}
