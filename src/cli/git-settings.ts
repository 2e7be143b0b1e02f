import { join } from "node:path";
import { codeFolder } from "./project-root.ts";

/** Quotes a value for a POSIX shell. */
export const quote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;

/** Git asks our credential helper for this origin only; the user's own helpers stay as they are for others. */
export function gitEnvironment(origin: string): Record<string, string> {
  const helper = `!${quote(process.execPath)} --disable-warning=ExperimentalWarning ${quote(join(codeFolder, "src/cli/main.ts"))} git-credential`;
  return {
    GIT_CONFIG_COUNT: "3",
    GIT_CONFIG_KEY_0: `credential.${origin}.helper`,
    GIT_CONFIG_VALUE_0: "",
    GIT_CONFIG_KEY_1: `credential.${origin}.helper`,
    GIT_CONFIG_VALUE_1: helper,
    GIT_CONFIG_KEY_2: `credential.${origin}.useHttpPath`,
    GIT_CONFIG_VALUE_2: "true",
  };
}
