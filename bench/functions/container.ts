// Starts a container with a function's namespaces, filters and limits for each line on its input, and answers with the
// milliseconds until the process inside has written. In a mount namespace of its own, as crun refuses hybrid control groups.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { containerConfig } from "../../src/launcher/oci-config.ts";
import { makeFunctionSkeleton, makeMountPoint } from "../../src/launcher/skeleton.ts";

const MEMORY_MB = 1024;
const CPU_PERIOD = 100_000;
const HYBRID = "/sys/fs/cgroup/unified";

const [program, ...args] = process.argv.slice(2) as [string, ...string[]];
if (existsSync(HYBRID)) execFileSync("mount", ["-t", "tmpfs", "tmpfs", HYBRID]);
const folder = mkdtempSync(join(tmpdir(), "starling-bench-"));
chmodSync(folder, 0o711); // the container's root is nobody on the host
const root = join(folder, "root");
mkdirSync(root);
makeFunctionSkeleton(root);
const mount = { source: dirname(program), target: program.startsWith("/usr/") ? "/usr/bin" : "/var/lang/bin" };
makeMountPoint(root, mount.target, true);
let n = 0;

async function startMs(): Promise<number> {
  const id = `starling-bench-${process.pid}-${n++}`;
  const config = containerConfig({
    kind: "function",
    root,
    args: [join(mount.target, basename(program)), ...args],
    env: { PATH: "/usr/bin" },
    cgroupPath: `/${id}`,
    pids: 1024,
    tmpMB: 512,
    mounts: mount.target === "/usr/bin" ? [] : [mount],
    user: { uid: 993, gid: 990 },
  });
  Object.assign((config["linux"] as { resources: object }).resources, {
    memory: { limit: MEMORY_MB * 2 ** 20 },
    cpu: { quota: CPU_PERIOD, period: CPU_PERIOD },
  });
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const started = performance.now();
  // Pipes for all three: crun gives what it finds there to the container's user, were it the host's /dev/null.
  const child = spawn("crun", ["--cgroup-manager=cgroupfs", "run", "--bundle", folder, id], { stdio: "pipe" });
  const [line] = await Promise.race([once(child.stdout, "data"), once(child, "close")]);
  if (!Buffer.isBuffer(line)) throw new Error(`the container ended with ${line}`);
  const took = performance.now() - started;
  await once(child, "close");
  return took;
}

try {
  for await (const _line of createInterface({ input: process.stdin })) process.stdout.write(`${await startMs()}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
