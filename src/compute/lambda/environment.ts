import type { FunctionSandbox } from "../../ports/sandbox.ts";
import type { RuntimeAnswer, RuntimeChannel } from "./channel.ts";
import { FrameChannel } from "./frame-channel.ts";
import type { FunctionVersion, InvokeOutcome } from "./function-version.ts";
import type { EnvironmentExtensions } from "./environment-extensions.ts";
import { assign, limitCpus, startCold, type EnvironmentParts, type Started } from "./environment-start.ts";
import type { ShutdownReason } from "./extensions.ts";
import { Freezer } from "./freezer.ts";
import { invocationOf, outcomeOf, reportOf, type Job, type Measured } from "./job.ts";
import type { Ending, InitPhase, Report } from "./log-lines.ts";
import { PeakMemory } from "./peak-memory.ts";
import {
  endedAnswer,
  errorAnswer,
  failedInit,
  MAX_RESPONSE,
  TIMED_OUT,
  tooLarge,
  type Ended,
} from "./runtime-errors.ts";
import type { Stem } from "./stem-pool.ts";

/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_LIMIT_MS = 10_000;

/** Whom an environment tells what became of it. */
export interface EnvironmentEvents {
  /** A call has ended; `micros` is how long the runtime was busy with it, `waited` whether it waited for something meanwhile. */
  onEnded(environment: ExecutionEnvironment, micros: number, waited: boolean): void;
  /** It serves no more. `unread` are calls that it never saw. */
  onDead(environment: ExecutionEnvironment, unread: readonly Job[]): void;
}

/** One execution environment: a sandbox with a runtime that serves one event at a time, for one function version, until it ends. */
export class ExecutionEnvironment {
  readonly version: FunctionVersion;
  /** When it last became idle. */
  idleSince = 0;
  /** When the call under way began, by `performance.now()`; `Infinity` during the init phase. */
  busySince = 0;
  /** While it is idle. */
  readonly freezer: Freezer;
  readonly peak: PeakMemory;
  /** When it was started, in milliseconds since the epoch. */
  readonly bornAt: number;
  readonly #parts: EnvironmentParts;
  readonly #sandbox: FunctionSandbox;
  readonly #channel: RuntimeChannel;
  readonly #extensions: EnvironmentExtensions | undefined;
  readonly #started: number;
  #events: EnvironmentEvents | undefined;
  /** The first is under way, the others lie unread in the channel. */
  readonly #jobs: Job[] = [];
  /** Of an answer that is streamed to a caller who waits for the whole. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Until when the call under way may take, by `performance.now()`. */
  #deadline = Infinity;
  #init: Promise<RuntimeAnswer | undefined> | undefined;
  readonly #initBroken = Promise.withResolvers<Ended>();
  #loaded = false;
  /** Of the init phase, until it has been reported. */
  #initMs: number | undefined;
  #dead = false;
  /** Why it ends. */
  #reason: ShutdownReason = "spindown";
  /** The call whose answer was given, and with which extensions are not through yet. */
  #lingering: { readonly job: Job; readonly end: (how: Ending) => void } | undefined;

  private constructor(parts: EnvironmentParts, { sandbox, channel, extensions }: Started, started: number) {
    this.version = parts.version;
    this.#parts = parts;
    this.#sandbox = sandbox;
    this.freezer = new Freezer(sandbox);
    this.#channel = channel;
    this.#extensions = extensions;
    this.#started = started;
    this.bornAt = parts.now();
    this.peak = new PeakMemory(sandbox);
    const { log } = parts;
    channel.attach({
      onLog: (chunk) => log.functionMessage(chunk.toString("utf8")),
      onFault: (error) => this.#end({ kind: "fault", error }),
      onAnswer: (id, answer) => this.#answered(id, answer),
      onPiece: (id, piece, contentType) => this.#piece(id, piece, contentType),
    });
    for (const stream of [sandbox.stdout, sandbox.stderr]) {
      stream.on("data", (chunk: Buffer) => log.chunk(chunk)).on("error", () => undefined);
    }
    void Promise.race([sandbox.exited, ...(extensions ? [extensions.runtimeExit(sandbox)] : [])]).then((exit) => {
      channel.drain(); // an answer that was sent just before the end counts
      this.#end({ kind: "exit", exit });
    });
    void channel.initialized.then(() => limitCpus(parts, sandbox).catch(() => undefined)); // it may have ended
    void extensions?.failed.then((failure) => this.#end({ kind: "extension", failure }));
  }

  /** Makes one of a stem, or starts a sandbox for it. Throws where that cannot be; a function that fails to load is found at its first event. */
  static async start(parts: EnvironmentParts, stem?: Stem): Promise<ExecutionEnvironment> {
    const started = performance.now();
    const made = stem ? await assign(parts, stem) : await startCold(parts);
    const { channel } = made;
    const environment = new ExecutionEnvironment(parts, made, started);
    if (channel instanceof FrameChannel) void environment.#load(channel);
    return environment;
  }

  /** Whom to tell from now on. */
  watch(events: EnvironmentEvents): void {
    this.#events = events;
  }

  /** It can take another event. */
  get usable(): boolean {
    return !this.#dead;
  }

  /** Calls that it has, the one under way included. */
  get load(): number {
    return this.#jobs.length;
  }

  /** Serves one call; nothing else is under way. Whatever the function does, it ends within the time limits. */
  run(job: Job): void {
    this.#jobs.push(job);
    if (this.#loaded && !this.freezer.isFrozen) {
      this.#handOver(job); // first: what we do of the beginning, we do while the runtime works
      this.#begin(job);
    } else {
      this.busySince = Infinity;
      void (this.#loaded ? this.#wake(job) : this.#runFirst(job));
    }
  }

  /** Puts a call behind the one under way, unread until that has ended; answers false where it cannot. */
  ahead(job: Job): boolean {
    const current = this.#jobs[0];
    if (
      !current ||
      !this.#loaded ||
      this.#dead ||
      this.freezer.isFrozen ||
      current.request.onPiece ||
      job.request.onPiece
    )
      return false;
    if (this.#extensions?.isEmpty === false) return false; // they are told of each call when it begins
    if (!this.#channel.ahead(invocationOf(job, this.version, this.#parts.now()))) return false;
    this.#jobs.push(job);
    return true;
  }

  /** Takes back the calls that the runtime has not read. */
  takeBack(): Job[] {
    if (this.#jobs.length === 0) return [];
    const ids = new Set(this.#channel.takeBack());
    const taken = this.#jobs.filter((job) => ids.has(job.request.requestId));
    for (const job of taken) this.#jobs.splice(this.#jobs.indexOf(job), 1);
    if (this.#jobs.length === 0) this.#deadline = Infinity;
    return taken;
  }

  /** Settles when the init phase is over, however it ended. */
  initEnded(): Promise<unknown> {
    return Promise.race([this.#channel.initialized, this.#sandbox.exited]);
  }

  /** Waits until the function is loaded; its error where it cannot be. */
  prepare(limitMs = INIT_LIMIT_MS): Promise<RuntimeAnswer | undefined> {
    return (this.#init ??= this.#initialize("init", limitMs, "init"));
  }

  /** Ends it: extensions are told and given time, then everything in the sandbox is killed. */
  async stop(): Promise<void> {
    this.#dead = true;
    clearTimeout(this.#timer);
    if (this.#extensions) await this.freezer.thaw().catch(() => undefined);
    await this.#extensions?.shutDown(this.#sandbox, this.#reason);
    this.#channel.close();
    await this.#sandbox.stop().catch(() => undefined);
    this.#extensions?.close();
    this.#parts.log.end();
  }

  async #load(frames: FrameChannel): Promise<void> {
    await frames.ready;
    const { handler, runtime, logFormat } = this.version;
    frames.load({ handler, taskRoot: "/var/task", runtime, logFormat });
  }

  async #wake(job: Job): Promise<void> {
    try {
      await this.freezer.thaw();
    } catch (error) {
      return this.#end({ kind: "fault", error: error as Error });
    }
    if (this.#jobs[0] !== job) return; // it has ended with the environment
    this.#begin(job);
    this.#handOver(job);
  }

  /** The first call waits for the init phase. One that fails is run again by the next environment, within the call; then its error is the answer. */
  async #runFirst(job: Job): Promise<void> {
    const { initFailed: isWithin = false } = job;
    if (isWithin) this.#begin(job);
    const limitMs = isWithin ? this.version.timeoutSeconds * 1000 : INIT_LIMIT_MS;
    const phase = isWithin ? "invoke" : "init";
    const failed = await (this.#init ??= this.#initialize(job.request.requestId, limitMs, phase));
    if (this.#jobs[0] !== job) return; // it has ended with the environment
    if (isWithin) this.#initMs = undefined;
    else if (failed) {
      job.initFailed = true;
      this.#jobs.shift();
      return this.#events?.onDead(this, [job]);
    } else this.#begin(job);
    if (!failed) return this.#handOver(job);
    this.#finish(job, failed.errorType === TIMED_OUT ? this.#timedOut(job.request.requestId) : failed);
  }

  async #initialize(requestId: string, limitMs: number, phase: InitPhase): Promise<RuntimeAnswer | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<Ended>((resolve) => {
      timer = setTimeout(() => resolve({ kind: "timeout" }), limitMs);
    });
    const { initialized } = this.#channel;
    const ready = this.#extensions?.initialized(initialized) ?? initialized;
    const result = await Promise.race([ready, this.#initBroken.promise, timeout]);
    clearTimeout(timer);
    this.#extensions?.endInit(
      "kind" in result ? (result.kind === "timeout" ? "timeout" : "error") : result.ok ? "success" : "error",
    );
    this.#initMs = performance.now() - this.#started;
    if (!("kind" in result)) {
      this.#loaded = result.ok;
      if (result.ok) return undefined;
      this.#die("failure");
      this.#parts.log.initFailed(this.#initMs, phase, result.errorType);
      return failedInit(result);
    }
    this.#die(result.kind === "timeout" ? "timeout" : "failure");
    const answer = result.kind === "timeout" ? undefined : endedAnswer(result, requestId);
    this.#parts.log.initFailed(this.#initMs, phase, answer?.errorType);
    if (answer) return answer;
    const text = `Init timed out after ${(limitMs / 1000).toFixed(2)} seconds`;
    return errorAnswer(TIMED_OUT, `RequestId: ${requestId} Error: ${text}`);
  }

  #die(reason: ShutdownReason): void {
    if (!this.#dead) this.#reason = reason;
    this.#dead = true;
  }

  #handOver(job: Job): void {
    const invocation = invocationOf(job, this.version, this.#parts.now());
    this.#extensions?.invoke(invocation);
    this.#channel.invoke(invocation);
  }

  #timedOut(requestId: string): RuntimeAnswer {
    const seconds = this.version.timeoutSeconds.toFixed(2);
    this.#parts.log.timedOut(requestId, seconds);
    return errorAnswer(TIMED_OUT, `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`);
  }

  /** From here on the call is under way: its log lines, its bill and its time limit begin. */
  #begin({ request }: Job): void {
    const { log, version } = this.#parts;
    if (request.wantsTail) log.startTail();
    log.started(request.requestId, version.version);
    this.busySince = performance.now();
    this.#deadline = this.busySince + version.timeoutSeconds * 1000;
    this.#timer ??= setTimeout(() => this.#checkTime(), version.timeoutSeconds * 1000 + 1);
  }

  /** One timer serves all calls: it looks whether the one under way is late, and when to look again. */
  #checkTime(): void {
    this.#timer = undefined;
    if (this.#jobs.length === 0 || this.#dead) return;
    const left = this.#deadline - performance.now();
    if (left > 0) this.#timer = setTimeout(() => this.#checkTime(), left + 1);
    else this.#end({ kind: "timeout" });
  }

  #piece(id: string, piece: Buffer, contentType: string | undefined): void {
    const job = this.#jobs[0];
    if (job?.request.requestId !== id) return;
    const { onPiece } = job.request;
    if (!onPiece) {
      this.#pieceBytes += piece.length;
      if (this.#pieceBytes <= MAX_RESPONSE) this.#pieces.push(piece); // what is longer is refused at its end
      return;
    }
    const wait = onPiece(piece, contentType);
    if (!wait) return;
    this.#channel.pause();
    const resume = (): void => this.#channel.resume();
    wait.then(resume, resume);
  }

  #answered(id: string, answer: RuntimeAnswer): void {
    const job = this.#jobs[0];
    // An answer for another event than the one under way counts for nothing.
    if (job?.request.requestId !== id || !this.#loaded || job === this.#lingering?.job) return;
    const whole =
      answer.kind === "end" && !job.request.onPiece ? { ...answer, body: Buffer.concat(this.#pieces) } : answer;
    const isTooLarge = answer.kind !== "error" && Math.max(whole.body.length, this.#pieceBytes) > MAX_RESPONSE;
    this.#finish(job, isTooLarge ? tooLarge() : whole);
  }

  /** It ends, and with it the call under way; what it has not read goes back. */
  #end(ended: Ended): void {
    const wasDead = this.#dead;
    this.#die(ended.kind === "timeout" ? "timeout" : "failure");
    clearTimeout(this.#timer);
    if (!this.#loaded) this.#initBroken.resolve(ended);
    if (!this.#loaded && this.#init) return; // the init phase tells
    const unread = wasDead ? [] : this.takeBack();
    for (let job = this.#jobs[0]; job; job = this.#jobs[0]) {
      const id = job.request.requestId;
      if (job === this.#lingering?.job) {
        if (ended.kind === "timeout") this.#timedOut(id); // the log tells; the caller has its answer
        this.#lingering.end({ status: ended.kind === "timeout" ? "timeout" : "error" });
      } else this.#finish(job, ended.kind === "timeout" ? this.#timedOut(id) : endedAnswer(ended, id));
    }
    if (!wasDead) this.#events?.onDead(this, unread);
  }

  #finish(job: Job, answer: RuntimeAnswer): void {
    const now = performance.now();
    const durationMs = now - this.busySince;
    const initMs = this.#initMs;
    this.#initMs = undefined;
    if (this.#pieceBytes > 0) this.#pieces = [];
    this.#pieceBytes = 0;
    const measured = { durationMs, initMs, peakMB: this.peak.mb(now) };
    const report = reportOf(job.request.requestId, this.version.memoryMB, measured, this.#endOf(answer));
    const observed = durationMs * 1000;
    const micros = Math.min(observed, answer.micros || observed);
    this.#extensions?.runtimeDone(report, answer.body.length, answer.kind === "error");
    const idle = this.#dead ? undefined : this.#extensions?.idle();
    if (idle) return this.#linger(job, answer, { measured, micros, idle });
    const outcome = this.#report(job, answer, report);
    this.#jobs.shift();
    const next = this.#jobs[0];
    if (next && !this.#dead) this.#begin(next);
    else this.#deadline = Infinity;
    job.settle(outcome);
    if (this.#dead) {
      if (!this.#loaded) this.#events?.onDead(this, []);
      return;
    }
    this.#events?.onEnded(this, micros, answer.waited !== false);
  }

  /** The caller has its answer; the call ends, and the environment takes the next, when extensions are through with this one. */
  #linger(
    job: Job,
    answer: RuntimeAnswer,
    { measured, micros, idle }: { measured: Measured; micros: number; idle: Promise<void> },
  ): void {
    const { requestId, wantsTail } = job.request;
    const answered = performance.now();
    const whole = Promise.withResolvers<InvokeOutcome>();
    const end = (how: Ending): void => {
      this.#lingering = undefined;
      this.#jobs.shift();
      this.#deadline = Infinity;
      const extensionsMs = performance.now() - answered;
      const times = { ...measured, durationMs: measured.durationMs + extensionsMs, extensionsMs };
      whole.resolve(this.#report(job, answer, reportOf(requestId, this.version.memoryMB, times, how)));
    };
    this.#lingering = { job, end };
    if (wantsTail) void whole.promise.then(job.settle); // the tail has the call's report
    else
      job.settle({
        ...outcomeOf(answer, reportOf(requestId, this.version.memoryMB, measured, {}), undefined),
        whole: whole.promise,
      });
    void idle.then(() => {
      if (this.#dead || this.#lingering?.job !== job) return;
      end({});
      this.#events?.onEnded(this, micros, true);
    });
  }

  /** How the REPORT line says that a call did not end well. */
  #endOf({ errorType }: RuntimeAnswer): Ending {
    if (errorType === TIMED_OUT) return { status: "timeout" };
    return this.#dead ? { status: "error", errorType } : {};
  }

  #report({ request }: Job, answer: RuntimeAnswer, report: Report): InvokeOutcome {
    const { log } = this.#parts;
    const hasFailed = answer.kind === "error";
    log.ended(report, answer.body.length, hasFailed);
    this.#extensions?.ended(report, hasFailed);
    return outcomeOf(answer, report, request.wantsTail ? log.takeTail() : undefined);
  }
}
