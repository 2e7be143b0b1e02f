import type { ChildProcess } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Cgroup, CgroupHost } from "./cgroups.ts";
import { bindMount, makeBlocking, mount, MS, OPEN, openBelow, RESOLVE, unmount } from "./ffi.ts";
import { containerConfig, type ContainerSpec } from "./oci-config.ts";
import type { SandboxNetwork } from "./network.ts";
import type { OciRuntime } from "./oci-runtime.ts";
import type { Places } from "./places.ts";

/** How a container ended, as the app is told. */
export interface ExitReport {
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
  readonly peakMemory: number;
  /** What the container runtime had to say, where it could not start the container. */
  readonly error?: string;
}

const SIGNALS: Record<number, string> = {
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
  31: "SIGSYS",
};

/** One container with everything that has to be taken away after it: mounts, control groups, network, folder. */
export class Sandbox {
  readonly id: string;
  readonly folder: string;
  readonly cgroup: Cgroup;
  readonly #places: Places;
  readonly #runtime: OciRuntime;
  readonly #cleanups: (() => void | Promise<void>)[] = [];
  #monitor: ChildProcess | undefined;
  #ended: Promise<ExitReport> | undefined;
  #cleaned: Promise<void> | undefined;
  #binds = 0;
  #over = false;

  constructor(
    id: string,
    host: { places: Places; runtime: OciRuntime; cgroups: CgroupHost },
    limits: { memoryMB: number; cpus: number },
  ) {
    this.id = id;
    this.#places = host.places;
    this.#runtime = host.runtime;
    this.folder = join(host.places.sandboxes, id);
    mkdirSync(this.folder, { mode: 0o711 });
    this.cgroup = host.cgroups.create(id, limits);
  }

  /** Runs `step` when the container has ended; the last one added runs first. */
  onCleanup(step: () => void | Promise<void>): void {
    this.#cleanups.push(step);
  }

  useNetwork(network: SandboxNetwork): void {
    this.onCleanup(() => network.close());
  }

  /**
   * A place from which the container may take a folder or file of the app: one of our own where it is bound, or its own where
   * it belongs to the code, which is read-only and nobody changes. No link in its path is followed. Every mount of ours is
   * copied for every container that starts: what all have in common must not be one for each.
   */
  bind(source: string, options: { writable?: boolean } = {}): string {
    const root = this.#places.sources.find(({ path }) => source === path || source.startsWith(`${path}/`));
    if (!root) throw new Error(`${source} is not below the code, data or run folder`);
    const fd = openBelow(
      root.fd,
      `./${source.slice(root.path.length + 1)}`,
      OPEN.PATH,
      RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS,
    );
    try {
      if (root.path === this.#places.code && !options.writable) return source;
      const place = join(this.folder, `m${this.#binds++}`);
      if (fstatSync(fd).isDirectory()) mkdirSync(place);
      else writeFileSync(place, "");
      bindMount(`/proc/self/fd/${fd}`, place, MS.NOSUID | MS.NODEV | (options.writable ? 0 : MS.RDONLY));
      this.onCleanup(() => void unmount(place));
      return place;
    } finally {
      closeSync(fd);
    }
  }

  /** Mounts into the running container. What travels there has the flags of the moment: it must be read-only before, not after. */
  bindLate(source: string, slot: string): void {
    mount(this.bind(source), slot, null, MS.BIND);
    this.onCleanup(() => void unmount(slot));
  }

  /** Starts the container; resolves as soon as its monitor runs. `onExit` is called once. */
  async start(spec: ContainerSpec, stdio: number[], onExit: (report: ExitReport) => void): Promise<void> {
    writeFileSync(join(this.folder, "config.json"), JSON.stringify(containerConfig(spec)));
    const isBatch = spec.kind === "function";
    const id = `${this.#places.group}-${this.id}`;
    const monitor = this.#runtime.run({ id, bundle: this.folder, stdio, isBatch });
    this.#monitor = monitor;
    await new Promise<void>((resolve, reject) => {
      monitor.once("spawn", resolve);
      monitor.once("error", reject);
    });
    this.#ended = new Promise((resolve) => monitor.once("exit", (code, signal) => resolve(this.#report(code, signal))));
    void this.#ended.then((report) => {
      this.#over = true;
      onExit(report);
      void this.#clean();
    });
  }

  #report(code: number | null, signal: string | null): ExitReport {
    const name = code !== null && code > 128 ? SIGNALS[code - 128] : undefined;
    const error = this.#runtime.complaint(this.folder);
    return {
      code: name ? null : code,
      signal: name ?? signal,
      outOfMemory: this.cgroup.wasOutOfMemory(),
      peakMemory: this.cgroup.peakMemory(),
      ...(error && code !== 0 ? { error } : {}),
    };
  }

  /** Sends a signal to the container's first process. */
  signal(name: "SIGTERM" | "SIGKILL"): void {
    if (this.#over) return;
    if (name === "SIGKILL") return this.kill();
    const pid = this.#firstProcess();
    if (pid) kill(pid, name);
  }

  /** Process 1 of the container. The runtime's file with its pid comes only after the process has begun to work. */
  #firstProcess(): number | undefined {
    return this.cgroup.processes().find((pid) => /^NSpid:\t\d+\t1$/m.test(statusOf(pid)));
  }

  kill(): void {
    if (this.#over) return;
    try {
      this.cgroup.setFrozen(false);
    } catch {
      // It was never frozen: its group is not there yet.
    }
    const processes = this.cgroup.processes();
    for (const pid of processes) kill(pid, "SIGKILL");
    // Before the container has processes of its own only the monitor can be ended.
    if (!processes.length && this.#monitor?.pid) kill(this.#monitor.pid, "SIGKILL");
  }

  /** Ends the container and takes everything away; safe to call at any time and more than once. */
  async stop(): Promise<void> {
    if (this.#ended) {
      this.kill();
      const again = setInterval(() => this.kill(), 20); // what was being started meanwhile
      await this.#ended;
      clearInterval(again);
    }
    this.#over = true;
    await this.#clean();
  }

  get isOver(): boolean {
    return this.#over;
  }

  #clean(): Promise<void> {
    this.#cleaned ??= (async () => {
      await this.cgroup.remove();
      for (const step of this.#cleanups.reverse()) await step();
      removeUnmounted(this.folder);
    })();
    return this.#cleaned;
  }

  /** Resolves when everything is taken away. */
  async cleaned(): Promise<void> {
    await this.#ended;
    await this.#clean();
  }
}

/** Never deletes through something that is still mounted there. */
function removeUnmounted(folder: string): void {
  const { dev } = lstatSync(folder);
  for (const name of readdirSync(folder)) {
    if (lstatSync(join(folder, name)).dev !== dev) throw new Error(`${join(folder, name)} is still mounted`);
  }
  rmSync(folder, { recursive: true, force: true });
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "latin1");
  } catch {
    return ""; // gone meanwhile
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone meanwhile
  }
}

/** Opens a pipe of the app's process for ourselves. Only a pipe: anything else that the number may name is refused. */
export function openPipeOf(pid: number, fd: number, end: "read" | "write"): number {
  const opened = openSync(
    `/proc/${pid}/fd/${fd}`,
    (end === "read" ? constants.O_RDONLY : constants.O_WRONLY) | constants.O_NONBLOCK | constants.O_NOCTTY,
  );
  if (fstatSync(opened).isFIFO()) {
    makeBlocking(opened); // O_NONBLOCK was only for the opening: programs inside expect a pipe that waits
    return opened;
  }
  closeSync(opened);
  throw new Error(`descriptor ${fd} of the app is not a pipe`);
}
