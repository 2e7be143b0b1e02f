import { availableParallelism } from "node:os";
import type { EnvironmentEvents, ExecutionEnvironment } from "./environment.ts";
import type { FunctionVersion } from "./function-version.ts";
import type { Job } from "./job.ts";

/** Calls that may lie in one environment, the one under way included. */
const MAX_DEPTH = 8;
/** Work that may wait behind a call under way before another environment is woken, in milliseconds. */
const WAIT_MS = 1;
/** An environment that has not answered for so long gives back what it has not read. Less, and a neighbour's noise would do it. */
const STUCK_MS = 5;
/** The same where handlers need nothing but CPU: the kernel may give it to others for so long. */
const STUCK_WORKING_MS = 20;
/** Until calls have ended nobody knows how long they take: none is put behind another. */
const UNKNOWN_MICROS = 1_000_000;
/** Weight of the latest call in the estimate. */
const SHARE = 1 / 8;
/** The same where a call that waited for nothing took longer: what it took more, the CPU was with others. */
const SMALL_SHARE = 1 / 64;
/** After so many calls in a row that waited for nothing, handlers are taken to need nothing but CPU. */
const ALL_WORK = 32;
const CPUS = availableParallelism();
/** One call that a neighbour's noise held up must not change the estimate by more than this factor times its share. */
const MAX_GROWTH = 16;
/** A call that cannot get an environment of its own waits for another's end as long as that seems near, or one has ended lately. */
const SHORT_MICROS = 100_000;
const PATIENCE_MS = 5_000;
/** Where an environment could not be started, none is tried for so long: the reason does not go away within a turn of the event loop. */
const RETRY_MS = 20;

export interface PoolEvents {
  /** Starts one more environment. Throws where a limit is reached or the sandbox cannot be made. */
  start(): Promise<ExecutionEnvironment>;
  /** Whether one more may be started now; where not, `spread` is called when one may. */
  mayStart(pool: EnvironmentPool): boolean;
  /** It is no longer of use: ends it. */
  discard(environment: ExecutionEnvironment): void;
  /** Whether an environment that is idle now may be kept. */
  keeps(environment: ExecutionEnvironment): boolean;
  /** Whether an idle environment may run again: there must be memory for it. */
  mayRun(environment: ExecutionEnvironment): boolean;
  /** Makes room for one that may not run. Throws where a limit is reached. */
  makeRoom(environment: ExecutionEnvironment): Promise<void>;
  /** An environment has become idle. */
  rested(): void;
  now(): number;
}

/**
 * The environments of one function version. Each runs one call at a time. Where calls are short, further ones are put
 * unread into the pipe of the busiest environment, for waking another costs more than they take; where that estimate
 * proves wrong they are taken back and go to others.
 */
export class EnvironmentPool implements EnvironmentEvents {
  readonly idle: ExecutionEnvironment[] = [];
  readonly version: FunctionVersion;
  /** The version is called no more: what becomes idle now ends. */
  isRetired = false;
  readonly #events: PoolEvents;
  readonly #running = new Set<ExecutionEnvironment>();
  readonly #queue: Job[] = [];
  #hottest: ExecutionEnvironment | undefined;
  #starting = 0;
  #micros = UNKNOWN_MICROS;
  /** Calls since the last whose handler waited for something. */
  #sinceWait = 0;
  /** Since when none could be started and no call has ended. */
  #fullSince: number | undefined;
  #retryAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #isFilling = false;

  constructor(version: FunctionVersion, events: PoolEvents) {
    this.version = version;
    this.#events = events;
  }

  /** Nothing runs, starts, waits or idles here. */
  get isEmpty(): boolean {
    return this.idle.length === 0 && this.#running.size === 0 && this.#starting === 0 && this.#queue.length === 0;
  }

  /** Takes a call; it is settled, or fails, in any case. */
  submit(job: Job): void {
    if (this.#running.size === 0 && this.#starting === 0) {
      const environment = this.#takeIdle();
      if (environment) return this.#run(environment, job);
    }
    this.#queue.push(job);
    if (this.#hottest && this.#hottest.load < this.#depth()) return this.#fillSoon();
    this.spread();
    if (this.#queue.length > 0) this.#arm();
  }

  /** Adds an environment that was started apart; it waits for its first call. */
  add(environment: ExecutionEnvironment): void {
    environment.watch(this);
    this.#park(environment);
  }

  onEnded(environment: ExecutionEnvironment, micros: number, waited: boolean): void {
    this.#fullSince = undefined;
    this.#sinceWait = waited ? 0 : this.#sinceWait + 1;
    const isFirst = this.#micros === UNKNOWN_MICROS;
    const sample = Math.min(micros, this.#micros * MAX_GROWTH);
    const share = sample > this.#micros && this.#isAllWork ? SMALL_SHARE : SHARE;
    this.#micros = isFirst ? micros : this.#micros + (sample - this.#micros) * share;
    if (environment.load === 0) {
      if (this.#hasSpare || this.#queue.length === 0) return this.#rest(environment);
      this.#run(environment, this.#queue.shift()!);
    }
    if (this.#queue.length > 0) this.#fillSoon();
  }

  /**
   * Puts calls behind others once all requests and answers that have arrived are read: written one after the other they
   * wake a runtime that is through with its calls once, and not each for itself.
   */
  #fillSoon(): void {
    if (this.#isFilling) return;
    this.#isFilling = true;
    setImmediate(() => {
      this.#isFilling = false;
      if (this.#hottest) this.#fill(this.#hottest);
      if (!this.#hasSpare) for (const environment of this.#running) this.#fill(environment);
      if (this.#queue.length > 0) this.spread();
      this.#arm();
    });
  }

  #fill(environment: ExecutionEnvironment): void {
    while (this.#queue.length > 0 && environment.load < this.#depth()) {
      if (!environment.ahead(this.#queue[0]!)) return;
      this.#queue.shift();
    }
  }

  /** More environments run than the calls that wait are worth. */
  get #hasSpare(): boolean {
    const { size } = this.#running;
    return size > 1 && (size - 1 > this.#needed() * 2 || size > this.#most());
  }

  onDead(environment: ExecutionEnvironment, unread: readonly Job[]): void {
    this.#forget(environment);
    const at = this.idle.indexOf(environment);
    if (at >= 0) this.idle.splice(at, 1);
    this.#events.discard(environment);
    this.#queue.unshift(...unread);
    this.spread();
    if (this.#queue.length > 0) this.#arm();
  }

  #depth(): number {
    return Math.max(1, Math.min(MAX_DEPTH, (WAIT_MS * 1000) / this.#micros));
  }

  /** How many environments the calls that wait would keep busy, if each took so long. */
  #needed(micros = this.#micros): number {
    return (this.#queue.length * micros) / (WAIT_MS * 1000);
  }

  /** More environments than these would only take the CPU from each other. */
  #most(): number {
    return this.#isAllWork ? CPUS : Infinity;
  }

  /** The latest handlers needed nothing but CPU. */
  get #isAllWork(): boolean {
    return this.#sinceWait > ALL_WORK;
  }

  #run(environment: ExecutionEnvironment, job: Job): void {
    this.#running.add(environment);
    this.#hottest = environment;
    environment.run(job);
  }

  #rest(environment: ExecutionEnvironment): void {
    this.#forget(environment);
    this.#park(environment);
  }

  #park(environment: ExecutionEnvironment): void {
    const isKept = environment.usable && !this.isRetired && this.#events.keeps(environment);
    if (!isKept) return this.#events.discard(environment);
    environment.idleSince = this.#events.now();
    this.idle.push(environment);
    this.#events.rested();
  }

  #forget(environment: ExecutionEnvironment): void {
    this.#running.delete(environment);
    if (this.#hottest !== environment) return;
    this.#hottest = undefined;
    for (const other of this.#running) {
      this.#hottest = other;
      break;
    }
  }

  #takeIdle(): ExecutionEnvironment | undefined {
    for (let environment = this.idle.at(-1); environment; environment = this.idle.at(-1)) {
      const isGood = environment.usable && this.#events.keeps(environment);
      if (isGood && !this.#events.mayRun(environment)) return undefined;
      this.idle.pop();
      if (isGood) return environment;
      this.#events.discard(environment);
    }
    return undefined;
  }

  /** Gives waiting calls environments, as many as the work is worth; `slowest` is how long a call takes that holds others up. */
  spread(slowest = 0): void {
    const isHeldUp = slowest > this.#micros;
    const micros = isHeldUp ? slowest : this.#micros;
    // One that is slow may lack the CPU that its own limit allows, and others have theirs.
    const most = isHeldUp ? Infinity : this.#most();
    const isWorth = (): boolean =>
      this.#running.size + this.#starting < Math.max(1, Math.min(most, this.#needed(micros)));
    while (this.#queue.length > 0 && isWorth()) {
      const environment = this.#takeIdle();
      if (!environment) break;
      this.#run(environment, this.#queue.shift()!);
    }
    if (performance.now() < this.#retryAt) return; // the timer comes back to it
    while (this.#starting < this.#queue.length && isWorth() && this.#events.mayStart(this)) this.#start();
  }

  /** Starts one, or wakes an idle one for which there is no memory yet. */
  #start(): void {
    this.#starting++;
    const frozen = this.idle.pop();
    const started = frozen ? this.#events.makeRoom(frozen).then(() => frozen) : this.#events.start();
    started.then(
      (environment) => {
        this.#starting--;
        this.#retryAt = 0;
        this.#fullSince = undefined;
        environment.watch(this);
        const job = this.#queue.shift();
        if (job) this.#run(environment, job);
        else this.#park(environment);
      },
      (error: unknown) => {
        this.#starting--;
        if (frozen) this.#park(frozen);
        this.#notStarted(error);
      },
    );
  }

  #notStarted(error: unknown): void {
    this.#retryAt = performance.now() + RETRY_MS;
    if (this.#running.size === 0 && this.#starting === 0) {
      for (const job of this.#queue.splice(0)) job.fail(error); // nobody is left who could serve them
    } else if (this.#micros >= SHORT_MICROS && !this.#isPatient()) this.#queue.shift()?.fail(error);
    if (this.#queue.length > 0) this.#arm();
  }

  #isPatient(): boolean {
    this.#fullSince ??= performance.now();
    return performance.now() - this.#fullSince < PATIENCE_MS;
  }

  #arm(): void {
    // Not before the answers that have arrived meanwhile are read: it may be ourselves who were slow.
    if (this.#timer === undefined) this.#timer = setTimeout(() => setImmediate(() => this.#tick()), WAIT_MS);
  }

  /** Looks whether an environment is slow: what lies behind its call goes to others. */
  #tick(): void {
    this.#timer = undefined;
    const now = performance.now();
    let behind = 0;
    let slowest = 0;
    const stuckMs = this.#isAllWork ? STUCK_WORKING_MS : STUCK_MS;
    for (const environment of this.#running) {
      const busyMs = now - environment.busySince;
      if (busyMs < stuckMs) {
        behind += Math.max(0, environment.load - 1);
        continue;
      }
      slowest = Math.max(slowest, busyMs * 1000);
      if (environment.load > 1) this.#queue.unshift(...environment.takeBack());
      if (environment.load === 0) this.#rest(environment);
    }
    this.spread(slowest);
    if (this.#queue.length > 0 || behind > 0) this.#arm();
  }
}
