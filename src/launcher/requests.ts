/** What the app may ask of the launcher. Every message is checked here; nothing else reads one. */
export interface MountRequest {
  readonly source: string;
  readonly target: string;
}

export interface FunctionRequest {
  readonly id: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly mounts: MountRequest[];
  readonly socketFolder: string | undefined;
  readonly memoryMB: number;
  readonly tmpMB: number;
  readonly cpus: number;
  readonly pids: number;
  readonly internet: boolean;
  readonly runtimeApi: boolean;
  /** Descriptors of pipes in the app's process. */
  readonly stdout: number;
  readonly stderr: number;
}

export interface ToolRequest {
  readonly id: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly mounts: MountRequest[];
  readonly writable: MountRequest[];
  readonly memoryMB: number;
  readonly timeoutMs: number;
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

export interface BuildRequest {
  readonly id: string;
  readonly env: Record<string, string>;
  readonly copyIn: MountRequest[];
  readonly mounts: MountRequest[];
  readonly memoryMB: number;
  readonly diskMB: number;
  readonly cpus: number;
  readonly pids: number;
  readonly internet: boolean;
  readonly output: number;
  readonly commands: number;
  readonly results: number;
}

/** A message of the app as it came. */
export type Message = Record<string, unknown>;

function fail(what: string): never {
  throw new Error(`bad request to the launcher: ${what}`);
}

export function readMessage(value: unknown): Message {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail("not an object");
  return value as Message;
}

export function text(value: unknown, name: string, maximum = 65536): string {
  if (typeof value !== "string" || value.length > maximum || value.includes("\0"))
    fail(`${name} must be text of at most ${maximum} characters without NUL`);
  return value;
}

export function number(value: unknown, name: string, minimum: number, maximum: number): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < minimum || value > maximum)
    fail(`${name} must be a number from ${minimum} to ${maximum}`);
  return value;
}

const integer = (value: unknown, name: string, minimum: number, maximum: number): number => {
  const n = number(value, name, minimum, maximum);
  return Number.isInteger(n) ? n : fail(`${name} must be a whole number`);
};
const descriptor = (value: unknown, name: string): number => integer(value, name, 3, 1 << 20);

export function sandboxId(value: unknown): string {
  return typeof value === "string" && /^[a-z0-9-]{1,64}$/.test(value)
    ? value
    : fail("an id is 1 to 64 of a-z, 0-9 and -");
}

function list<T>(value: unknown, name: string, maximum: number, read: (item: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > maximum) fail(`${name} must be a list of at most ${maximum}`);
  return value.map(read);
}

/** Absolute, and free of anything that could mean another place. */
export function absolutePath(value: unknown, name: string): string {
  const path = text(value, name, 4096);
  if (
    !path.startsWith("/") ||
    path.split("/").some((part) => part === ".." || part === ".") ||
    path.includes("//") ||
    path.includes("\n")
  )
    fail(`${name} must be a plain absolute path`);
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** Places of a container that no mount of the app may cover. */
const RESERVED = /^\/($|usr|bin|sbin|lib|lib64|proc|sys|dev|etc|run)(\/|$)/;
/** The same of a build, whose `/usr/local` is its own. */
const RESERVED_IN_BUILD = new RegExp(RESERVED.source.replace("usr", "usr(?!/local/.)"));

export function readMount(value: unknown, reserved = RESERVED): MountRequest {
  const { source, target } = readMessage(value);
  const inside = absolutePath(target, "target of a mount");
  if (reserved.test(inside)) fail(`nothing may be mounted at ${inside}`);
  return { source: absolutePath(source, "source of a mount"), target: inside };
}

function environment(value: unknown): Record<string, string> {
  const entries = Object.entries(readMessage(value ?? {}));
  if (entries.length > 1024) fail("at most 1024 environment variables");
  return Object.fromEntries(
    entries.map(([key, item]) => {
      if (!/^[^=\0]{1,1024}$/.test(key)) fail("names of environment variables are 1 to 1024 characters without =");
      return [key, text(item, `environment variable ${key}`, 131072)];
    }),
  );
}

/** What the app tells of itself, first of all. */
export interface Hello {
  /** The certificate of its authority. */
  readonly ca: string;
  readonly platformPort: number;
}

export const readHello = (m: Message): Hello => ({
  ca: text(m.ca, "ca"),
  platformPort: integer(m.platformPort, "platformPort", 1, 65535),
});

const MAX_MEMORY_MB = 1 << 20;
const args = (value: unknown): string[] => list(value, "args", 256, (item) => text(item, "an argument", 131072));
const mounts = (value: unknown, name: string): MountRequest[] => list(value ?? [], name, 64, (item) => readMount(item));

export function readFunctionRequest(m: Message): FunctionRequest {
  return {
    id: sandboxId(m.id),
    args: args(m.args),
    env: environment(m.env),
    mounts: mounts(m.mounts, "mounts"),
    socketFolder: m.socketFolder === undefined ? undefined : absolutePath(m.socketFolder, "socketFolder"),
    ...readLimits(m),
    tmpMB: integer(m.tmpMB, "tmpMB", 1, MAX_MEMORY_MB),
    pids: integer(m.pids, "pids", 4, 65536),
    internet: m.internet === true,
    runtimeApi: m.runtimeApi === true,
    stdout: descriptor(m.stdout, "stdout"),
    stderr: descriptor(m.stderr, "stderr"),
  };
}

export function readLimits(m: Message): { memoryMB: number; cpus: number } {
  return { memoryMB: integer(m.memoryMB, "memoryMB", 8, MAX_MEMORY_MB), cpus: number(m.cpus, "cpus", 0.01, 1024) };
}

export function readToolRequest(m: Message): ToolRequest {
  return {
    id: sandboxId(m.id),
    args: args(m.args),
    env: environment(m.env),
    mounts: mounts(m.mounts, "mounts"),
    writable: mounts(m.writable, "writable"),
    memoryMB: integer(m.memoryMB, "memoryMB", 8, MAX_MEMORY_MB),
    timeoutMs: integer(m.timeoutMs, "timeoutMs", 1, 24 * 3600_000),
    stdin: descriptor(m.stdin, "stdin"),
    stdout: descriptor(m.stdout, "stdout"),
    stderr: descriptor(m.stderr, "stderr"),
  };
}

export function readBuildRequest(m: Message): BuildRequest {
  return {
    id: sandboxId(m.id),
    env: environment(m.env),
    copyIn: mounts(m.copyIn, "copyIn"),
    mounts: list(m.mounts, "mounts", 8, (item) => readMount(item, RESERVED_IN_BUILD)),
    ...readLimits(m),
    diskMB: integer(m.diskMB, "diskMB", 16, 1 << 20),
    pids: integer(m.pids, "pids", 8, 65536),
    internet: m.internet === true,
    output: descriptor(m.output, "output"),
    commands: descriptor(m.commands, "commands"),
    results: descriptor(m.results, "results"),
  };
}

export const readPort = (value: unknown): number => integer(value, "port", 1, 65535);

export interface FilesRequest {
  readonly paths: string[];
  readonly maxBytes: number;
  readonly pipe: number;
}

export function readFilesRequest(m: Message): FilesRequest {
  return {
    paths: list(m.paths, "paths", 200_000, (item) => text(item, "a path", 4096)),
    maxBytes: integer(m.maxBytes, "maxBytes", 0, Number.MAX_SAFE_INTEGER),
    pipe: descriptor(m.pipe, "pipe"),
  };
}

export function readListRequest(m: Message): { folder: string; maxEntries: number } {
  return { folder: text(m.folder, "folder", 4096), maxEntries: integer(m.maxEntries, "maxEntries", 1, 1_000_000) };
}
