import { execFile, spawn, type ChildProcess } from "node:child_process";
import { accessSync, closeSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { asBatchWork, makePipe } from "./ffi.ts";
import { containerConfig } from "./oci-config.ts";

/** Where the launcher's own helpers are looked for: never in a path that a user set. */
export const TOOL_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin";

/** The program that makes containers. */
export interface OciRuntime {
  /** Name and version, for people. */
  readonly name: string;
  /** Runs the container of a bundle in the foreground; its monitor is a child of ours that dies with us. */
  run(container: { id: string; bundle: string; stdio: number[]; isBatch?: boolean }): ChildProcess;
  /** What it had to say about a container that it could not start. */
  complaint(bundle: string): string;
}

function find(name: string): string | undefined {
  for (const folder of TOOL_PATH.split(":")) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not there
    }
  }
  return undefined;
}

/** The first of crun and runc (or the one that STARLING_OCI_RUNTIME names) that runs `/bin/true` in a container here. */
export async function findRuntime(
  stateFolder: string,
  bundleFolder: string,
  skeleton: string,
  group: string,
): Promise<OciRuntime> {
  const missing = ["setpriv", "nsenter", "mount"].filter((tool) => !find(tool));
  if (missing.length) throw new Error(`sandboxes need ${missing.join(", ")} (Debian packages util-linux and mount)`);
  const reasons: string[] = [];
  const chosen = process.env.STARLING_OCI_RUNTIME;
  if (chosen !== undefined && !/^[\w.-]{1,64}$/.test(chosen))
    throw new Error("STARLING_OCI_RUNTIME is the name of a program, such as crun or runc");
  for (const name of chosen ? [chosen] : ["crun", "runc"]) {
    const path = find(name);
    if (!path) {
      reasons.push(`${name} is not installed`);
      continue;
    }
    const runtime = openRuntime(name, path, join(stateFolder, name), await versionOf(name, path));
    const complaint = await probe(runtime, join(bundleFolder, `probe-${name}`), skeleton, `/${group}/probe-${name}`);
    if (complaint === undefined) return runtime;
    reasons.push(`${runtime.name} cannot run a container here: ${complaint}`);
  }
  throw new Error(`no container runtime works (on Debian: apt-get install crun). ${reasons.join("; ")}`);
}

async function versionOf(name: string, path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 5000 });
  return `${name} ${/version\s+(\S+)/.exec(stdout)?.[1] ?? "of unknown version"}`;
}

function openRuntime(name: string, path: string, state: string, version: string): OciRuntime {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const own = name === "crun" ? ["--cgroup-manager=cgroupfs"] : [];
  return {
    name: version,
    run({ id, bundle, stdio, isBatch = false }) {
      checkNullDevice();
      const extra = stdio.length > 3 ? [`--preserve-fds=${stdio.length - 3}`] : [];
      const args = ["--root", state, ...own, "--log", join(bundle, "log"), "run", ...extra, "--bundle", bundle, id];
      // setpriv: the monitor is killed when we are, and its death kills pid 1 of the container (see containerConfig).
      const start = (): ChildProcess =>
        spawn("setpriv", ["--pdeathsig", "KILL", "--", path, ...args], {
          stdio,
          env: { PATH: TOOL_PATH },
          cwd: "/",
          detached: true,
        });
      return isBatch ? asBatchWork(start) : start();
    },
    complaint(bundle) {
      try {
        return readFileSync(join(bundle, "log"), "utf8").trim().slice(0, 2000);
      } catch {
        return "";
      }
    },
  };
}

/** Device nodes in containers are the host's: were `/dev/null` another user's, root of a build could own it. */
function checkNullDevice(): void {
  const { mode, uid, gid } = statSync("/dev/null");
  if (uid !== 0 || gid !== 0 || (mode & 0o777) !== 0o666)
    throw new Error(
      "/dev/null of the host must belong to root:root with mode 0666 (chown root:root /dev/null; chmod 666 /dev/null)",
    );
}

const PROBE_MS = 10_000;

async function probe(
  runtime: OciRuntime,
  bundle: string,
  skeleton: string,
  cgroupPath: string,
): Promise<string | undefined> {
  mkdirSync(bundle, { recursive: true });
  const config = containerConfig({
    kind: "function",
    root: skeleton,
    args: ["/bin/true"],
    env: {},
    cgroupPath,
    pids: 16,
    tmpMB: 1,
    mounts: [],
    user: { uid: 993, gid: 990 },
  });
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  const pipes = [makePipe(), makePipe(), makePipe()];
  const ends = pipes.map((pipe, i) => (i === 0 ? pipe.read : pipe.write));
  try {
    const child = runtime.run({ id: `probe-${process.pid}`, bundle, stdio: ends });
    const timer = setTimeout(() => child.kill("SIGKILL"), PROBE_MS);
    const code = await new Promise<number | null | Error>((resolve) => {
      child.once("error", resolve);
      child.once("exit", resolve);
    });
    clearTimeout(timer);
    if (code === 0) return undefined;
    return runtime.complaint(bundle) || `/bin/true ended with ${code instanceof Error ? code.message : code}`;
  } finally {
    for (const pipe of pipes) {
      closeSync(pipe.read);
      closeSync(pipe.write);
    }
    rmSync(bundle, { recursive: true, force: true });
  }
}
