import { codeOf, messageOf } from "../../kernel/aws-error.ts";
import type { EnvironmentEvents, ExecutionEnvironment } from "./environment.ts";
import type { Job } from "./job.ts";
import type { FunctionVersion } from "./function-version.ts";

/** Starts of one configuration at a time: the machine has other work too. */
const START_AT_ONCE = 2;
/** Pauses before further tries after failed starts; the last one goes on. */
const RETRY_MS = [500, 1_000, 15_000, 60_000, 600_000];
/** Others may be about to give their memory back: so many failures in a row are not told yet. */
const PATIENCE = 2;
/** The init phase may take longer than before a call: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_LIMIT_MS = 130_000;

export interface ProvisionedEvents {
  /** Starts an environment for a version. Throws where a limit is reached or the sandbox cannot be made. */
  start(version: FunctionVersion): Promise<ExecutionEnvironment>;
  discard(environment: ExecutionEnvironment): void;
  /** Whether one that serves no call now is still young enough. */
  keeps(environment: ExecutionEnvironment): boolean;
}

/** So many environments of a version. */
export interface Allotment {
  readonly version: FunctionVersion;
  readonly count: number;
}

/** How far a configuration is. */
export interface ProvisionedStatus {
  readonly allocated: number;
  readonly state: "IN_PROGRESS" | "READY" | "FAILED";
  /** Why it failed. */
  readonly reason?: string;
}

/** Environments that are kept ready for what is called by one qualified ARN, and for nothing else. */
export class ProvisionedConcurrency {
  readonly #events: ProvisionedEvents;
  readonly #groups = new Map<string, readonly ProvisionedGroup[]>();

  constructor(events: ProvisionedEvents) {
    this.#events = events;
  }

  /** Keeps these environments for a qualified ARN from now on; those of versions that are not named any more end. */
  set(qualifiedArn: string, allotments: readonly Allotment[]): void {
    const before = this.#groups.get(qualifiedArn) ?? [];
    const groups = allotments.map(({ version, count }) => {
      const known = before.find((group) => group.version.key === version.key);
      const group = known ?? new ProvisionedGroup(version, this.#events);
      group.resize(count);
      return group;
    });
    for (const group of before) if (!groups.includes(group)) group.resize(0);
    if (groups.length) this.#groups.set(qualifiedArn, groups);
    else this.#groups.delete(qualifiedArn);
  }

  /** How far what was set is; undefined where nothing was. */
  status(qualifiedArn: string): ProvisionedStatus | undefined {
    const groups = this.#groups.get(qualifiedArn);
    if (!groups) return undefined;
    const allocated = groups.reduce((sum, group) => sum + group.allocated, 0);
    const failed = groups.find((group) => group.failure !== undefined);
    if (failed) return { allocated, state: "FAILED", reason: failed.failure! };
    return { allocated, state: groups.every((group) => group.isFull) ? "READY" : "IN_PROGRESS" };
  }

  /** Gives a call to an environment of its qualified ARN that is free; answers the call as it must go on-demand where none is. */
  take(version: FunctionVersion, job: Job): Job | undefined {
    if (this.#groups.size === 0) return job;
    const group = this.#groupOf(version, job.request.invokedArn);
    if (!group) return job;
    const { busy, allocated } = group;
    const isTaken = group.run(marked(job, { busy: busy + 1, allocated, isSpilled: false }));
    return isTaken ? undefined : marked(job, { busy, allocated, isSpilled: true });
  }

  /** A version that is called by its number has what is kept for its alias, and the other way round. */
  #groupOf(version: FunctionVersion, invokedArn: string): ProvisionedGroup | undefined {
    const own = this.#groups.get(invokedArn)?.find((one) => one.version.key === version.key);
    if (own) return own;
    for (const groups of this.#groups.values())
      for (const group of groups) if (group.version.key === version.key) return group;
    return undefined;
  }

  /** Environments that are kept for a function, whatever its qualifiers; of all functions without an ARN. */
  held(functionArn?: string): number {
    if (this.#groups.size === 0) return 0;
    return [...this.#groups.values()]
      .flat()
      .filter(({ version }) => functionArn === undefined || version.arn === functionArn)
      .reduce((sum, group) => sum + group.allocated, 0);
  }

  /** Replaces what has become old, and tries again what could not be started. */
  renew(): void {
    for (const group of [...this.#groups.values()].flat()) group.renew();
  }

  close(): void {
    for (const arn of this.#groups.keys()) this.set(arn, []);
  }
}

type Provisioned = NonNullable<Parameters<Job["settle"]>[0]["provisioned"]>;

const marked = (job: Job, provisioned: Provisioned): Job => ({
  ...job,
  settle: (outcome) => job.settle({ ...outcome, provisioned }),
});

/** The environments of one version in one configuration. Each serves one call at a time. */
class ProvisionedGroup implements EnvironmentEvents {
  readonly version: FunctionVersion;
  /** Why a start failed; undefined when all have succeeded since. */
  failure: string | undefined;
  readonly #events: ProvisionedEvents;
  readonly #free: ExecutionEnvironment[] = [];
  readonly #busy = new Set<ExecutionEnvironment>();
  #wanted = 0;
  #starting = 0;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(version: FunctionVersion, events: ProvisionedEvents) {
    this.version = version;
    this.#events = events;
  }

  get allocated(): number {
    return this.#free.length + this.#busy.size;
  }

  get busy(): number {
    return this.#busy.size;
  }

  get isFull(): boolean {
    return this.allocated >= this.#wanted;
  }

  resize(wanted: number): void {
    if (wanted !== this.#wanted) {
      this.failure = undefined;
      this.#failures = 0;
      clearTimeout(this.#retry);
      this.#retry = undefined;
    }
    this.#wanted = wanted;
    while (this.allocated > wanted && this.#free.length > 0) this.#events.discard(this.#free.pop()!);
    this.#fill();
  }

  run(job: Job): boolean {
    const environment = this.#free.pop();
    if (!environment) return false;
    this.#busy.add(environment);
    environment.run(job);
    return true;
  }

  renew(): void {
    for (const environment of this.#free.filter((one) => !this.#events.keeps(one))) {
      this.#free.splice(this.#free.indexOf(environment), 1);
      this.#events.discard(environment);
    }
    this.#fill();
  }

  onEnded(environment: ExecutionEnvironment): void {
    if (environment.load > 0 || !this.#busy.delete(environment)) return;
    if (this.allocated < this.#wanted && environment.usable && this.#events.keeps(environment))
      this.#free.push(environment);
    else this.#events.discard(environment);
    this.#fill();
  }

  onDead(environment: ExecutionEnvironment, unread: readonly Job[]): void {
    const wasHere = this.#busy.delete(environment);
    const at = this.#free.indexOf(environment);
    if (at >= 0) this.#free.splice(at, 1);
    this.#events.discard(environment);
    // Nothing is put behind a call here, so that nothing is unread; should it be, it must not hang.
    for (const job of unread) job.fail(new Error("the environment of the call has ended"));
    if (at >= 0) this.#failed("its environments end while no call is under way."); // not again and again at once
    if (wasHere) this.#fill();
  }

  #fill(): void {
    if (this.#retry) return;
    while (this.#starting < START_AT_ONCE && this.allocated + this.#starting < this.#wanted) {
      this.#starting++;
      void this.#startOne().finally(() => {
        this.#starting--;
        this.#fill();
      });
    }
  }

  async #startOne(): Promise<void> {
    try {
      const environment = await this.#events.start(this.version);
      environment.watch(this);
      const failed = await environment.prepare(Math.max(INIT_LIMIT_MS, this.version.timeoutSeconds * 1000));
      if (failed || !environment.usable || this.allocated >= this.#wanted) {
        this.#events.discard(environment);
        if (failed || !environment.usable) this.#failed("FUNCTION_ERROR_INIT_FAILURE");
        return;
      }
      this.#free.push(environment);
      if (!this.isFull) return;
      this.failure = undefined;
      this.#failures = 0;
    } catch (error) {
      const isFull = codeOf(error) === "TooManyRequestsException";
      const what = isFull ? "the memory of this machine is promised to other environments." : messageOf(error);
      const reason = `${this.allocated} of ${this.#wanted} environments could be started: ${what}`;
      this.#failed(this.#failures < PATIENCE ? undefined : reason);
    }
  }

  #failed(reason: string | undefined): void {
    this.failure = reason ?? this.failure;
    const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)]!;
    this.#failures++;
    if (this.#wanted === 0) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#fill();
    }, pause).unref();
  }
}
