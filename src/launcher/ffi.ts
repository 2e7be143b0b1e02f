import { openSync, closeSync, writeFileSync } from "node:fs";
import koffi from "koffi";

/** The system calls that Node lacks. All are synchronous: a namespace belongs to the calling thread. */
const libc = koffi.load("libc.so.6");
const calls = {
  mount: libc.func("int mount(const char*, const char*, const char*, unsigned long, const char*)"),
  umount2: libc.func("int umount2(const char*, int)"),
  setxattr: libc.func("int setxattr(const char*, const char*, void*, size_t, int)"),
  unshare: libc.func("int unshare(int)"),
  setns: libc.func("int setns(int, int)"),
  open: libc.func("int open(const char*, int, int)"),
  pipe2: libc.func("int pipe2(void*, int)"),
  socket: libc.func("int socket(int, int, int)"),
  bind: libc.func("int bind(int, void*, unsigned int)"),
  connect: libc.func("int connect(int, void*, unsigned int)"),
  listen: libc.func("int listen(int, int)"),
  setsockopt: libc.func("int setsockopt(int, int, int, void*, unsigned int)"),
  ioctl: libc.func("int ioctl(int, unsigned long, void*)"),
  flock: libc.func("int flock(int, int)"),
  eventfd: libc.func("int eventfd(unsigned int, int)"),
  fcntl: libc.func("int fcntl(int, int, int)"),
  sched_setscheduler: libc.func("int sched_setscheduler(int, int, void*)"),
  prctl: libc.func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)"),
  // By number: glibc before 2.36 has no names for them.
  syscall3: libc.func("long syscall(long, int, const char*, int)"),
  syscall4: libc.func("long syscall(long, int, const char*, void*, size_t)"),
  syscall5: libc.func("long syscall(long, int, const char*, unsigned int, void*, size_t)"),
  syscallMove: libc.func("long syscall(long, int, const char*, int, const char*, unsigned int)"),
};
const OPEN_TREE = 428;
const MOVE_MOUNT = 429;
const OPENAT2 = 437;
const MOUNT_SETATTR = 442;

/** A system call that failed, with its errno. */
export class SystemCallError extends Error {
  readonly errno: number;
  constructor(name: string, detail: string) {
    const errno = koffi.errno();
    const code =
      Object.entries(koffi.os.errno as Record<string, number>).find(([, value]) => value === errno)?.[0] ??
      `errno ${errno}`;
    super(`${name} ${detail}: ${code}`);
    this.name = "SystemCallError";
    this.errno = errno;
  }
}

function checked(result: unknown, name: string, detail = ""): number {
  const value = Number(result);
  if (value < 0) throw new SystemCallError(name, detail);
  return value;
}

const SCHED_OTHER = 0;
const SCHED_BATCH = 3;

/**
 * What `start` spawns is scheduled as batch work, with all its children: being woken it does not push aside whoever woke
 * it, so that the app hands out several events before it has to yield.
 */
export function asBatchWork<T>(start: () => T): T {
  const priority = Buffer.alloc(4);
  const policy = (value: number): void =>
    void checked(calls.sched_setscheduler(0, value, priority), "sched_setscheduler", String(value));
  policy(SCHED_BATCH);
  try {
    return start();
  } finally {
    policy(SCHED_OTHER);
  }
}

export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  BIND: 4096,
  PRIVATE: 1 << 18,
  SHARED: 1 << 20,
} as const;

export function mount(
  source: string | null,
  target: string,
  type: string | null,
  flags: number,
  data: string | null = null,
): void {
  checked(calls.mount(source, target, type, flags, data), "mount", `${source ?? ""} on ${target}`);
}

/** Detaches whatever is mounted there; `false` where nothing is. */
export function unmount(target: string): boolean {
  return calls.umount2(target, 2 /* MNT_DETACH */) === 0;
}

/** Binds `source` (which may be a `/proc/self/fd/N` path) at `target`, with further flags such as read-only. */
export function bindMount(source: string, target: string, flags: number): void {
  mount(source, target, null, MS.BIND);
  mount(null, target, null, MS.BIND | MS.REMOUNT | flags);
}

/** Marks a folder of an overlay layer as hiding the same folder in the layers below. */
export function markOpaque(folder: string): void {
  checked(calls.setxattr(folder, "trusted.overlay.opaque", Buffer.from("y"), 1, 0), "setxattr", folder);
}

const AT_FDCWD = -100;
const CLOEXEC = 0o2000000;

/** A read-only view of `source` at `target` in which the ids on disk are shifted as the user namespace maps them. */
export function bindIdMapped(source: string, target: string, userNamespaceFd: number): void {
  const tree = checked(calls.syscall3(OPEN_TREE, AT_FDCWD, source, 1 | CLOEXEC), "open_tree", source);
  try {
    const attributes = Buffer.alloc(32); // struct mount_attr { set, clear, propagation, userns_fd }
    attributes.writeBigUInt64LE(0x100000n | 1n | 2n | 4n, 0); // IDMAP, RDONLY, NOSUID, NODEV
    attributes.writeBigUInt64LE(BigInt(userNamespaceFd), 24);
    checked(
      calls.syscall5(MOUNT_SETATTR, tree, "", 0x1000 /* AT_EMPTY_PATH */, attributes, 32),
      "mount_setattr",
      source,
    );
    checked(calls.syscallMove(MOVE_MOUNT, tree, "", AT_FDCWD, target, 4 /* F_EMPTY_PATH */), "move_mount", target);
  } finally {
    closeSync(tree);
  }
}

export const OPEN = { PATH: 0o10000000, DIRECTORY: 0o200000, NOFOLLOW: 0o400000, NONBLOCK: 0o4000, CLOEXEC } as const;
export const RESOLVE = { NO_MAGICLINKS: 2, NO_SYMLINKS: 4, BENEATH: 8, IN_ROOT: 16 } as const;

/** Opens a path below the folder that `directoryFd` is, by the rules of `openat2`. */
export function openBelow(directoryFd: number, path: string, flags: number, resolve: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  return checked(calls.syscall4(OPENAT2, directoryFd, path, how, 24), "openat2", path);
}

/** Opens a folder as a mere place (O_PATH). */
export function openFolder(path: string): number {
  return checked(calls.open(path, OPEN.PATH | OPEN.DIRECTORY | CLOEXEC, 0), "open", path);
}

/** A real pipe. Node's own `pipe` stdio is a socket pair, and opening `/dev/stderr` fails on a socket. */
export function makePipe(): { read: number; write: number } {
  const ends = Buffer.alloc(8);
  checked(calls.pipe2(ends, CLOEXEC), "pipe2");
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}

/** Makes reads and writes wait again. */
export function makeBlocking(fd: number): void {
  checked(calls.fcntl(fd, 4 /* F_SETFL */, 0), "fcntl");
}

/** An exclusive lock that lasts as long as this process; `false` where another process holds it. */
export function tryLock(fd: number): boolean {
  return calls.flock(fd, 2 | 4) === 0;
}

/** A counter that the kernel raises (non-blocking). */
export function makeEventFd(): number {
  return checked(calls.eventfd(0, CLOEXEC | OPEN.NONBLOCK), "eventfd");
}

/** Asks for `signal` when the parent process ends. */
export function signalOnParentDeath(signal: number): void {
  checked(calls.prctl(1 /* PR_SET_PDEATHSIG */, signal, 0, 0, 0), "prctl");
}

const CLONE_NEWNET = 0x40000000;
const openOwnNetns = (): number => openSync("/proc/thread-self/ns/net", "r");

/** Runs `work` inside a network namespace and comes back; never goes on in the wrong place. */
export function inNetns<T>(fd: number, work: () => T): T {
  const home = openOwnNetns();
  try {
    checked(calls.setns(fd, CLONE_NEWNET), "setns");
    try {
      return work();
    } finally {
      if (Number(calls.setns(home, CLONE_NEWNET)) < 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

/** A new network namespace with only a loopback. It belongs to the host's user namespace: no root of a container has power over it. */
export function newNetns(): number {
  const home = openOwnNetns();
  try {
    checked(calls.unshare(CLONE_NEWNET), "unshare");
    try {
      const fd = openOwnNetns();
      const socket = checked(calls.socket(2, 2 | CLOEXEC, 0), "socket");
      const request = Buffer.alloc(40); // struct ifreq
      request.write("lo");
      request.writeInt16LE(0x41, 16); // IFF_UP | IFF_RUNNING
      checked(calls.ioctl(socket, 0x8914 /* SIOCSIFFLAGS */, request), "ioctl");
      nameLoopback(socket);
      closeSync(socket);
      writeFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
      disableIpv6();
      return fd;
    } finally {
      if (Number(calls.setns(home, CLONE_NEWNET)) < 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

/** A second address of the loopback: to resolvers that ask for configured families, 127.0.0.1 alone is no IPv4 at all. */
function nameLoopback(socket: number): void {
  const request = Buffer.alloc(40);
  request.write("lo:1");
  request.writeUInt16LE(2, 16); // AF_INET
  request.set([127, 0, 0, 43], 20);
  checked(calls.ioctl(socket, 0x8916 /* SIOCSIFADDR */, request), "ioctl");
}

function disableIpv6(): void {
  try {
    writeFileSync("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  } catch {
    // A kernel without IPv6 has nothing to switch off.
  }
}

/** A bound socket (and listening, for a stream) in the network namespace of the calling thread. */
export function boundSocket(type: "stream" | "datagram", ip: string, port: number): number {
  const fd = checked(calls.socket(2, (type === "stream" ? 1 : 2) | CLOEXEC | OPEN.NONBLOCK, 0), "socket");
  const address = socketAddress(ip, port);
  if (type === "stream") checked(calls.setsockopt(fd, 1, 2, Buffer.from([1, 0, 0, 0]), 4), "setsockopt");
  checked(calls.bind(fd, address, 16), "bind", `${ip}:${port}`);
  if (type === "stream") checked(calls.listen(fd, 128), "listen", `${ip}:${port}`);
  return fd;
}

function socketAddress(ip: string, port: number): Buffer {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(2, 0);
  address.writeUInt16BE(port, 2);
  address.set(ip.split(".").map(Number), 4);
  return address;
}

/** A socket that is on its way to an address in the network namespace of the calling thread; it waits for nobody. */
export function connectingSocket(ip: string, port: number): number {
  const fd = checked(calls.socket(2, 1 | CLOEXEC | OPEN.NONBLOCK, 0), "socket");
  if (Number(calls.connect(fd, socketAddress(ip, port), 16)) < 0 && koffi.errno() !== koffi.os.errno["EINPROGRESS"]) {
    const error = new SystemCallError("connect", `${ip}:${port}`);
    closeSync(fd);
    throw error;
  }
  return fd;
}
