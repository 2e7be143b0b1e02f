import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TOOL_PATH } from "./oci-runtime.ts";

/** Removes the disks of builds that a killed predecessor left on disk. Its mounts went with its namespace, its processes with their groups. */
export function sweepState(state: string): void {
  const disks = join(state, "builds");
  for (const name of existsSync("/sys/block") ? readdirSync("/sys/block") : [])
    if (name.startsWith("loop")) detach(name, disks);
  rmSync(disks, { recursive: true, force: true });
  mkdirSync(disks, { mode: 0o700 });
}

/**
 * Detaches a loop device if it holds one of the disks. The kernel detaches it by itself when its last mount goes, which
 * may be at this very moment: so a refusal counts only if the device still holds the disk.
 */
function detach(name: string, disks: string): void {
  if (!isOurs(name, disks)) return;
  try {
    execFileSync("losetup", ["-d", `/dev/${name}`], { stdio: "pipe", env: { PATH: TOOL_PATH } });
  } catch (error) {
    if (isOurs(name, disks)) throw error;
  }
}

function isOurs(name: string, disks: string): boolean {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").startsWith(`${disks}/`);
  } catch {
    return false; // not attached
  }
}
