import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The project's own folder, with `bin/` and `src/`. */
export const codeFolder = resolve(import.meta.dirname, "../..");

/** The data directory of a setting, or the default. */
export function dataFolder(setting: string): string {
  return setting ? resolve(setting) : join(homedir(), ".starling");
}
