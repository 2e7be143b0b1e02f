import { join } from "node:path";
import { messageOf } from "../../kernel/aws-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { Log } from "../../kernel/log.ts";
import type { FunctionSandbox, SandboxHost } from "../../ports/sandbox.ts";
import { FrameChannel } from "./frame-channel.ts";
import type { FunctionVersion } from "./function-version.ts";
import type { ResolvedRuntime } from "./runtimes.ts";

/** What a stem is started with and cannot be changed later; a function that differs in it starts outside the pool. */
export const STEM_TMP_MB = 512;
const STEM_PIDS = 1024;
const STEM_CPUS = 1;
const READY_LIMIT_MS = 20_000;
/** A start takes CPU that the first call of what was just started needs more. */
const REFILL_PAUSE_MS = 30;
/** A kind that nobody asked for in this time is no longer kept ready. */
const FORGET_MS = 10 * 60_000;
/** Variables that a process reads when it starts: setting them later would have no force. */
const START_TIME =
  /^(NODE_(?!ENV$|TLS_REJECT_UNAUTHORIZED$).*|AWS_LAMBDA_EXEC_WRAPPER|LD_.*|PYTHON.*|UV_THREADPOOL_SIZE|TZ)$/;

/** A started runtime that does not know its function yet. It serves one function version and is never used again. */
export interface Stem {
  readonly sandbox: FunctionSandbox;
  readonly channel: FrameChannel;
}

interface Kind {
  readonly runtime: ResolvedRuntime;
  readonly memoryMB: number;
  readonly ready: Stem[];
  starting: number;
  lastAsked: number;
}

export interface StemPoolParts {
  readonly sandboxes: SandboxHost;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Folder for sockets. */
  readonly run: string;
  /** Stems that are kept ready of each kind. */
  readonly size: number;
}

/** Keeps stems ready for the runtimes and memory classes that are in use, so that a cold start is an assignment. */
export class StemPool {
  readonly #parts: StemPoolParts;
  readonly #kinds = new Map<string, Kind>();
  #closed = false;
  #refilling: NodeJS.Timeout | undefined;

  constructor(parts: StemPoolParts) {
    this.#parts = parts;
  }

  /** A stem for the version, where one is ready and fits; `refill` is due when what it became is at work. */
  take(version: FunctionVersion, runtime: ResolvedRuntime, hasLayers: boolean): Stem | undefined {
    if (this.#parts.size === 0 || !isPooled(version, runtime, hasLayers)) return undefined;
    const kind = this.#kind(version, runtime);
    kind.lastAsked = this.#parts.clock.now();
    return kind.ready.shift();
  }

  /** Starts replacements in the background, a moment later. */
  refill(): void {
    this.#refilling ??= setTimeout(() => {
      this.#refilling = undefined;
      for (const kind of this.#kinds.values()) this.#fill(kind);
    }, REFILL_PAUSE_MS);
  }

  /** Ends stems of kinds that are no longer asked for. */
  async reap(): Promise<void> {
    const limit = this.#parts.clock.now() - FORGET_MS;
    for (const [key, kind] of this.#kinds) {
      if (kind.lastAsked > limit || kind.starting > 0) continue;
      this.#kinds.delete(key);
      await Promise.all(kind.ready.splice(0).map(stopStem));
    }
  }

  /** Memory that ready stems may use, in MB, for the admission of others. */
  get count(): number {
    return [...this.#kinds.values()].reduce((sum, kind) => sum + kind.ready.length + kind.starting, 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refilling);
    await Promise.all([...this.#kinds.values()].flatMap((kind) => kind.ready.splice(0).map(stopStem)));
  }

  #kind(version: FunctionVersion, runtime: ResolvedRuntime): Kind {
    const key = [...runtime.args, ...runtime.mounts.map((m) => `${m.source}:${m.target}`), version.memoryMB].join(" ");
    let kind = this.#kinds.get(key);
    if (!kind) {
      kind = { runtime, memoryMB: version.memoryMB, ready: [], starting: 0, lastAsked: 0 };
      this.#kinds.set(key, kind);
    }
    return kind;
  }

  /** One at a time for each kind: a start takes CPU that calls under way need more. */
  #fill(kind: Kind): void {
    if (this.#closed || kind.starting > 0 || kind.ready.length >= this.#parts.size) return;
    kind.starting++;
    this.#start(kind)
      .then(
        (stem) => {
          if (this.#closed) return stopStem(stem);
          kind.ready.push(stem);
          // One that ends by itself is not handed out.
          void stem.sandbox.exited.then(() => {
            const at = kind.ready.indexOf(stem);
            if (at < 0) return;
            kind.ready.splice(at, 1);
            stem.channel.close();
          });
          return undefined;
        },
        (error: unknown) => this.#parts.log.warn("a stem could not be started", { error: messageOf(error) }),
      )
      .finally(() => {
        kind.starting--;
        if (kind.ready.length > 0) this.#fill(kind); // after a failure the next call tries again
      });
  }

  async #start(kind: Kind): Promise<Stem> {
    const { sandboxes, ids, run } = this.#parts;
    const id = `stem-${ids.text(16)}`;
    const socketFolder = join(run, id);
    const channel = FrameChannel.open(socketFolder);
    try {
      const sandbox = await sandboxes.startFunction({
        id,
        args: kind.runtime.args,
        env: { ...STEM_ENVIRONMENT, ...kind.runtime.env },
        mounts: kind.runtime.mounts,
        memoryMB: kind.memoryMB,
        tmpMB: STEM_TMP_MB,
        cpus: STEM_CPUS,
        pids: STEM_PIDS,
        internet: false,
        socketFolder,
      });
      const stem = { sandbox, channel };
      await untilReady(stem);
      return stem;
    } catch (error) {
      channel.close();
      throw error;
    }
  }
}

/** What is the same for all functions of a runtime, so that a stem can start with it. */
const STEM_ENVIRONMENT = {
  STARLING_STEM: "1",
  LANG: "en_US.UTF-8",
  TZ: ":UTC",
  HOME: "/tmp",
  PATH: "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
  LD_LIBRARY_PATH: "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
};

function isPooled(version: FunctionVersion, runtime: ResolvedRuntime, hasLayers: boolean): boolean {
  const plain = version.tmpMB === STEM_TMP_MB && !version.internet && !hasLayers;
  return (
    plain && runtime.channel === "frames" && !Object.keys(version.environment).some((name) => START_TIME.test(name))
  );
}

async function untilReady(stem: Stem): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not ready after ${READY_LIMIT_MS} ms`)), READY_LIMIT_MS);
  });
  const exit = stem.sandbox.exited.then(({ code, signal, error }): never => {
    throw new Error(`ended with ${error ?? signal ?? code} before it was ready`);
  });
  try {
    await Promise.race([stem.channel.ready, exit, limit]);
  } catch (error) {
    await stopStem(stem);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

export async function stopStem(stem: Stem): Promise<void> {
  stem.channel.close();
  await stem.sandbox.stop().catch(() => undefined);
}
