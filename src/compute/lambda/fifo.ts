import { chmodSync, constants, openSync } from "node:fs";
import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const mkfifo = libc.func("int mkfifo(const char*, unsigned int)");
const fcntl = libc.func("int fcntl(int, int, int)");
const F_SETFL = 4;
/** Both ends, so that opening waits for nobody and nobody's closing ends it. */
const OPEN = constants.O_RDWR | constants.O_NONBLOCK;

/** What one write of a packet pipe carries at most: beyond it the kernel splits. */
export const MAX_PACKET = 4096;

/** Makes a pipe with a name that a process of another user can open. */
export function makeFifo(path: string): void {
  if (Number(mkfifo(path, 0o600)) < 0) throw new Error(`no pipe at ${path}: errno ${koffi.errno()}`);
  chmodSync(path, 0o666); // mkfifo follows the umask
}

export function openFifo(path: string): number {
  return openSync(path, OPEN);
}

/** Opens a named pipe so that each write is a packet: a read takes one, whole or not at all. */
export function openPackets(path: string): number {
  const fd = openSync(path, OPEN);
  if (Number(fcntl(fd, F_SETFL, constants.O_NONBLOCK | constants.O_DIRECT)) < 0)
    throw new Error(`no packets on ${path}: errno ${koffi.errno()}`);
  return fd;
}
