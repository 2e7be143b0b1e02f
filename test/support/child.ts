import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";

const END_MS = 60_000;

/**
 * Starts a process that cannot hold a file of tests for ever: it is asked to end when this one ends, and after `limitMs` it is
 * killed and its pipes are let go, whoever else has them. Let it inherit no stream: the test runner waits until all are closed.
 */
export function startChild(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { limitMs: number },
): ChildProcess {
  const { limitMs, ...rest } = options;
  const child = spawn(command, args, rest);
  const end = (): unknown => child.kill("SIGTERM");
  const limit = setTimeout(() => {
    child.kill("SIGKILL");
    for (const stream of child.stdio) stream?.destroy();
  }, limitMs);
  process.once("exit", end);
  const gone = (): void => {
    clearTimeout(limit);
    process.off("exit", end);
  };
  child.once("close", gone).once("error", gone);
  return child;
}

/** Ends a process and waits until it is gone; one that does not go is killed, which is an error. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals, limitMs = END_MS): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  let isLate = false;
  const limit = setTimeout(() => (isLate = child.kill("SIGKILL")), limitMs);
  await gone;
  clearTimeout(limit);
  if (isLate) throw new Error(`${child.spawnfile} did not end within ${limitMs} ms of ${signal}`);
}
