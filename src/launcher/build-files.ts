import { closeSync, constants, fstatSync, lstatSync, read, readdirSync, readlinkSync, type Stats } from "node:fs";
import { Socket } from "node:net";
import { promisify } from "node:util";
import { OPEN, openBelow, openFolder, RESOLVE, SystemCallError } from "./ffi.ts";

/** A file below a build's folder. */
export interface BuildFile {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly link?: string;
}

const O_READ = constants.O_RDONLY | OPEN.NONBLOCK | constants.O_NOCTTY; // a FIFO must not hang us

/** Opens a path as a process with that root would: no link, `..` or magic link leads out. */
function openInRoot(root: string, path: string, flags: number): number {
  const folder = openFolder(root);
  try {
    return openBelow(folder, path, flags, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
  } finally {
    closeSync(folder);
  }
}

const YIELD_EVERY = 256;

/** Everything that is a plain file or a link below `folder`, in byte order. A tenant may change it meanwhile: each step starts from an open folder. */
export async function listBuildFiles(root: string, folder: string, maxEntries: number): Promise<BuildFile[]> {
  const found: BuildFile[] = [];
  let seen = 0;
  const walk = async (fd: number, prefix: string, depth: number): Promise<void> => {
    if (depth > 128) throw new Error(`folders are nested too deep at ${prefix}`);
    const here = `/proc/self/fd/${fd}`;
    for (const name of readdirSync(here).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      if (++seen > maxEntries) throw new Error(`more than ${maxEntries} files below ${folder}`);
      if (seen % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
      const entry = entryAt(`${here}/${name}`);
      if (!entry) continue;
      const path = prefix + name;
      if (entry.stats.isDirectory()) await inFolder(fd, name, (inner) => walk(inner, `${path}/`, depth + 1));
      else if (entry.stats.isFile()) found.push({ path, size: entry.stats.size, mode: entry.stats.mode & 0o777 });
      else if (entry.link !== undefined) found.push({ path, size: 0, mode: 0o777, link: entry.link });
    }
  };
  const top = openInRoot(root, folder, constants.O_RDONLY | OPEN.DIRECTORY);
  try {
    await walk(top, "", 0);
  } finally {
    closeSync(top);
  }
  return found;
}

function entryAt(path: string): { stats: Stats; link: string | undefined } | undefined {
  try {
    const stats = lstatSync(path);
    return { stats, link: stats.isSymbolicLink() ? readlinkSync(path) : undefined };
  } catch {
    return undefined; // removed meanwhile
  }
}

async function inFolder(fd: number, name: string, work: (fd: number) => Promise<void>): Promise<void> {
  let inner: number;
  try {
    inner = openBelow(
      fd,
      name,
      constants.O_RDONLY | OPEN.DIRECTORY | OPEN.NOFOLLOW,
      RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS,
    );
  } catch {
    return; // removed, or made something else meanwhile
  }
  try {
    await work(inner);
  } finally {
    closeSync(inner);
  }
}

const CHUNK = 256 * 1024;
const readFd = promisify(read);
/** Before each file: 1 or 0 (is there), mode, size; where it is not there, the size is that of the reason that follows. */
const HEADER = 13;

/** Writes plain files one after the other into a pipe, each with a header before it. What comes is bounded by `maxBytes`. */
export async function sendBuildFiles(
  root: string,
  paths: readonly string[],
  maxBytes: number,
  pipe: number,
): Promise<void> {
  const out = new Socket({ fd: pipe, readable: false, writable: true });
  const failed = new Promise<never>((_resolve, reject) => out.once("error", reject));
  failed.catch(() => {});
  const write = async (data: Buffer): Promise<void> => {
    if (!out.write(data)) await Promise.race([failed, new Promise((resolve) => out.once("drain", resolve))]);
  };
  let left = maxBytes;
  try {
    for (const path of paths) left -= await sendFile(root, path, left, write);
    await Promise.race([failed, new Promise<void>((resolve) => out.end(resolve))]);
  } finally {
    out.destroy();
  }
}

function header(ok: boolean, mode: number, size: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt8(ok ? 1 : 0, 0);
  bytes.writeUInt32BE(mode, 1);
  bytes.writeBigUInt64BE(BigInt(size), 5);
  return bytes;
}

async function sendFile(
  root: string,
  path: string,
  left: number,
  write: (data: Buffer) => Promise<void>,
): Promise<number> {
  let fd: number;
  try {
    fd = openPlainFile(root, path, left);
  } catch (error) {
    const reason = Buffer.from(
      error instanceof SystemCallError
        ? `${path}: ${error.message.split(": ").at(-1)}`
        : String((error as Error).message),
    );
    await write(Buffer.concat([header(false, 0, reason.length), reason]));
    return 0;
  }
  try {
    const { size, mode } = fstatSync(fd);
    await write(header(true, mode & 0o777, size));
    for (let sent = 0; sent < size;) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size - sent));
      const { bytesRead } = await readFd(fd, buffer, 0, buffer.length, sent);
      if (bytesRead === 0) buffer.fill(0); // it shrank: what was promised is kept
      const count = bytesRead || buffer.length;
      await write(buffer.subarray(0, count));
      sent += count;
    }
    return size;
  } finally {
    closeSync(fd);
  }
}

function openPlainFile(root: string, path: string, maxBytes: number): number {
  const fd = openInRoot(root, path, O_READ);
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.size <= maxBytes) return fd;
  closeSync(fd);
  throw new Error(
    stats.isFile()
      ? `${path} is too big (${stats.size} bytes, ${maxBytes} are allowed)`
      : `${path} is not a plain file`,
  );
}
