import { closeSync } from "node:fs";
import { Socket } from "node:net";
import koffi from "koffi";

const pipe2 = koffi.load("libc.so.6").func("int pipe2(void*, int)");
const fcntl = koffi.load("libc.so.6").func("int fcntl(int, int, int)");
const CLOEXEC = 0o2000000;
const NONBLOCK = 0o4000;
const F_SETFL = 4;

/** A pipe between this process and a sandbox: we keep one end, the launcher opens the other by its number in our process. */
export interface SandboxPipe {
  /** Our end, as a stream. */
  readonly stream: Socket;
  /** Our end, as a descriptor (non-blocking). */
  readonly own: number;
  /** The end that the launcher opens. */
  readonly theirs: number;
  /** To be called when the launcher has opened its end (or has refused). */
  release(): void;
}

/** Makes a real pipe: what a process inside writes to (`read`) or reads from (`write`), seen from here. */
export function makeSandboxPipe(direction: "read" | "write"): SandboxPipe {
  const ends = Buffer.alloc(8);
  if (Number(pipe2(ends, CLOEXEC)) < 0)
    throw new Error(`no pipe for a sandbox: errno ${koffi.errno()} (too many open files?)`);
  const [reader, writer] = [ends.readInt32LE(0), ends.readInt32LE(4)];
  const [own, theirs] = direction === "read" ? [reader, writer] : [writer, reader];
  fcntl(own, F_SETFL, NONBLOCK);
  const stream = new Socket({ fd: own, readable: direction === "read", writable: direction === "write" });
  stream.on("error", () => {}); // EPIPE of a process that has ended; whoever cares listens as well
  let open = true;
  return {
    stream,
    own,
    theirs,
    release() {
      if (open) closeSync(theirs);
      open = false;
    },
  };
}
