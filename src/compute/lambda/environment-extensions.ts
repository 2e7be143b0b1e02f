import type { Socket } from "node:net";
import { join } from "node:path";
import type { FunctionSandbox, SandboxExit } from "../../ports/sandbox.ts";
import type { InitAnswer, Invocation } from "./channel.ts";
import type { EnvironmentParts } from "./environment-start.ts";
import { extensionLine, Extensions, type ExtensionFailure, type ShutdownReason } from "./extensions.ts";
import { errorOf, reportMetrics, roundedMs, runtimeMs, type Report } from "./log-lines.ts";
import { SandboxApi, type ApiPart } from "./sandbox-api.ts";
import { openSide, Supervisor } from "./supervisor.ts";
import { Telemetry } from "./telemetry-api.ts";

const MAX_LINE = 256 * 1024;
type TelemetryStatus = "success" | "failure" | "error" | "timeout";

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
  readonly #telemetry: Telemetry;
  /** Rings before each event where the runtime may have extensions inside: it does not sleep then. */
  #wake: Socket | undefined;
  readonly #started = performance.now();
  #sandbox: FunctionSandbox | undefined;
  /** The end of a line that extensions have not finished. */
  #line = "";
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
    this.#telemetry = new Telemetry({
      now: parts.now,
      identify: (request, response) => this.#extensions.identify(request, response),
      onLine: (line) => parts.log.message(line),
      connect: (port) => {
        if (!this.#sandbox) throw new Error("the sandbox has not started");
        return this.#sandbox.connect(port);
      },
    });
    this.#api = new SandboxApi([this.#extensions, ...this.#telemetry.apis, ...(runtimeApi ? [runtimeApi] : [])]);
    parts.log.onFunctionMessage = (text) => this.#telemetry.record("function", this.#recordOf(text));
    this.#telemetry.record("platform.initStart", {
      ...this.#init,
      functionName: parts.version.name,
      functionVersion: parts.version.version,
    });
    const isNode = parts.runtime.family === "nodejs";
    if (isNode && (parts.layerFolder !== undefined || parts.version.environment["AWS_LAMBDA_EXEC_WRAPPER"]))
      this.#wake = openSide(join(parts.socketFolder, "wake"), "write");
    if (external.length === 0) return;
    this.#supervisor = new Supervisor(parts.socketFolder, {
      onOutput: (chunk) => this.#wrote(chunk),
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

  /** The sandbox runs: telemetry can be brought to it. */
  attach(sandbox: FunctionSandbox): void {
    this.#sandbox = sandbox;
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
    this.#telemetry.record("platform.initRuntimeDone", { ...this.#init, status: answer.ok ? "success" : "error" });
    if (answer.ok) await this.#extensions.ready();
    return answer;
  }

  endInit(status: TelemetryStatus): void {
    for (const extension of this.#extensions.endInit()) {
      this.#parts.log.message(extensionLine(extension));
      const { name, state, events } = extension;
      this.#telemetry.record("platform.extension", { name, state, events });
    }
    const metrics = { durationMs: roundedMs(performance.now() - this.#started) };
    this.#telemetry.record("platform.initReport", { ...this.#init, status, metrics });
    this.#telemetry.endInit();
    if (this.isEmpty) this.#wake?.end(Buffer.of(0));
  }

  invoke(invocation: Invocation): void {
    const { id: requestId, traceId } = invocation;
    this.#telemetry.record("platform.start", {
      requestId,
      version: this.#parts.version.version,
      ...(traceId ? { tracing: { type: "X-Amzn-Trace-Id", value: traceId } } : {}),
    });
    this.#extensions.invoke(invocation);
    if (!this.isEmpty) this.#wake?.write(Buffer.of(1));
  }

  /** The function has answered: extensions are told before they must be through. */
  runtimeDone(report: Report, producedBytes: number, hasFailed: boolean): void {
    const { requestId, status = hasFailed ? "failure" : "success" } = report;
    const metrics = { durationMs: runtimeMs(report), producedBytes };
    this.#telemetry.record("platform.runtimeDone", { requestId, status, ...errorOf(report), metrics });
  }

  /** A call has ended, and extensions are through with it. */
  ended(report: Report, hasFailed: boolean): void {
    const { requestId, status = hasFailed ? "failure" : "success" } = report;
    this.#telemetry.record("platform.end", { requestId });
    this.#telemetry.record("platform.report", {
      requestId,
      status,
      ...errorOf(report),
      metrics: reportMetrics(report),
    });
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
    this.#telemetry.flush();
    if (!hasExternal) return;
    const left = limit - (performance.now() - started);
    await atMost(left, [sandbox.exited, this.#extensions.shutDown(reason, deadline)]);
  }

  close(): void {
    this.#api.close();
    this.#telemetry.close();
    this.#supervisor?.close();
    this.#wake?.destroy();
  }

  get #init(): object {
    const { AWS_LAMBDA_INITIALIZATION_TYPE: initializationType = "on-demand" } = this.#parts.env;
    return { initializationType, phase: "init" };
  }

  #wrote(chunk: Buffer): void {
    const lines = (this.#line + chunk.toString("utf8")).split("\n");
    this.#line = lines.pop() ?? "";
    if (this.#line.length > MAX_LINE) lines.push(this.#line.slice(0, MAX_LINE));
    if (this.#line.length > MAX_LINE) this.#line = "";
    for (const line of lines) {
      if (line === "") continue;
      this.#parts.log.message(`${line}\n`);
      this.#telemetry.record("extension", line);
    }
  }

  /** Text as it is, or, where the function logs in JSON, the object. */
  #recordOf(text: string): unknown {
    const line = text.endsWith("\n") ? text.slice(0, -1) : text;
    if (this.#parts.version.logFormat !== "JSON" || !line.startsWith("{")) return line;
    try {
      return JSON.parse(line);
    } catch {
      return line;
    }
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
