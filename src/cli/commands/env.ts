import { readConfig } from "../../app/config.ts";
import type { Command } from "../command.ts";
import { gitEnvironment, quote } from "../git-settings.ts";
import { administratorKeys } from "../platform.ts";
import { codeFolder, dataFolder } from "../project-root.ts";

/** starling env: exports for the aws CLI, the SDKs and git, with an administrator's keys. */
export const env: Command = {
  name: "env",
  summary: 'Print shell exports: eval "$(npx starling env)"',
  usage: 'eval "$(npx starling env [--data FOLDER])"',
  async run(args) {
    const config = readConfig({ args, env: process.env, folder: codeFolder });
    const data = dataFolder(config.data);
    const { accessKeyId, secretAccessKey } = administratorKeys(data);
    const origin = config.publicUrl || `http://localhost:${config.port}`;
    const exports: Record<string, string> = {
      AWS_ENDPOINT_URL: origin,
      ...storageEndpoint(origin),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: config.region,
      AWS_DEFAULT_REGION: config.region,
      AWS_PAGER: "",
      ...gitEnvironment(origin),
    };
    for (const [name, value] of Object.entries(exports)) console.log(`export ${name}=${quote(value)}`);
    console.log("unset AWS_SESSION_TOKEN AWS_PROFILE");
    return 0;
  },
};

/** SDKs put a bucket's name before the host, and Node's resolver knows no name below localhost: by an address they use the path. */
function storageEndpoint(origin: string): Record<string, string> {
  const url = new URL(origin);
  if (url.hostname !== "localhost") return {};
  url.hostname = "127.0.0.1";
  return { AWS_ENDPOINT_URL_S3: url.origin };
}
