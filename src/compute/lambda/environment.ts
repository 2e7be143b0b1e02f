import { messageOf } from "../../kernel/aws-error.ts";
import type { FunctionSandbox, SandboxExit, SandboxHost } from "../../ports/sandbox.ts";
import type { InitAnswer, RuntimeAnswer, RuntimeChannel } from "./channel.ts";
import { FrameChannel } from "./frame-channel.ts";
import type { FunctionVersion, InvokeOutcome, InvokeRequest } from "./function-version.ts";
import { type EnvironmentLog, reportLine } from "./log-lines.ts";
import { RuntimeApiChannel } from "./runtime-api.ts";
import type { ResolvedRuntime } from "./runtimes.ts";
import type { Stem } from "./stem-pool.ts";

/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_LIMIT_MS = 10_000;
const MAX_RESPONSE = 6 * 1024 * 1024 + 100;
const PIDS = 1024;
/** A whole CPU for 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const MB_PER_CPU = 1_769;

export interface EnvironmentParts {
  readonly sandboxes: SandboxHost;
  readonly version: FunctionVersion;
  readonly runtime: ResolvedRuntime;
  /** Unpacked code, and unpacked layers merged, as the main process sees them. */
  readonly codeFolder: string;
  readonly layerFolder?: string | undefined;
  /** All variables of the function, credentials included. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: EnvironmentLog;
  readonly id: string;
  /** Folder for its socket. */
  readonly socketFolder: string;
  readonly now: () => number;
}

type Ended =
  | { readonly kind: "exit"; readonly exit: SandboxExit }
  | { readonly kind: "timeout" }
  | { readonly kind: "fault"; readonly error: Error };

/** One execution environment: a sandbox with a runtime that serves one event at a time, for one function version, until it ends. */
export class ExecutionEnvironment {
  readonly version: FunctionVersion;
  /** When it last became idle. */
  idleSince = 0;
  readonly #parts: EnvironmentParts;
  readonly #sandbox: FunctionSandbox;
  readonly #channel: RuntimeChannel;
  readonly #fault: Promise<Ended>;
  readonly #started: number;
  readonly #bornAt: number;
  #initMs: number | undefined;
  #initFailure: Extract<InitAnswer, { ok: false }> | undefined;
  #dead = false;

  private constructor(
    parts: EnvironmentParts,
    sandbox: FunctionSandbox,
    channel: RuntimeChannel,
    fault: Promise<Ended>,
    started: number,
  ) {
    this.version = parts.version;
    this.#parts = parts;
    this.#sandbox = sandbox;
    this.#channel = channel;
    this.#fault = fault;
    this.#started = started;
    this.#bornAt = parts.now();
  }

  /** Makes one of a stem, or starts a sandbox for it. Throws where that cannot be; a function that fails to load is found at its first event. */
  static async start(parts: EnvironmentParts, stem?: Stem): Promise<ExecutionEnvironment> {
    const started = performance.now();
    const { log } = parts;
    const fault = Promise.withResolvers<Ended>();
    const { sandbox, channel } = stem ? await assign(parts, stem) : await startCold(parts);
    if (channel instanceof FrameChannel) {
      channel.attach(
        (chunk) => log.message(chunk.toString("utf8")),
        (error) => fault.resolve({ kind: "fault", error }),
      );
    }
    for (const stream of [sandbox.stdout, sandbox.stderr]) {
      stream.on("data", (chunk: Buffer) => log.chunk(chunk)).on("error", () => undefined);
    }
    const environment = new ExecutionEnvironment(parts, sandbox, channel, fault.promise, started);
    if (channel instanceof FrameChannel) void environment.#load(channel);
    return environment;
  }

  /** Whether it was started before a time, in milliseconds since the epoch. */
  bornBefore(time: number): boolean {
    return this.#bornAt < time;
  }

  /** It can take another event. */
  get usable(): boolean {
    return !this.#dead;
  }

  /** Serves one event. Whatever the function does, it ends within the time limit (and the first time, that of the init phase). */
  async invoke(request: InvokeRequest): Promise<InvokeOutcome> {
    const { log, version } = this.#parts;
    log.startTail();
    const failed = await this.#init(request.requestId);
    log.message(`START RequestId: ${request.requestId} Version: ${version.version}\n`);
    const began = performance.now();
    const answer = failed ?? (await this.#run(request));
    const durationMs = performance.now() - began;
    return this.#finish(request, answer, durationMs);
  }

  /** Ends it: SIGTERM, then everything in the sandbox is killed. */
  async stop(): Promise<void> {
    this.#dead = true;
    this.#channel.close();
    await this.#sandbox.stop().catch(() => undefined);
    this.#parts.log.end();
  }

  async #load(frames: FrameChannel): Promise<void> {
    await frames.ready;
    const { version, env } = this.#parts;
    frames.load({
      env,
      handler: version.handler,
      taskRoot: "/var/task",
      runtime: version.runtime,
      logFormat: version.logFormat,
    });
  }

  /** Waits until the function is loaded; its error where it cannot be. */
  async prepare(): Promise<RuntimeAnswer | undefined> {
    return this.#init("init");
  }

  /** Waits for the init phase; an answer where it failed. */
  async #init(requestId: string): Promise<RuntimeAnswer | undefined> {
    if (this.#initMs !== undefined) return this.#initFailure && failedInit(this.#initFailure);
    const result = await this.#bounded(this.#channel.initialized, INIT_LIMIT_MS);
    this.#initMs = performance.now() - this.#started;
    if (!("kind" in result)) {
      if (result.ok) return undefined;
      this.#dead = true;
      this.#initFailure = result;
      return failedInit(result);
    }
    this.#dead = true;
    const { log } = this.#parts;
    if (result.kind === "timeout") {
      log.message(`INIT_REPORT Init Duration: ${this.#initMs.toFixed(2)} ms\tPhase: init\tStatus: timeout\n`);
      return errorAnswer(
        "Sandbox.Timedout",
        `RequestId: ${requestId} Error: Init timed out after ${(INIT_LIMIT_MS / 1000).toFixed(2)} seconds`,
      );
    }
    return this.#endedAnswer(result, requestId);
  }

  async #run(request: InvokeRequest): Promise<RuntimeAnswer> {
    const { version, now } = this.#parts;
    const limit = version.timeoutSeconds * 1000;
    const answer = this.#channel.invoke({
      id: request.requestId,
      deadline: now() + limit,
      arn: request.invokedArn,
      traceId: request.traceId ?? "",
      payload: request.payload,
      ...(request.clientContext === undefined ? {} : { clientContext: request.clientContext }),
    });
    const result = await this.#bounded(answer, limit);
    if ("body" in result) return checkSize(result);
    this.#dead = true;
    if (result.kind === "timeout") {
      const seconds = version.timeoutSeconds.toFixed(2);
      this.#parts.log.message(
        `${new Date(now()).toISOString()} ${request.requestId} Task timed out after ${seconds} seconds\n`,
      );
      return errorAnswer(
        "Sandbox.Timedout",
        `RequestId: ${request.requestId} Error: Task timed out after ${seconds} seconds`,
      );
    }
    return this.#endedAnswer(result, request.requestId);
  }

  /** What came first: the answer, the end of the sandbox, a breach of the protocol, or the limit. */
  async #bounded<T>(answer: Promise<T>, limitMs: number): Promise<T | Ended> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<Ended>((resolve) => {
      timer = setTimeout(() => resolve({ kind: "timeout" }), limitMs);
    });
    const exit = this.#sandbox.exited.then(async (e): Promise<Ended> => {
      await new Promise((resolve) => setImmediate(resolve)); // an answer that was sent just before the end counts
      return { kind: "exit", exit: e };
    });
    try {
      return await Promise.race([answer, exit, this.#fault, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  #endedAnswer(ended: Exclude<Ended, { kind: "timeout" }>, requestId: string): RuntimeAnswer {
    if (ended.kind === "fault")
      return errorAnswer(
        "Runtime.ProtocolError",
        `RequestId: ${requestId} Error: the runtime broke its protocol: ${messageOf(ended.error)}`,
      );
    const { exit } = ended;
    if (exit.outOfMemory)
      return errorAnswer(
        "Runtime.OutOfMemory",
        `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`,
      );
    if (exit.error) return errorAnswer("Runtime.InvalidEntrypoint", `RequestId: ${requestId} Error: ${exit.error}`);
    const how =
      exit.signal || (exit.code ?? 0) > 128
        ? `with error: signal: ${exit.signal === "SIGKILL" || exit.code === 137 ? "killed" : (exit.signal ?? `${(exit.code ?? 0) - 128}`)}`
        : exit.code
          ? `with error: exit status ${exit.code}`
          : "without providing a reason";
    return errorAnswer("Runtime.ExitError", `RequestId: ${requestId} Error: Runtime exited ${how}`);
  }

  async #finish(request: InvokeRequest, answer: RuntimeAnswer, durationMs: number): Promise<InvokeOutcome> {
    const { log, version } = this.#parts;
    const initMs = this.#initMs;
    this.#initMs = this.#initMs === undefined ? undefined : 0;
    const first = initMs !== undefined && initMs > 0 ? initMs : undefined;
    const peak = await this.#sandbox.peakMemory().catch(() => 0);
    const maxMemoryMB = Math.min(version.memoryMB, Math.max(1, Math.round(peak / 1048576)));
    // Since August 2025 the init phase is billed too: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
    const billedMs = Math.ceil(durationMs + (first ?? 0));
    const timedOut = answer.errorType === "Sandbox.Timedout";
    log.message(`END RequestId: ${request.requestId}\n`);
    log.message(
      reportLine({
        requestId: request.requestId,
        durationMs,
        billedMs,
        memoryMB: version.memoryMB,
        usedMB: maxMemoryMB,
        initMs: first,
        status: timedOut ? "timeout" : this.#dead ? "error" : undefined,
      }),
    );
    const tail = log.takeTail();
    return {
      payload: answer.body,
      ...(answer.kind === "error" ? { functionError: "Unhandled" as const } : {}),
      durationMs,
      billedMs,
      initMs: first,
      maxMemoryMB,
      tail: request.wantsTail ? tail : undefined,
    };
  }
}

const failedInit = (failure: Extract<InitAnswer, { ok: false }>): RuntimeAnswer => ({
  kind: "error",
  body: failure.body,
  errorType: failure.errorType,
});

function errorAnswer(errorType: string, errorMessage: string): RuntimeAnswer {
  return { kind: "error", errorType, body: Buffer.from(JSON.stringify({ errorType, errorMessage })) };
}

function checkSize(answer: RuntimeAnswer): RuntimeAnswer {
  if (answer.body.length <= MAX_RESPONSE) return answer;
  return errorAnswer(
    "Function.ResponseSizeTooLarge",
    `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`,
  );
}

const cpusOf = (version: FunctionVersion): number => Math.max(0.25, version.memoryMB / MB_PER_CPU);

interface Started {
  readonly sandbox: FunctionSandbox;
  readonly channel: FrameChannel | RuntimeApiChannel;
}

/** Gives a stem its function: limits, then code. The handler and the variables follow by the channel. */
async function assign(parts: EnvironmentParts, stem: Stem): Promise<Started> {
  const { version, codeFolder } = parts;
  await Promise.all([
    stem.sandbox.mount({ source: codeFolder, target: "/var/task" }),
    stem.sandbox.resize({ memoryMB: version.memoryMB, cpus: cpusOf(version) }),
  ]);
  return stem;
}

/** Starts a sandbox that knows its function from the first moment. */
async function startCold(parts: EnvironmentParts): Promise<Started> {
  const { version, runtime, socketFolder, layerFolder } = parts;
  const channel = runtime.channel === "frames" ? await FrameChannel.open(socketFolder) : new RuntimeApiChannel();
  const code = [{ source: parts.codeFolder, target: "/var/task" }];
  const layers = layerFolder ? [{ source: layerFolder, target: "/opt" }] : [];
  try {
    const sandbox = await parts.sandboxes.startFunction({
      id: parts.id,
      args: runtime.args,
      env: { ...runtime.env, ...parts.env },
      mounts: [...runtime.mounts, ...code, ...layers],
      memoryMB: version.memoryMB,
      tmpMB: version.tmpMB,
      cpus: cpusOf(version),
      pids: PIDS,
      internet: version.internet,
      ...(channel instanceof FrameChannel
        ? { socketFolder }
        : { onRuntimeApiConnection: (socket) => channel.accept(socket) }),
    });
    return { sandbox, channel };
  } catch (error) {
    channel.close();
    throw error;
  }
}
