import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TOOL_PATH } from "./oci-runtime.ts";

/** Removes the disks of builds that a killed predecessor left on disk. Its mounts went with its namespace, its processes with their groups. */
export function sweepState(state: string): void {
  const disks = join(state, "builds");
  for (const name of existsSync("/sys/block") ? readdirSync("/sys/block") : []) {
    const file = `/sys/block/${name}/loop/backing_file`;
    if (!name.startsWith("loop") || !existsSync(file)) continue;
    if (isOurs(file, disks))
      execFileSync("losetup", ["-d", `/dev/${name}`], { stdio: "pipe", env: { PATH: TOOL_PATH } });
  }
  rmSync(disks, { recursive: true, force: true });
  mkdirSync(disks, { mode: 0o700 });
}

function isOurs(file: string, disks: string): boolean {
  try {
    return readFileSync(file, "utf8").startsWith(`${disks}/`);
  } catch {
    return false; // detached meanwhile
  }
}
