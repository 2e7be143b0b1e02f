import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const groupName = (dataDir: string): string =>
  `starling-${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`;

/** Everything on the host that carries the name of this data folder. */
export function leftovers(dataDir: string): string[] {
  const group = groupName(dataDir);
  const places = [
    ...readdirSync("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}/${group}`),
    `/sys/fs/cgroup/${group}`,
  ];
  return [
    ...places.filter((place) => existsSync(place)),
    ...readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(dataDir)),
    ...readdirSync("/sys/block").filter(
      (name) =>
        existsSync(`/sys/block/${name}/loop/backing_file`) &&
        readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").includes(dataDir),
    ),
    ...readdirSync(join(dataDir, "launcher/builds")),
  ];
}

/** Processes in sandboxes of this data folder that are older than the launcher: of a life before this one. */
export function outlivers(dataDir: string, launcher: number): string[] {
  const group = groupName(dataDir);
  const born = startTime(String(launcher));
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(group) && startTime(pid) < born;
    } catch {
      return false; // gone meanwhile
    }
  });
}

/** When a process began, in ticks since the host did: the 22nd word, after a name that may hold anything. */
function startTime(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}
