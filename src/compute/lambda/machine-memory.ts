import { totalmem } from "node:os";
import { AwsError } from "../../kernel/aws-error.ts";
import type { ExecutionEnvironment } from "./environment.ts";
import type { FunctionVersion } from "./function-version.ts";

/** Share of the machine's memory that environments may be promised in all. */
const MEMORY_SHARE = 0.75;
/** What an environment costs besides its function's memory. */
const OVERHEAD_MB = 32;
/** What a frozen one costs besides the memory that it has used. */
const FROZEN_OVERHEAD_MB = 8;
/** How long an environment is idle before it is frozen. */
const FREEZE_AFTER_MS = 1_000;

export interface MachineMemoryParts {
  readonly now: () => number;
  /** Memory of what is ready for functions to come, by its number. */
  readonly stems: () => number;
  /** All idle environments. */
  readonly idle: () => ExecutionEnvironment[];
  /** Takes idle ones out of their pools and ends them. */
  readonly end: (environments: readonly ExecutionEnvironment[]) => Promise<void>;
}

/**
 * Promises the machine's memory to environments, so that it never swaps: all that its function may use to one that runs,
 * and what it has used to one that is frozen, for it uses no more until it is thawed.
 */
export class MachineMemory {
  readonly #parts: MachineMemoryParts;
  readonly #limitMB = (totalmem() / 1048576) * MEMORY_SHARE;
  readonly #claims = new WeakMap<ExecutionEnvironment, number>();
  #promisedMB = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: MachineMemoryParts) {
    this.#parts = parts;
  }

  /**
   * Starts an environment when there is room for it: idle ones are frozen, then ended, the longest idle first. Throws
   * TooManyRequestsException where all that there is belongs to running ones.
   */
  async admit(version: FunctionVersion, start: () => Promise<ExecutionEnvironment>): Promise<ExecutionEnvironment> {
    const weight = fullMB(version);
    await this.#makeRoom(weight);
    try {
      const environment = await start();
      this.#claims.set(environment, weight);
      return environment;
    } catch (error) {
      this.#promisedMB -= weight;
      throw error;
    }
  }

  /** It has ended. */
  release(environment: ExecutionEnvironment): void {
    this.#claim(environment, 0);
    this.#claims.delete(environment);
  }

  /** Whether an idle environment may run again: one that was frozen needs room for all that its function may use. */
  mayRun(environment: ExecutionEnvironment): boolean {
    if (!environment.freezer.isFrozen) return true;
    const full = fullMB(environment.version);
    if (!this.#fits(full - (this.#claims.get(environment) ?? 0))) return false;
    this.#claim(environment, full);
    return true;
  }

  /** Makes room for a frozen one. Throws as `admit` does. */
  async readmit(environment: ExecutionEnvironment): Promise<void> {
    const full = fullMB(environment.version);
    const more = full - (this.#claims.get(environment) ?? 0);
    await this.#makeRoom(more);
    // It may have ended meanwhile, and with it what it was promised before.
    if (this.#claims.has(environment)) this.#claims.set(environment, full);
    else this.#promisedMB -= more;
  }

  /** An environment has become idle. */
  rested(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#freeze(FREEZE_AFTER_MS);
    }, FREEZE_AFTER_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #fits(moreMB: number): boolean {
    return this.#promisedMB + this.#parts.stems() * OVERHEAD_MB + moreMB <= this.#limitMB;
  }

  #claim(environment: ExecutionEnvironment, mb: number): void {
    const before = this.#claims.get(environment);
    if (before === undefined) return;
    this.#promisedMB += mb - before;
    this.#claims.set(environment, mb);
  }

  async #makeRoom(weight: number): Promise<void> {
    if (!this.#fits(weight)) await this.#freeze(0);
    while (!this.#fits(weight)) {
      const [oldest] = this.#parts.idle().toSorted((a, b) => a.idleSince - b.idleSince);
      if (!oldest) throw throttled("ConcurrentInvocationLimitExceeded");
      await this.#parts.end([oldest]);
    }
    this.#promisedMB += weight;
  }

  /** Freezes what has been idle for so long; what cannot be frozen is ended. */
  async #freeze(idleMs: number): Promise<void> {
    const now = this.#parts.now();
    const awake = this.#parts.idle().filter(({ freezer }) => !freezer.isFrozen);
    const due = awake.filter(({ idleSince }) => now - idleSince >= idleMs);
    if (due.length < awake.length) this.rested();
    await Promise.all(
      due.map(async (environment) => {
        const used = Math.ceil(environment.peak.mb(performance.now())) + FROZEN_OVERHEAD_MB;
        try {
          await environment.freezer.freeze();
        } catch {
          return this.#parts.end([environment]);
        }
        // A call may have come meanwhile.
        if (environment.load === 0) this.#claim(environment, Math.min(used, fullMB(environment.version)));
        return undefined;
      }),
    );
  }
}

const fullMB = (version: FunctionVersion): number => version.memoryMB + OVERHEAD_MB;

/** As Lambda words that it takes no more calls now. */
export function throttled(reason: string): AwsError {
  return new AwsError("TooManyRequestsException", "Rate Exceeded.", 429, { Reason: reason, Type: "User" });
}
