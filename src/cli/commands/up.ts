import { spawnSync } from "node:child_process";
import { readConfig } from "../../app/config.ts";
import { launcherCommand } from "../../app/launcher-command.ts";
import type { Command } from "../command.ts";
import { codeFolder, dataFolder } from "../project-root.ts";

/** starling up: becomes the launcher, which starts the main process. */
export const up: Command = {
  name: "up",
  summary: "Run the platform in the foreground",
  usage: "starling up [--port 4566] [--data FOLDER] [--sample off] ...",
  async run(args) {
    const config = readConfig({ args, env: process.env, folder: codeFolder });
    if (process.getuid?.() !== 0) {
      throw new Error(
        "the platform must be started as root: it isolates functions and builds with namespaces and control groups. Try: sudo npx starling up",
      );
    }
    console.log("Starting Starling ...");
    const {
      command,
      args: launcherArgs,
      env,
    } = launcherCommand({
      codeDir: codeFolder,
      dataDir: dataFolder(config.data),
      entry: "src/app/main.ts",
      args,
    });
    const path = spawnSync("/usr/bin/which", [command], { encoding: "utf8" }).stdout.trim() || `/usr/bin/${command}`;
    // From here on this process is the launcher: no parent of it is left to keep in memory or to pass signals on.
    process.execve?.(path, [command, ...launcherArgs], env as Record<string, string>);
    throw new Error("this Node cannot replace the process (process.execve)");
  },
};
