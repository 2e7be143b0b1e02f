// Where Node 24 is, and how to run it: shared by the scripts of this folder.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const node = join(root, "node_modules", `node-linux-${process.arch}`, "bin", "node");

/** With it Node keeps what it compiled: a file of tests that starts a platform loads a thousand modules in half the time. */
export const env = { NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "starling"), ...process.env };

/**
 * Runs a command in the project's folder and answers its exit code; what it prints is shown. After `limitMs` it is asked to
 * end by SIGTERM: the test runner then names the tests that it was at.
 */
export function run(command, args, { limitMs } = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: "inherit", timeout: limitMs });
  if (error?.code === "ETIMEDOUT")
    process.stderr.write(`starling: not over after ${limitMs / 60_000} minutes: ended\n`);
  else if (error) process.stderr.write(`starling: ${command} cannot be started: ${error.message}\n`);
  return status ?? 1;
}
