import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../app/config.ts";
import type { Command } from "../command.ts";
import { codeFolder, dataFolder } from "../project-root.ts";

/** Quotes a value for a POSIX shell. */
const quote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;

/** starling env: exports for the aws CLI, the SDKs and git, with an administrator's keys. */
export const env: Command = {
  name: "env",
  summary: 'Print shell exports: eval "$(npx starling env)"',
  usage: 'eval "$(npx starling env [--data FOLDER])"',
  async run(args) {
    const config = readConfig({ args, env: process.env, folder: codeFolder });
    const data = dataFolder(config.data);
    const file = join(data, "admin-credentials.json");
    if (!existsSync(file)) throw new Error(`there are no credentials in ${data} yet: start the platform once (npm start), or name its data folder with --data`);
    const { accessKeyId, secretAccessKey } = JSON.parse(readFileSync(file, "utf8")) as { accessKeyId: string; secretAccessKey: string };
    const origin = config.publicUrl || `http://localhost:${config.port}`;
    const exports: Record<string, string> = {
      AWS_ENDPOINT_URL: origin,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: config.region,
      AWS_DEFAULT_REGION: config.region,
      AWS_PAGER: "",
      ...gitSettings(origin),
    };
    for (const [name, value] of Object.entries(exports)) console.log(`export ${name}=${quote(value)}`);
    console.log("unset AWS_SESSION_TOKEN AWS_PROFILE");
    return 0;
  },
};

/** Git asks our credential helper for this origin only; the user's own helpers stay as they are for others. */
function gitSettings(origin: string): Record<string, string> {
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
