import { backupData, restoreData } from "../../app/backup.ts";
import { readConfig } from "../../app/config.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { codeFolder, dataFolder } from "../project-root.ts";

const dataOf = (args: readonly string[]): string =>
  dataFolder(readConfig({ args, env: process.env, folder: codeFolder }).data);

/** starling backup. */
export const backup: Command = {
  name: "backup",
  summary: "Copy all state into a new folder (while the platform is stopped)",
  usage: "starling backup <folder> [--data FOLDER]",
  async run(args) {
    const folder = oneWord(parseArguments(args, {}), "folder", this.usage);
    const { files, skipped } = await backupData(dataOf(args), folder, Date.now());
    console.log(`${files.length} files are in ${folder}, each with its digest in manifest.json.`);
    if (skipped.length > 0) console.log(`Left out, because they are neither files nor folders: ${skipped.length}.`);
    return 0;
  },
};

/** starling restore. */
export const restore: Command = {
  name: "restore",
  summary: "Put a backup into an empty data folder",
  usage: "starling restore <folder> [--data FOLDER]",
  async run(args) {
    const folder = oneWord(parseArguments(args, {}), "folder", this.usage);
    const data = dataOf(args);
    const { createdAt } = await restoreData(folder, data);
    console.log(`${data} is as it was at ${createdAt}.`);
    return 0;
  },
};
