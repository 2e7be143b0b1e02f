import {
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  writeSync,
  ftruncateSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { bindMount, MS, mount, openFolder, tryLock, unmount } from "./ffi.ts";
import { TOOL_PATH } from "./oci-runtime.ts";

/** The folders of one running platform, all on a tmpfs that exists in the launcher's mount namespace only. */
export interface Places {
  readonly base: string;
  /** Read-only view of the project's code. */
  readonly code: string;
  /** View of the data folder, the app's. */
  readonly data: string;
  /** The app's own folder on the tmpfs, for sockets. */
  readonly run: string;
  /** The launcher's own folder on disk, which the app does not see. */
  readonly state: string;
  /** Bundles of running sandboxes. */
  readonly sandboxes: string;
  /** Name of the control group, from the data folder. */
  readonly group: string;
  readonly uid: number;
  /** The folders that mounts may come from, with a descriptor each. */
  readonly sources: readonly { readonly path: string; readonly fd: number }[];
}

const HYBRID = "/sys/fs/cgroup/unified";
/** Present on every Linux; the first is made if need be. */
const BASES = ["/run/starling", "/mnt"];

/** Refuses to work in a mount namespace that others share. */
export function requireOwnMountNamespace(): void {
  const parent = `/proc/${process.ppid}/ns/mnt`;
  if (existsSync(parent) && readlinkSync(parent) === readlinkSync("/proc/self/ns/mnt")) {
    throw new Error(
      "the launcher must be started in a mount namespace of its own (unshare -m --propagation slave); use the command that launcherCommand() gives",
    );
  }
}

/**
 * crun before 1.9 refuses a hybrid hierarchy. The tmpfs keeps it from making folders on the host's own /sys/fs/cgroup. A page
 * of it is taken for as long as a sandbox lives: there is room for 16,000 of them.
 */
export function hideHybridCgroup(): void {
  const isMounted = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[4] === HYBRID);
  if (!isMounted) return;
  unmount(HYBRID);
  mount("starling", HYBRID, "tmpfs", MS.NOSUID | MS.NODEV | MS.NOEXEC, "size=64m");
}

/** Takes the data folder for this process; a second launcher on it is refused with the pid of the first. */
export function lockData(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const data = realpathSync(dataDir);
  const state = join(data, "launcher");
  if (!existsSync(state)) mkdirSync(state, { mode: 0o700 });
  const found = lstatSync(state);
  if (!found.isDirectory() || found.uid !== 0)
    throw new Error(`${state} must be a folder that belongs to root; remove what is there`);
  const lock = openSync(join(state, "lock"), "a+", 0o600);
  if (!tryLock(lock)) {
    const pid = readFileSync(join(state, "lock"), "utf8").trim();
    closeSync(lock);
    throw new Error(
      `the data folder ${data} is in use by process ${pid || "?"}: stop that one, or choose another folder (STARLING_DATA)`,
    );
  }
  ftruncateSync(lock);
  writeSync(lock, `${process.pid}\n`);
  return data; // the lock stays open as long as this process lives
}

/** Mounts the private tmpfs and the views of code and data in it. */
export function preparePlaces(options: { codeDir: string; dataDir: string; uid: number }): Places {
  const { uid, dataDir } = options;
  const base = privateTmpfs();
  const at = (name: string, mode = 0o711): string => {
    const path = join(base, name);
    mkdirSync(path, { mode });
    return path;
  };
  const [code, data, run, state, sandboxes] = [at("code"), at("data"), at("run"), at("state", 0o700), at("sandboxes")];
  bindMount(realpathSync(options.codeDir), code, MS.RDONLY | MS.NOSUID | MS.NODEV);
  bindMount(join(dataDir, "launcher"), state, MS.NOSUID | MS.NODEV);
  giveToApp(dataDir, uid);
  bindMount(dataDir, data, MS.NOSUID | MS.NODEV);
  // Something is mounted over the launcher's own folder, so the app can neither see nor rename it, under either path.
  mount("starling", join(data, "launcher"), "tmpfs", MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC, "size=4k,mode=0");
  chownSync(run, uid, uid);
  const group = `starling-${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`;
  const sources = [code, data, run].map((path) => ({ path, fd: openFolder(path) }));
  return { base, code, data, run, state, sandboxes, group, uid, sources };
}

function privateTmpfs(): string {
  const failures: string[] = [];
  for (const base of BASES) {
    try {
      mkdirSync(base, { recursive: true, mode: 0o755 });
      mount("starling", base, "tmpfs", MS.NOSUID | MS.NODEV, "size=256m,mode=0755");
      mount(null, base, null, MS.SHARED); // what is mounted below later reaches running sandboxes
      return base;
    } catch (error) {
      failures.push(String(error));
    }
  }
  throw new Error(`no place for the launcher's private folder: ${failures.join("; ")}`);
}

/** The app owns the data folder; after a change of its uid everything in it follows. */
function giveToApp(dataDir: string, uid: number): void {
  if (statSync(dataDir).uid === uid) return;
  const find = [
    dataDir,
    "-xdev",
    "-path",
    join(dataDir, "launcher"),
    "-prune",
    "-o",
    "-exec",
    "chown",
    "-h",
    `${uid}:${uid}`,
    "{}",
    "+",
  ];
  execFileSync("find", find, { stdio: "pipe", env: { PATH: TOOL_PATH } });
}
