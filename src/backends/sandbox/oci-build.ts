import { readSync } from "node:fs";
import type { BuildSandbox, BuildSandboxSpec } from "../../ports/sandbox.ts";
import { receiveFiles, zipFiles } from "./build-files.ts";
import { exitOf, launch, type SandboxContext } from "./launch.ts";
import { SandboxListeners } from "./listeners.ts";
import { makeSandboxPipe, type SandboxPipe } from "./pipes.ts";

const KILLED = 137;
const MAX_COMMAND = 1 << 20;
const MAX_FILE = 512 << 20;
const MAX_ZIP = 5 * 1024 ** 3;
const MAX_ENTRIES = 200_000;

/** The pipes to the shell of a build: commands in, exit codes back, and everything that commands write. */
class BuildShell {
  readonly #output: SandboxPipe;
  readonly #commands: SandboxPipe;
  readonly #onOutput: (chunk: Buffer) => void;
  #text = "";
  #waiting: ((code: number) => void) | undefined;
  #ended = false;

  constructor(output: SandboxPipe, commands: SandboxPipe, results: SandboxPipe, onOutput: (chunk: Buffer) => void) {
    this.#output = output;
    this.#commands = commands;
    this.#onOutput = onOutput;
    output.stream.on("data", onOutput);
    results.stream.on("data", (chunk: Buffer) => this.#onResult(chunk));
  }

  /** What comes here is the tenant's word: short, digits, and an answer to a question. */
  #onResult(chunk: Buffer): void {
    this.#text += chunk.toString("latin1");
    for (let end = this.#text.indexOf("\0"); end >= 0; end = this.#text.indexOf("\0")) {
      const code = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      this.#drain();
      this.#answer(/^\d{1,3}$/.test(code) ? Number(code) : 255);
    }
    if (this.#text.length > 64) this.#text = "";
  }

  /** What the command wrote is in the pipe by now: it is handed over before the answer. */
  #drain(): void {
    const buffer = Buffer.allocUnsafe(65536);
    try {
      for (let count = 1; count > 0;) {
        if (this.#output.stream.destroyed) return;
        count = readSync(this.#output.own, buffer);
        if (count > 0) this.#onOutput(Buffer.from(buffer.subarray(0, count)));
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && code !== "EBADF") throw error;
    }
  }

  #answer(code: number): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(code);
  }

  run(command: string): Promise<number> {
    if (this.#ended) return Promise.resolve(KILLED);
    if (this.#waiting) return Promise.reject(new Error("a build runs one command at a time"));
    if (command.length > MAX_COMMAND)
      return Promise.reject(new Error(`a command of more than ${MAX_COMMAND} characters`));
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#commands.stream.write(`${command.replaceAll("\0", "")}\0`);
    });
  }

  /** The container has ended: whoever waits is told. */
  end(): void {
    this.#ended = true;
    this.#drain();
    this.#answer(KILLED);
    this.#commands.stream.destroy();
  }
}

export async function startBuild(context: SandboxContext, spec: BuildSandboxSpec): Promise<BuildSandbox> {
  const { launcher, authority, onAws } = context;
  const { id, internet } = spec;
  const [output, commands, results] = [makeSandboxPipe("read"), makeSandboxPipe("write"), makeSandboxPipe("read")];
  const shell = new BuildShell(output, commands, results, spec.onOutput);
  const listeners = new SandboxListeners();
  const { env, copyIn, mounts, memoryMB, diskMB, cpus, pids } = spec;
  const request = {
    env,
    copyIn,
    mounts,
    memoryMB,
    diskMB,
    cpus,
    pids,
    internet,
    output: output.theirs,
    commands: commands.theirs,
    results: results.theirs,
  };
  const { exited, stop } = await launch(context, "build", spec, request, {
    pipes: [output, commands, results],
    listeners,
    onListener: (role, handle) => listeners.add(role, handle, { id, internet, authority, onAws }),
  });
  void exited.then(() => shell.end());
  return {
    id,
    exited: exited.then(exitOf),
    stop,
    run: (command, options = {}) => runCommand(shell, stop, command, options),
    async readFile(path, { maxBytes = MAX_FILE } = {}) {
      let found: Buffer | undefined;
      await receiveFiles(launcher, id, [path], maxBytes, async (_name, _mode, content) => {
        const chunks: Buffer[] = [];
        for await (const chunk of content) chunks.push(chunk as Buffer);
        found = Buffer.concat(chunks);
      });
      return found ?? Buffer.alloc(0);
    },
    async listFiles(folder, { maxEntries = MAX_ENTRIES } = {}) {
      return (await launcher.request("list", { id, folder, maxEntries })) as Awaited<
        ReturnType<BuildSandbox["listFiles"]>
      >;
    },
    zip: (base, files, target, { maxBytes = MAX_ZIP } = {}) => zipFiles(launcher, id, base, files, target, maxBytes),
  };
}

/** A command that takes too long, or is no longer wanted, ends the build: its shell cannot go on without knowing how it left things. */
async function runCommand(
  shell: BuildShell,
  stop: () => Promise<void>,
  command: string,
  { timeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal },
): Promise<{ code: number; timedOut: boolean }> {
  signal?.throwIfAborted();
  let timedOut = false;
  const end = (): void => void stop().catch(() => {});
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          end();
        }, timeoutMs);
  signal?.addEventListener("abort", end, { once: true });
  try {
    const code = await shell.run(command);
    signal?.throwIfAborted();
    return { code, timedOut };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}
