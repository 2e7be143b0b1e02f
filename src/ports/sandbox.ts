import type { Socket } from "node:net";
import type { Readable } from "node:stream";

/** A read-only folder or file of the host that a sandbox sees. */
export interface ReadOnlyMount {
  /** Absolute path on the host, as the main process sees it. */
  readonly source: string;
  /** Absolute path inside. */
  readonly target: string;
}

/** What a function's execution environment is made of. */
export interface FunctionSandboxSpec {
  /** Unique, `[a-z0-9-]{1,64}`. */
  readonly id: string;
  /** Command and arguments of its first process. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folder with the function's code (`/var/task`), layers (`/opt`), the runtime (`/var/runtime`, `/var/lang`, `/node_modules`). All read-only, nosuid, nodev. */
  readonly mounts: readonly ReadOnlyMount[];
  readonly memoryMB: number;
  /** Size of the private `/tmp`. */
  readonly tmpMB: number;
  /** Share of a CPU, 1 = one whole CPU. */
  readonly cpus: number;
  readonly pids: number;
  readonly internet: boolean;
  /** A folder of the main process that is mounted read-only at `/run/starling`; sockets in it can be connected to from inside. */
  readonly socketFolder?: string;
  /** Also listen on 127.0.0.1:9001 inside, and hand each connection to this function. */
  readonly onRuntimeApiConnection?: (socket: Socket) => void;
}

/** How a sandbox ended. */
export interface SandboxExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its memory limit was hit and the kernel killed a process of it. */
  readonly outOfMemory: boolean;
  /** Why it could not be started at all, where the container runtime said so. */
  readonly error?: string;
}

/** A running execution environment. */
export interface FunctionSandbox {
  readonly id: string;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<SandboxExit>;
  /** Changes the limits of the running sandbox (a pre-warmed one is sized when it is assigned). */
  resize(limits: { memoryMB: number; cpus: number }): Promise<void>;
  /** Mounts a read-only folder into the running sandbox at one of the places that were left for it (`/var/task`, `/opt`). */
  mount(mount: ReadOnlyMount): Promise<void>;
  /** A connection to a port of its own loopback. Whether anybody listens there, the socket tells. */
  connect(port: number): Promise<Socket>;
  signal(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Largest memory use so far, in bytes. */
  peakMemory(): Promise<number>;
  /** The same without waiting; undefined where it cannot be told just now. */
  peakMemoryNow(): number | undefined;
  /** Kills every process, waits until all are gone, removes mounts, namespaces and cgroups. Never throws for what is gone already. */
  stop(): Promise<void>;
}

/** What a build container is made of. */
export interface BuildSandboxSpec {
  readonly id: string;
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the main process whose content is copied in before anything runs, owned by root of the build. */
  readonly copyIn: readonly ReadOnlyMount[];
  readonly mounts: readonly ReadOnlyMount[];
  readonly memoryMB: number;
  /** Room for everything the build writes. */
  readonly diskMB: number;
  readonly cpus: number;
  readonly pids: number;
  readonly internet: boolean;
  /** Called with everything the commands write, in order, stdout and stderr together. */
  readonly onOutput: (chunk: Buffer) => void;
}

/** A build container: uid 0 of its own user namespace over a throw-away writable root. */
export interface BuildSandbox {
  readonly id: string;
  /** Runs one command in the build's one shell: variables, functions and the folder persist. All output has been handed over when it resolves. */
  run(
    command: string,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<{ code: number; timedOut: boolean }>;
  /** A plain file below the build's root, as a stream; links stay inside. Throws where it is not a plain file or too big. */
  readFile(path: string, options?: { maxBytes?: number }): Promise<Buffer>;
  /** Regular files below `folder`, with sizes and modes, in byte order; bounded. */
  listFiles(
    folder: string,
    options?: { maxEntries?: number },
  ): Promise<{ path: string; size: number; mode: number; link?: string }[]>;
  /**
   * Writes a zip of the files (paths relative to `base`) to the absolute host path `target`. Links are followed where they stay
   * inside; what is `optional` is left out where it is no plain file (a link to a folder), else that is an error.
   */
  zip(
    base: string,
    files: readonly { path: string; name: string; optional?: boolean }[],
    target: string,
    options?: { maxBytes?: number },
  ): Promise<{ size: number }>;
  readonly exited: Promise<SandboxExit>;
  stop(): Promise<void>;
}

/** A short-lived unprivileged process in a sandbox without network: git. */
export interface ToolSandboxSpec {
  readonly id: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Read-only mounts; `/usr` is always there. */
  readonly mounts: readonly ReadOnlyMount[];
  /** Folders of the main process that are mounted read-write (owned by the main process's uid, which the tool runs as). */
  readonly writable: readonly ReadOnlyMount[];
  readonly memoryMB: number;
  readonly timeoutMs: number;
}

export interface ToolSandbox {
  readonly stdin: import("node:stream").Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<SandboxExit>;
  stop(): Promise<void>;
}

/** Isolated places for foreign code. There is no implementation without isolation. */
export interface SandboxHost {
  /** What runs them (`crun 1.8.1`), for `doctor`. */
  readonly driver: string;
  startFunction(spec: FunctionSandboxSpec): Promise<FunctionSandbox>;
  startBuild(spec: BuildSandboxSpec): Promise<BuildSandbox>;
  startTool(spec: ToolSandboxSpec): Promise<ToolSandbox>;
  /** The PEM of this installation's certificate authority, which sandboxes trust. */
  readonly caCertificate: string;
  /** Stops everything that is left. */
  close(): Promise<void>;
}

/**
 * Called for each connection that a sandbox opens to AWS (127.0.0.1:4566 inside, or port 443 of any AWS name, already
 * decrypted); the front door serves it like one of its own. It is trusted no more than any other connection.
 */
export type OnAwsConnection = (
  socket: import("node:stream").Duplex,
  origin: { sandboxId: string; tls: boolean },
) => void;
