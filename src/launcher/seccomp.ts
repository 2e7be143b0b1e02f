/** Calls that open attack surface of the kernel and that no function or build needs. */
const DENIED = [
  "acct",
  "add_key",
  "bpf",
  "clock_adjtime",
  "clock_settime",
  "delete_module",
  "fanotify_init",
  "finit_module",
  "fsconfig",
  "fsmount",
  "fsopen",
  "fspick",
  "init_module",
  "io_uring_enter",
  "io_uring_register",
  "io_uring_setup",
  "ioperm",
  "iopl",
  "kcmp",
  "kexec_file_load",
  "kexec_load",
  "keyctl",
  "lookup_dcookie",
  "mount",
  "mount_setattr",
  "move_mount",
  "move_pages",
  "name_to_handle_at",
  "open_by_handle_at",
  "open_tree",
  "perf_event_open",
  "personality",
  "pidfd_getfd",
  "pivot_root",
  "process_vm_readv",
  "process_vm_writev",
  "ptrace",
  "quotactl",
  "reboot",
  "request_key",
  "setdomainname",
  "sethostname",
  "setns",
  "settimeofday",
  "swapoff",
  "swapon",
  "syslog",
  "umount2",
  "unshare",
  "userfaultfd",
  "vhangup",
  "vmsplice",
];
/** Only functions: a build's root may chroot (apt does). */
const DENIED_TO_FUNCTIONS = ["chroot"];
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NEW_NAMESPACE = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];
/** Socket families other than unix (1), IPv4 (2), IPv6 (10) and netlink (16). */
const CLOSED_FAMILIES = [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15];

interface Rule {
  names: string[];
  action: string;
  errnoRet: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}

const refuse = (names: string[], errnoRet: number, args?: Rule["args"]): Rule => ({
  names,
  action: "SCMP_ACT_ERRNO",
  errnoRet,
  ...(args ? { args } : {}),
});

/** The system call filter of sandboxes, in OCI's terms. Programs of another ABI are killed. */
export function seccompProfile(kind: "function" | "build" | "tool"): Record<string, unknown> {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: [process.arch === "arm64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64"],
    syscalls: [
      refuse(kind === "build" ? DENIED : [...DENIED, ...DENIED_TO_FUNCTIONS], EPERM),
      refuse(["clone3"], ENOSYS), // its flags lie in memory, where a filter cannot look; libc then falls back to clone
      ...NEW_NAMESPACE.map((v) =>
        refuse(["clone"], EPERM, [{ index: 0, value: v, valueTwo: v, op: "SCMP_CMP_MASKED_EQ" }]),
      ),
      refuse(["socket"], EAFNOSUPPORT, [{ index: 0, value: 17, op: "SCMP_CMP_GE" }]),
      ...CLOSED_FAMILIES.map((v) => refuse(["socket"], EAFNOSUPPORT, [{ index: 0, value: v, op: "SCMP_CMP_EQ" }])),
    ],
  };
}
