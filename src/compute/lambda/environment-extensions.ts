import type { Socket } from "node:net";
import type { FunctionSandbox, SandboxExit } from "../../ports/sandbox.ts";
import type { InitAnswer, Invocation } from "./channel.ts";
import type { EnvironmentParts } from "./environment.ts";
import { Extensions, type ExtensionFailure, type ShutdownReason } from "./extensions.ts";
import { SandboxApi, type ApiPart } from "./sandbox-api.ts";
import { Supervisor } from "./supervisor.ts";

/** How long the end of an environment may take: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const SHUTDOWN_MS = { runtime: 300, internal: 500, external: 2_000 } as const;
const KILLED = 137;
/** Where a process is killed and the peak was as near to the limit as this, it was the limit. */
const FULL = 0.98;

/** The extensions of one environment from their start to their end, and what is at 127.0.0.1:9001 for them. */
export class EnvironmentExtensions {
  readonly #parts: EnvironmentParts;
  readonly #external: readonly string[];
  readonly #extensions: Extensions;
  readonly #supervisor: Supervisor | undefined;
  readonly #api: SandboxApi;
  readonly #runtimeEnd = Promise.withResolvers<number>();
  #runs = false;

  constructor(parts: EnvironmentParts, external: readonly string[], runtimeApi?: ApiPart) {
    this.#parts = parts;
    this.#external = external;
    this.#extensions = new Extensions({
      version: parts.version,
      external,
      newId: parts.newId,
      onRegistered: () => this.#startRuntime(),
    });
    this.#api = new SandboxApi([this.#extensions, ...(runtimeApi ? [runtimeApi] : [])]);
    if (external.length === 0) return;
    this.#supervisor = new Supervisor(parts.socketFolder, {
      onOutput: (chunk) => parts.log.chunk(chunk),
      onProcessEnd: (number, status) => this.#ended(number, status),
    });
  }

  /** None registered: the environment lives as if there were no extensions. */
  get isEmpty(): boolean {
    return this.#extensions.isEmpty;
  }

  /** Settles with the first extension that fails. */
  get failed(): Promise<ExtensionFailure> {
    return this.#extensions.failed;
  }

  accept(socket: Socket): void {
    this.#api.accept(socket);
  }

  /** The sandbox's command, and whether it needs the folder of pipes. */
  command(runtime: readonly string[]): readonly string[] {
    return this.#supervisor ? Supervisor.command(this.#external, runtime) : runtime;
  }

  get needsFolder(): boolean {
    return this.#supervisor !== undefined;
  }

  /** How the runtime ended, where that is not the end of the sandbox. */
  async runtimeExit(sandbox: FunctionSandbox): Promise<SandboxExit> {
    const code = await this.#runtimeEnd.promise;
    const peak = code === KILLED ? (sandbox.peakMemoryNow() ?? 0) : 0;
    return { code, signal: null, outOfMemory: peak >= this.#parts.version.memoryMB * 1048576 * FULL };
  }

  /** The end of the init phase: the runtime's, and that of all extensions. */
  async initialized(runtime: Promise<InitAnswer>): Promise<InitAnswer> {
    const answer = await runtime;
    if (answer.ok) await this.#extensions.ready();
    return answer;
  }

  endInit(): void {
    for (const line of this.#extensions.endInit()) this.#parts.log.message(line);
  }

  invoke(invocation: Invocation): void {
    this.#extensions.invoke(invocation);
  }

  /** Resolves when extensions are through with the call; undefined where they are. */
  idle(): Promise<void> | undefined {
    return this.#extensions.idle();
  }

  /** Lets the runtime and the extensions end by themselves, for as long as Lambda does. */
  async shutDown(sandbox: FunctionSandbox, reason: ShutdownReason): Promise<void> {
    if (this.isEmpty) return;
    this.#extensions.expectEnds();
    const { hasExternal, hasInternal } = this.#extensions;
    const started = performance.now();
    const limit = hasExternal ? SHUTDOWN_MS.external : SHUTDOWN_MS.internal;
    const deadline = this.#parts.now() + limit;
    const signal = (): Promise<void> => sandbox.signal("SIGTERM").catch(() => undefined); // it has ended meanwhile
    if (!hasExternal || this.#runs) {
      await signal();
      const runtimeMs = hasInternal ? SHUTDOWN_MS.internal : SHUTDOWN_MS.runtime;
      await atMost(runtimeMs, [sandbox.exited, this.#runtimeEnd.promise]);
      if (hasExternal && this.#runs) await signal(); // the second one kills
    }
    if (!hasExternal) return;
    const left = limit - (performance.now() - started);
    await atMost(left, [sandbox.exited, this.#extensions.shutDown(reason, deadline)]);
  }

  close(): void {
    this.#api.close();
    this.#supervisor?.close();
  }

  #startRuntime(): void {
    if (this.#runs) return;
    this.#runs = true;
    this.#supervisor?.startRuntime();
  }

  #ended(number: number, status: number): void {
    if (number === 0) {
      this.#runs = false;
      this.#runtimeEnd.resolve(status);
    }
    const name = this.#external[number - 1];
    if (name !== undefined) this.#extensions.onProcessEnd(name, status);
  }
}

/** Waits for the first of them, not longer than a time. */
async function atMost(ms: number, promises: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => (timer = setTimeout(resolve, Math.max(0, ms))));
  await Promise.race([...promises, limit]);
  clearTimeout(timer);
}
