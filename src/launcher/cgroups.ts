import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeEventFd } from "./ffi.ts";

/**
 * The control groups of one sandbox: `/<group>/<id>` is ours (memory and CPU limits, what is read after the end), and the
 * OCI runtime makes `/<group>/<id>/box` in it and removes that when the container ends.
 */
export interface Cgroup {
  /** The path for the OCI configuration. */
  readonly path: string;
  resize(limits: { memoryMB: number; cpus: number }): void;
  setFrozen(frozen: boolean): void;
  peakMemory(): number;
  /** The file where the kernel keeps that number, for whoever reads it often. */
  readonly peakFile: string;
  /** The kernel has killed a process because the memory limit was hit. */
  wasOutOfMemory(): boolean;
  processes(): number[];
  /** Kills what is left and removes the groups. */
  remove(): Promise<void>;
}

export interface CgroupHost {
  readonly version: 1 | 2;
  /** Name of our top group. */
  readonly group: string;
  create(id: string, limits: { memoryMB: number; cpus: number }): Cgroup;
  /** Kills and removes all that a predecessor left. Returns how many processes and groups that were. */
  sweep(): Promise<{ processes: number; groups: number }>;
}

const ROOT = "/sys/fs/cgroup";
const CPU_PERIOD = 100_000;
const read = (file: string): string => readFileSync(file, "utf8");
const folders = (path: string): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [e.name] : []));
  } catch {
    return [];
  }
};
const numbers = (file: string): number[] => {
  try {
    return read(file).split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
};

function writeIfThere(file: string, text: string): void {
  if (existsSync(file)) writeFileSync(file, text);
}

/** Finds out which hierarchy the host has and prepares our top group in it. */
export function openCgroups(group: string): CgroupHost {
  const v2 = existsSync(join(ROOT, "cgroup.controllers"));
  const roots = v2
    ? [ROOT]
    : folders(ROOT)
        .map((name) => join(ROOT, name))
        .filter((path) => existsSync(join(path, "cgroup.procs")));
  const memoryRoot = v2 ? ROOT : join(ROOT, "memory");
  if (!v2 && !existsSync(join(memoryRoot, "cgroup.procs")))
    throw new Error("the kernel's memory control group is missing (mount /sys/fs/cgroup/memory)");
  if (v2) delegate(ROOT, join(ROOT, group));
  const hidden = join(ROOT, "unified");
  // Where it hides a hybrid hierarchy (see places.ts), a runtime leaves files that nobody removes: a few hundred fill it.
  const clear = (id: string): void => {
    if (!v2 && existsSync(hidden) && !existsSync(join(hidden, "cgroup.procs")))
      rmSync(join(hidden, group, id), { recursive: true, force: true });
  };
  const sweep = async (): Promise<{ processes: number; groups: number }> => {
    const found = { processes: 0, groups: 0 };
    for (const root of roots) await removeTree(join(root, group), found);
    return found;
  };
  return { version: v2 ? 2 : 1, group, sweep, create: (id, limits) => create({ v2, roots, group, clear }, id, limits) };
}

function delegate(root: string, group: string): void {
  mkdirSync(group, { recursive: true });
  for (const folder of [root, group]) {
    for (const controller of ["memory", "pids", "cpu"])
      writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
  }
}

interface Hierarchy {
  readonly v2: boolean;
  readonly roots: readonly string[];
  readonly group: string;
  /** Removes what is no control group, though it is named like one. */
  clear(id: string): void;
}

function create(
  { v2, roots, group, clear }: Hierarchy,
  id: string,
  limits: { memoryMB: number; cpus: number },
): Cgroup {
  const at = (controller: string): string => (v2 ? join(ROOT, group, id) : join(ROOT, controller, group, id));
  const memory = at("memory");
  if (v2) delegate(ROOT, join(ROOT, group));
  for (const controller of ["memory", "cpu"]) mkdirSync(at(controller), { recursive: true });
  if (v2)
    for (const controller of ["memory", "pids", "cpu"])
      writeFileSync(join(memory, "cgroup.subtree_control"), `+${controller}`);
  const resize = ({ memoryMB, cpus }: { memoryMB: number; cpus: number }): void => {
    const quota = Math.max(1000, Math.round(cpus * CPU_PERIOD));
    if (v2) writeFileSync(join(memory, "memory.max"), String(memoryMB * 1048576));
    else setMemoryV1(memory, memoryMB * 1048576);
    writeIfThere(join(memory, "memory.swap.max"), "0");
    if (v2) writeFileSync(join(at("cpu"), "cpu.max"), `${quota} ${CPU_PERIOD}`);
    else writeFileSync(join(at("cpu"), "cpu.cfs_quota_us"), String(quota));
  };
  resize(limits);
  const peak = join(memory, v2 ? "memory.peak" : "memory.max_usage_in_bytes");
  const peakFile = existsSync(peak) ? peak : join(memory, "memory.current"); // memory.peak came with Linux 5.19
  const outOfMemory = v2 ? undefined : watchMemory(memory);
  const processes = (): number[] => numbers(join(at("pids"), "box", "cgroup.procs"));
  return {
    path: `/${group}/${id}/box`,
    resize,
    setFrozen(frozen) {
      if (v2) writeFileSync(join(memory, "cgroup.freeze"), frozen ? "1" : "0");
      else signalAll(processes, frozen ? "SIGSTOP" : "SIGCONT");
    },
    peakFile,
    peakMemory: () => Number(read(peakFile)),
    wasOutOfMemory() {
      if (outOfMemory) return outOfMemory.happened();
      return Number(/^oom_kill (\d+)$/m.exec(read(join(memory, "memory.events")))?.[1] ?? 0) > 0;
    },
    processes,
    async remove() {
      outOfMemory?.close();
      for (const root of roots) await removeTree(join(root, group, id), { processes: 0, groups: 0 });
      clear(id);
    },
  };
}

const SIGNAL_ROUNDS = 100;

/**
 * Signals all processes, those too that others began meanwhile. Version 1's freezer is of no use: what is in it cannot be
 * killed, and would outlive the launcher.
 */
function signalAll(processes: () => number[], signal: "SIGSTOP" | "SIGCONT"): void {
  const signalled = new Set<number>();
  for (let round = 0; round < SIGNAL_ROUNDS; round++) {
    const missed = processes().filter((pid) => !signalled.has(pid));
    if (missed.length === 0) return;
    for (const pid of missed) {
      signalled.add(pid);
      try {
        process.kill(pid, signal);
      } catch {
        // gone meanwhile
      }
    }
  }
  throw new Error("processes begin others faster than they can be stopped");
}

/** The limit with swap may never be below the one without: which of them goes first depends on the direction. */
function setMemoryV1(folder: string, bytes: number): void {
  const files = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
    .map((name) => join(folder, name))
    .filter((file) => existsSync(file));
  const grows = bytes > Number(read(files[0] ?? ""));
  for (const file of grows ? files.reverse() : files) writeFileSync(file, String(bytes));
}

/** Version 1 counts kills only in the group of the victim, which the OCI runtime has removed when we could ask: an eventfd tells. */
function watchMemory(folder: string): { happened(): boolean; close(): void } {
  const event = makeEventFd();
  const control = openSync(join(folder, "memory.oom_control"), "r");
  writeFileSync(join(folder, "cgroup.event_control"), `${event} ${control}`);
  let happened = false;
  let open = true;
  return {
    happened() {
      try {
        if (open && !happened) happened = readSync(event, Buffer.alloc(8), 0, 8, null) === 8;
      } catch {
        // EAGAIN: it has not happened.
      }
      return happened;
    },
    close() {
      if (!open) return;
      open = false; // the group's removal raises the counter as well
      closeSync(control);
      closeSync(event);
    },
  };
}

const KILL_ROUNDS = 400;

/** Kills every process below a group and removes the groups, deepest first; bounded. */
async function removeTree(folder: string, found: { processes: number; groups: number }): Promise<void> {
  if (!existsSync(folder)) return;
  for (const name of folders(folder)) await removeTree(join(folder, name), found);
  for (let round = 0; round < KILL_ROUNDS; round++) {
    for (const pid of numbers(join(folder, "cgroup.procs"))) {
      found.processes += round === 0 ? 1 : 0;
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone meanwhile
      }
    }
    try {
      rmdirSync(folder);
      found.groups++;
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      await new Promise((resolve) => setTimeout(resolve, round < 20 ? 1 : 5));
    }
  }
  throw new Error(`control group ${folder} cannot be removed: its processes do not end`);
}
