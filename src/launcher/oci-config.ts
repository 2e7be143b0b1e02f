import { readFileSync } from "node:fs";
import { seccompProfile } from "./seccomp.ts";

/** Ids of containers start here on the host. */
export const FIRST_ID = 200000;
const ID_COUNT = 65536;

/** A bind mount of a container; `late` means that something may be mounted there while it runs. */
export interface ContainerMount {
  readonly source: string;
  readonly target: string;
  readonly writable?: boolean;
  readonly late?: boolean;
}

export interface ContainerSpec {
  readonly kind: "function" | "build" | "tool";
  /** The root file system: of a build its overlay, of others a skeleton that stays read-only. */
  readonly root: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cgroupPath: string;
  readonly pids: number;
  readonly tmpMB: number;
  readonly mounts: readonly ContainerMount[];
  readonly user: { uid: number; gid: number };
  /** A single id of the host that `user` is, instead of a range. */
  readonly hostUser?: { uid: number; gid: number };
  /** Path of an existing network namespace; without it the container has one with nothing in it. */
  readonly netns?: string;
  readonly cwd?: string;
}

/** All of them count inside the build's user namespace only. */
const BUILD_CAPABILITIES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "SETGID",
  "SETUID",
  "SETFCAP",
  "SYS_CHROOT",
].map((c) => `CAP_${c}`);
const MASKED = [
  "acpi",
  "asound",
  "kcore",
  "keys",
  "latency_stats",
  "timer_list",
  "timer_stats",
  "sched_debug",
  "scsi",
].map((name) => `/proc/${name}`);
const READ_ONLY = ["bus", "fs", "irq", "sys", "sysrq-trigger"].map((name) => `/proc/${name}`);
const NAMESPACES = ["pid", "ipc", "uts", "mount", "user", "cgroup"];

/** Never above our own limit: raising it asks for CAP_SYS_RESOURCE. */
function fileLimit(wanted: number): number {
  const own = Number(/open files +\d+ +(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 1024);
  return Math.min(wanted, own);
}

const tmpfs = (destination: string, options: string[], flags: string[]): object => ({
  destination,
  type: "tmpfs",
  source: "tmpfs",
  options: [...flags, ...options],
});

function systemMounts(spec: ContainerSpec): object[] {
  const strict = ["nosuid", "noexec", "nodev"];
  const common = [
    { destination: "/proc", type: "proc", source: "proc", options: strict },
    tmpfs("/dev", ["mode=755", "size=64k"], ["nosuid", "noexec", "strictatime"]),
    tmpfs("/dev/shm", ["mode=1777", "size=64m"], strict),
  ];
  if (spec.kind === "build") {
    return [
      ...common,
      tmpfs("/run", ["mode=755", "size=16m"], ["nosuid", "nodev"]),
      tmpfs("/run/state", ["mode=700", "size=4m"], strict),
    ];
  }
  return [
    ...common,
    bind({ source: "/usr", target: "/usr" }),
    tmpfs("/tmp", ["mode=1777", `size=${spec.tmpMB}m`], ["nosuid", "nodev"]),
  ];
}

function bind(mount: ContainerMount): object {
  const options = [
    mount.late ? "rbind" : "bind",
    ...(mount.late ? ["rslave"] : []),
    mount.writable ? "rw" : "ro",
    "nosuid",
    "nodev",
  ];
  return { destination: mount.target, type: "bind", source: mount.source, options };
}

/** With a single id of the host, id 0 is mapped to an id without rights: runc needs it. */
function idMappings(containerId: number, hostId: number | undefined): object[] {
  if (hostId === undefined) return [{ containerID: 0, hostID: FIRST_ID, size: ID_COUNT }];
  return [
    { containerID: 0, hostID: FIRST_ID, size: 1 },
    { containerID: containerId, hostID: hostId, size: 1 },
  ];
}

/** Pid 1 of a container without a lifeline is killed when the monitor dies, and the monitor when the launcher dies. */
function commandOf(spec: ContainerSpec): string[] {
  return spec.kind === "build" ? [...spec.args] : ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", ...spec.args];
}

/** The OCI configuration of a container. Memory and CPU limits are not in it: they are set on the control group around it. */
export function containerConfig(spec: ContainerSpec): Record<string, unknown> {
  const isBuild = spec.kind === "build";
  const capabilities = isBuild ? BUILD_CAPABILITIES : [];
  const files = fileLimit(isBuild ? 65536 : 1024);
  const mounts = [...spec.mounts].sort((a, b) => a.target.split("/").length - b.target.split("/").length);
  return {
    ociVersion: "1.0.0",
    hostname: isBuild ? "build" : "sandbox",
    root: { path: spec.root, readonly: !isBuild },
    process: {
      terminal: false,
      user: { uid: spec.user.uid, gid: spec.user.gid, umask: 0o22 },
      args: commandOf(spec),
      cwd: spec.cwd ?? "/",
      env: Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
      noNewPrivileges: true,
      capabilities: Object.fromEntries(
        ["bounding", "effective", "permitted", "inheritable", "ambient"].map((set) => [
          set,
          set === "inheritable" || set === "ambient" ? [] : capabilities,
        ]),
      ),
      rlimits: [
        { type: "RLIMIT_NOFILE", hard: files, soft: Math.min(1024, files) },
        { type: "RLIMIT_CORE", hard: 0, soft: 0 },
      ],
    },
    mounts: [...systemMounts(spec), ...mounts.map(bind)],
    linux: {
      uidMappings: idMappings(spec.user.uid, spec.hostUser?.uid),
      gidMappings: idMappings(spec.user.gid, spec.hostUser?.gid),
      namespaces: [
        ...NAMESPACES.map((type) => ({ type })),
        { type: "network", ...(spec.netns ? { path: spec.netns } : {}) },
      ],
      cgroupsPath: spec.cgroupPath,
      resources: {
        devices: [{ allow: false, access: "rwm" }],
        pids: { limit: spec.pids },
      },
      seccomp: seccompProfile(spec.kind),
      maskedPaths: [...MASKED, "/sys/firmware"],
      readonlyPaths: READ_ONLY,
      ...(spec.mounts.some((m) => m.late) ? { rootfsPropagation: "rslave" } : {}),
    },
  };
}
