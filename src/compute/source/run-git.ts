import type { Readable } from "node:stream";
import type { Platform } from "../../aws/platform.ts";
import { readWithin } from "../../kernel/read-within.ts";
import type { SandboxExit, ToolSandbox } from "../../ports/sandbox.ts";

const MEMORY_MB = 512;
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 64 * 1024 * 1024;
const MAX_ERROR_TEXT = 4_000;
/** Where git sees the repository. */
const INSIDE = "/srv/r.git";

/** Settings of ours, which go before what the repository's own file says. */
const SETTINGS: Readonly<Record<string, string>> = {
  "core.hooksPath": "/dev/null",
  "core.fsync": "committed,reference",
  "core.bigFileThreshold": "16m",
  "core.logAllRefUpdates": "false",
  "pack.windowMemory": "64m",
  "pack.threads": "1",
  "http.receivepack": "true",
  "receive.fsckObjects": "true",
  "receive.fsck.zeroPaddedFilemode": "warn",
  "receive.fsck.missingSpaceBeforeDate": "warn",
  "receive.fsck.badTimezone": "warn",
  "receive.autogc": "false",
  "gc.auto": "0",
  "transfer.hideRefs": "refs/starling",
  "uploadpack.allowFilter": "true",
  "uploadpack.allowReachableSHA1InWant": "true",
  "protocol.version": "2",
  "safe.directory": INSIDE,
};

export type GitPlatform = Pick<Platform, "sandboxes" | "ids" | "settings">;

/** Git ended with another code than 0. */
export class GitFailed extends Error {
  readonly exit: SandboxExit;
  /** What it said, bounded. */
  readonly text: string;
  constructor(command: string, exit: SandboxExit, text: string) {
    super(`git ${command} failed (${exit.error ?? exit.signal ?? exit.code}): ${text.trim() || "it said nothing"}`);
    this.name = "GitFailed";
    this.exit = exit;
    this.text = text;
  }
}

export interface GitOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Starts git on a bare repository in a sandbox that holds nothing else: no network, no user's or system's settings, no hooks. */
export function startGit(
  platform: GitPlatform,
  folder: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<ToolSandbox> {
  const largestPush = String(platform.settings.maxPushMb * 1024 * 1024);
  const settings = [...Object.entries(SETTINGS), ["receive.maxInputSize", largestPush] as const];
  const env: Record<string, string> = {
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_PROJECT_ROOT: "/srv",
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_DIR: INSIDE,
    GIT_CONFIG_COUNT: String(settings.length),
    ...options.env,
  };
  for (const [i, [key, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${i}`] = key;
    env[`GIT_CONFIG_VALUE_${i}`] = value;
  }
  return platform.sandboxes.startTool({
    id: `git-${platform.ids.text(16)}`,
    args: ["git", "--literal-pathspecs", ...args],
    env,
    mounts: [],
    writable: [{ source: folder, target: INSIDE }],
    memoryMB: MEMORY_MB,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
  });
}

/** Runs git to its end and answers what it printed; throws GitFailed where it ends with another code than 0. */
export async function runGit(
  platform: GitPlatform,
  folder: string,
  args: readonly string[],
  options: GitOptions & { input?: string | Uint8Array; maxOutput?: number } = {},
): Promise<Buffer> {
  const { input = "", maxOutput = MAX_OUTPUT } = options;
  const git = await startGit(platform, folder, args, options);
  try {
    git.stdin.on("error", () => undefined); // it ended before it had read everything: its exit code says why
    git.stdin.end(input);
    const [stdout, stderr, exit] = await Promise.all([
      readWithin(git.stdout, maxOutput, () => new Error(`git printed more than ${maxOutput} bytes`)),
      errorText(git.stderr),
      git.exited,
    ]);
    if (exit.code !== 0) throw new GitFailed(args[0] ?? "", exit, stderr);
    return stdout;
  } finally {
    await git.stop();
  }
}

/** The beginning of what a process says on its error stream; the rest is read and dropped. */
export async function errorText(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) if (text.length < MAX_ERROR_TEXT) text += String(chunk);
  return text.slice(0, MAX_ERROR_TEXT);
}
