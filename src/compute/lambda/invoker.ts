import { availableParallelism } from "node:os";
import { join } from "node:path";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { Log } from "../../kernel/log.ts";
import type { SandboxHost } from "../../ports/sandbox.ts";
import type { LogEvent } from "../../ports/telemetry.ts";
import { ExecutionEnvironment } from "./environment.ts";
import { EnvironmentPool } from "./environment-pool.ts";
import type { FunctionVersion, InvokeOutcome, InvokeRequest } from "./function-version.ts";
import { EnvironmentLog } from "./log-lines.ts";
import { MachineMemory, throttled } from "./machine-memory.ts";
import { ProvisionedConcurrency } from "./provisioned-concurrency.ts";
import { resolveRuntime, type ResolvedRuntime } from "./runtimes.ts";
import { StemPool } from "./stem-pool.ts";

/** AWS's default account quota. */
export const ACCOUNT_CONCURRENCY = 1000;
const IDLE_MS = 10 * 60_000;
/** Credentials last for twelve hours at most: an environment is replaced before its own end. */
const MAX_LIFE_MS = 6 * 3600_000;
/** Environments that may be in their init phase at a time. */
const START_AT_ONCE = Math.max(4, 2 * availableParallelism());
/** One whose init phase takes longer no longer counts: a slow function must not keep others from starting. */
const START_SHARE_MS = 1_000;
export interface InvokerParts {
  readonly sandboxes: SandboxHost;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The project's code. */
  readonly code: string;
  /** Folder for the sockets of environments; short, for a socket's path has 107 bytes. */
  readonly run: string;
  readonly pythonMinor: number;
  /** Stems that are kept ready for each runtime and memory class in use. */
  readonly poolSize: number;
  /** Unpacked code of a version: the main folder and the merged layers. */
  folders(version: FunctionVersion): Promise<{ code: string; layers?: string | undefined }>;
  /** The role's temporary credentials, as variables. */
  credentials(version: FunctionVersion): Promise<Readonly<Record<string, string>>>;
  /** Takes what the function wrote. */
  deliverLogs(version: FunctionVersion, stream: string, events: LogEvent[]): void;
}

/** Runs functions: finds or starts an environment for each call, and keeps those that are idle for the next. */
export class Invoker {
  readonly #parts: InvokerParts;
  readonly #pools = new Map<string, EnvironmentPool>();
  /** Calls under way by function ARN, for reserved concurrency. */
  readonly #inFlight = new Map<string, number>();
  readonly #runtimes = new Map<string, ResolvedRuntime | undefined>();
  readonly #stems: StemPool;
  readonly #memory: MachineMemory;
  readonly #live = new Set<ExecutionEnvironment>();
  /** Environments that are kept for versions and aliases; calls go to them before any other. */
  readonly provisioned: ProvisionedConcurrency;
  /** What all holders of environments ask. */
  readonly #environments = {
    discard: (environment: ExecutionEnvironment): void => void this.#stop(environment),
    keeps: (environment: ExecutionEnvironment): boolean =>
      !this.#stopped && environment.bornAt >= this.#parts.clock.now() - MAX_LIFE_MS,
    mayRun: (environment: ExecutionEnvironment): boolean => this.#memory.mayRun(environment),
    makeRoom: (environment: ExecutionEnvironment): Promise<void> => this.#memory.readmit(environment),
    rested: (): void => this.#memory.rested(),
    now: (): number => this.#parts.clock.now(),
  };
  /** Environments in their init phase, and pools that wait to start one. */
  #starting = 0;
  readonly #waitingToStart = new Set<EnvironmentPool>();
  #total = 0;
  #stopped = false;

  constructor(parts: InvokerParts) {
    this.#parts = parts;
    this.#stems = new StemPool({ ...parts, size: parts.poolSize });
    this.#memory = new MachineMemory({
      now: () => parts.clock.now(),
      stems: () => this.#stems.count,
      idle: () => [...this.#pools.values()].flatMap((pool) => pool.idle),
      end: (environments) => this.#stopIdle((environment) => environments.includes(environment)),
    });
    this.provisioned = new ProvisionedConcurrency({
      ...this.#environments,
      start: (version) => this.#start(version, "provisioned-concurrency"),
    });
  }

  /** What runs a runtime of this name; undefined where nothing here does. */
  runtime(name: string, memoryMB: number): ResolvedRuntime | undefined {
    const key = `${name}/${memoryMB}`;
    if (!this.#runtimes.has(key)) {
      const { code, pythonMinor } = this.#parts;
      this.#runtimes.set(key, resolveRuntime(name, { code, pythonMinor, memoryMB }));
    }
    return this.#runtimes.get(key);
  }

  /**
   * Calls a function and waits for its end. Throws TooManyRequestsException where a limit is reached (`reserved`, the
   * account's, or this machine's memory); a function's own failure is an outcome.
   */
  invoke(version: FunctionVersion, request: InvokeRequest, reserved?: number): Promise<InvokeOutcome> {
    return new Promise((resolve, reject) => {
      const onDemand = this.provisioned.take(version, { request, settle: resolve, fail: reject });
      if (!onDemand) return;
      const inFlight = this.#inFlight.get(version.arn) ?? 0;
      if (reserved !== undefined && inFlight >= reserved - this.provisioned.held(version.arn))
        return reject(throttled("ReservedFunctionConcurrentInvocationLimitExceeded"));
      if (reserved === undefined && this.#total >= ACCOUNT_CONCURRENCY - this.provisioned.held())
        return reject(throttled("ConcurrentInvocationLimitExceeded"));
      this.#inFlight.set(version.arn, inFlight + 1);
      this.#total++;
      const job = {
        request,
        settle: (outcome: InvokeOutcome) => {
          this.#count(version.arn);
          onDemand.settle(outcome);
        },
        fail: (error: unknown) => {
          this.#count(version.arn);
          reject(error as Error);
        },
      };
      this.#pool(version).submit(job);
    });
  }

  /** Loads a version in an environment that then waits for its first call; answers the runtime's error (JSON) where it cannot be loaded. */
  async prepare(version: FunctionVersion): Promise<Buffer | undefined> {
    const environment = await this.#start(version);
    const failure = await environment.prepare();
    this.#pool(version).add(environment);
    return failure?.body;
  }

  /** Ends the environments of a version that is no longer called (its function was changed or deleted), busy ones when they are through. */
  async retire(isGone: (version: FunctionVersion) => boolean): Promise<void> {
    for (const pool of this.#pools.values()) if (isGone(pool.version)) pool.isRetired = true;
    await this.#stopIdle((environment) => isGone(environment.version));
  }

  /** Ends what has been idle for long. */
  async reap(): Promise<void> {
    const now = this.#parts.clock.now();
    await this.#stopIdle((environment) => now - environment.idleSince > IDLE_MS);
    this.provisioned.renew();
    await this.#stems.reap();
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#memory.close();
    this.provisioned.close();
    await Promise.all([...[...this.#live].map((environment) => this.#stop(environment)), this.#stems.close()]);
  }

  /** A call has ended. */
  #count(arn: string): void {
    this.#total--;
    const left = (this.#inFlight.get(arn) ?? 1) - 1;
    if (left === 0) this.#inFlight.delete(arn);
    else this.#inFlight.set(arn, left);
  }

  async #start(version: FunctionVersion, initialization = "on-demand"): Promise<ExecutionEnvironment> {
    const runtime = this.runtime(version.runtime, version.memoryMB);
    if (!runtime)
      throw new AwsError("InvalidRuntimeException", `The runtime ${version.runtime} is not available here.`, 502);
    this.#starting++;
    try {
      const environment = await this.#memory.admit(version, () =>
        this.#startAdmitted(version, runtime, initialization),
      );
      let timer: NodeJS.Timeout | undefined;
      const longEnough = new Promise((resolve) => (timer = setTimeout(resolve, START_SHARE_MS)));
      void Promise.race([environment.initEnded(), longEnough]).then(() => {
        clearTimeout(timer);
        this.#startEnded();
      });
      return environment;
    } catch (error) {
      this.#startEnded();
      throw error;
    }
  }

  /** Starts take all the CPU that there is: further ones wait, and are often not needed any more when it is their turn. */
  #mayStart(pool: EnvironmentPool): boolean {
    if (this.#starting < START_AT_ONCE) return true;
    this.#waitingToStart.add(pool);
    return false;
  }

  #startEnded(): void {
    this.#starting--;
    this.#stems.refill();
    for (const pool of this.#waitingToStart) {
      if (this.#starting >= START_AT_ONCE) return;
      this.#waitingToStart.delete(pool);
      pool.spread();
    }
  }

  async #startAdmitted(
    version: FunctionVersion,
    runtime: ResolvedRuntime,
    initialization: string,
  ): Promise<ExecutionEnvironment> {
    const { clock, ids, sandboxes, run } = this.#parts;
    const id = `fn-${ids.text(16)}`;
    const stream = `${new Date(clock.now()).toISOString().slice(0, 10).replaceAll("-", "/")}/[${version.version}]${ids.text(32, "0123456789abcdef")}`;
    const log = new EnvironmentLog(
      (events) => this.#parts.deliverLogs(version, stream, events),
      () => clock.now(),
      version.logFormat === "JSON" ? { level: version.systemLogLevel ?? "INFO" } : undefined,
    );
    const [folders, credentials] = await Promise.all([this.#parts.folders(version), this.#parts.credentials(version)]);
    // As Lambda names what an environment starts with; readers of logs know to pass over such lines.
    if (runtime.warning) log.message(`INIT_START Runtime Version: ${runtime.warning}\n`);
    const stem = this.#stems.take(version, runtime, folders.layers !== undefined);
    const parts = {
      sandboxes,
      version,
      runtime,
      codeFolder: folders.code,
      layerFolder: folders.layers,
      env: {
        ...variables(version, stream, runtime),
        AWS_LAMBDA_INITIALIZATION_TYPE: initialization,
        ...version.environment,
        ...credentials,
      },
      log,
      id,
      socketFolder: join(run, id),
      now: () => clock.now(),
      newId: () => ids.uuid(),
    };
    const environment = await ExecutionEnvironment.start(parts, stem);
    this.#live.add(environment);
    return environment;
  }

  async #stopIdle(which: (environment: ExecutionEnvironment) => boolean): Promise<void> {
    const chosen: ExecutionEnvironment[] = [];
    for (const [key, pool] of this.#pools) {
      const going = pool.idle.filter(which);
      chosen.push(...going);
      for (const environment of going) pool.idle.splice(pool.idle.indexOf(environment), 1);
      if (pool.isEmpty) this.#pools.delete(key);
    }
    await Promise.all(chosen.map((environment) => this.#stop(environment)));
  }

  async #stop(environment: ExecutionEnvironment): Promise<void> {
    if (!this.#live.delete(environment)) return;
    try {
      await environment.stop();
    } catch (error) {
      // Nobody waits for most ends: a rejection here would end the platform.
      this.#parts.log.warn("an environment did not end as it should", { function: environment.version.arn, error });
    } finally {
      this.#memory.release(environment);
    }
  }

  #pool(version: FunctionVersion): EnvironmentPool {
    let pool = this.#pools.get(version.key);
    if (!pool) {
      pool = new EnvironmentPool(version, {
        start: () => this.#start(version),
        mayStart: (asking) => this.#mayStart(asking),
        ...this.#environments,
      });
      this.#pools.set(version.key, pool);
    }
    return pool;
  }
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime */
function variables(version: FunctionVersion, stream: string, runtime: ResolvedRuntime): Record<string, string> {
  return {
    _HANDLER: version.handler,
    AWS_REGION: version.region,
    AWS_DEFAULT_REGION: version.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${version.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: version.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.memoryMB),
    AWS_LAMBDA_FUNCTION_VERSION: version.version,
    ...(version.logFormat === "JSON"
      ? { AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: version.applicationLogLevel ?? "INFO" }
      : {}),
    AWS_LAMBDA_LOG_GROUP_NAME: version.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: stream,
    AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001",
    AWS_ENDPOINT_URL: "http://127.0.0.1:4566",
    AWS_XRAY_CONTEXT_MISSING: "LOG_ERROR",
    LAMBDA_TASK_ROOT: "/var/task",
    LAMBDA_RUNTIME_DIR: "/var/runtime",
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
    HOME: "/tmp",
    PWD: "/var/task",
    SHLVL: "0",
    PATH: "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    LD_LIBRARY_PATH: "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    PYTHONPATH: runtime.family === "python" ? "/var/runtime" : "",
  };
}
