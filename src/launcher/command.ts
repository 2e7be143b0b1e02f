import { dirname, join, resolve } from "node:path";

/** How the platform is started: the launcher in a mount namespace of its own, which starts `entry` as an ordinary user. Needs root. */
export function launcherCommand(options: {
  /** The project's folder (with node_modules). */
  codeDir: string;
  dataDir: string;
  /** The app's entry, relative to the project's folder. */
  entry: string;
  args?: readonly string[];
  /** Node 24. */
  node?: string;
}): { command: string; args: string[]; env: NodeJS.ProcessEnv } {
  const { node = process.execPath, codeDir, dataDir, entry, args = [] } = options;
  const main = join(dirname(import.meta.filename), "main.ts");
  return {
    command: "unshare",
    args: [
      "--mount",
      "--propagation",
      "slave",
      "--",
      node,
      main,
      `--code=${resolve(codeDir)}`,
      `--data=${resolve(dataDir)}`,
      "--",
      entry,
      ...args,
    ],
    env: process.env,
  };
}
