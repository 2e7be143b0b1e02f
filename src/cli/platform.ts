import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { apiClient } from "../app/api-client.ts";
import type { Caller } from "../app/caller.ts";
import { readConfig } from "../app/config.ts";
import type { Place } from "../app/new-project.ts";
import { codeFolder, dataFolder } from "./project-root.ts";

/** A running platform, as a command talks to it. */
export interface Connection {
  readonly call: Caller;
  readonly place: Place;
  readonly data: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

/**
 * Connects with the keys of this shell where `starling env` was evaluated in it, else with the administrator's from the data
 * folder.
 */
export function connect(args: readonly string[]): Connection {
  const config = readConfig({ args, env: process.env, folder: codeFolder });
  const data = dataFolder(config.data);
  const { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = process.env;
  const isLoggedIn = Boolean(AWS_ENDPOINT_URL && AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY) && !namesAnother(args);
  const publicUrl = config.publicUrl || (isLoggedIn ? AWS_ENDPOINT_URL! : `http://localhost:${config.port}`);
  const region = isLoggedIn && AWS_REGION ? AWS_REGION : config.region;
  const own = {
    accessKeyId: String(AWS_ACCESS_KEY_ID),
    secretAccessKey: String(AWS_SECRET_ACCESS_KEY),
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
  };
  const credentials = isLoggedIn ? own : administratorKeys(data);
  return {
    call: apiClient({ origin: publicUrl.replace(/\/+$/, ""), region, credentials }),
    place: { account: config.account, region, publicUrl: publicUrl.replace(/\/+$/, ""), code: codeFolder },
    data,
    credentials,
  };
}

/** The command line, or a variable, names a platform: this shell's keys may be another's. */
function namesAnother(args: readonly string[]): boolean {
  const flags = args.some((arg) => /^--(port|data|public-url)(=|$)/.test(arg));
  return flags || Boolean(process.env["STARLING_DATA"] || process.env["STARLING_PORT"]);
}

export function administratorKeys(data: string): { accessKeyId: string; secretAccessKey: string } {
  const file = join(data, "admin-credentials.json");
  if (!existsSync(file)) {
    throw new Error(
      `there are no credentials in ${data}: start the platform once (npm start), name its data folder with --data, or log in with eval "$(npx starling env)"`,
    );
  }
  try {
    accessSync(file, constants.R_OK);
  } catch {
    throw new Error(`${file} cannot be read by this user: log in first, with eval "$(sudo npx starling env)"`);
  }
  return JSON.parse(readFileSync(file, "utf8")) as { accessKeyId: string; secretAccessKey: string };
}
