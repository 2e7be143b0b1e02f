import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LogLevel } from "../kernel/log.ts";

/** One setting: the same name as flag (`--port`), variable (`STARLING_PORT`) and key of `starling.config.json` (`port`). */
interface Setting<T> {
  readonly help: string;
  readonly fallback: T;
  /** Reads the text of a flag or variable; throws with what is wrong. */
  readonly read: (text: string) => T;
}

const text = (fallback: string, help: string, pattern = /^[^\0]*$/): Setting<string> => ({
  help,
  fallback,
  read(value) {
    if (!pattern.test(value)) throw new Error(`must match ${pattern}`);
    return value;
  },
});

const whole = (fallback: number, min: number, max: number, help: string): Setting<number> => ({
  help,
  fallback,
  read(value) {
    const n = Number(value);
    if (!Number.isInteger(n) || n < min || n > max) throw new Error(`must be a whole number from ${min} to ${max}`);
    return n;
  },
});

const oneOf = <T extends string>(values: readonly T[], fallback: T, help: string): Setting<T> => ({
  help: `${help} (${values.join(", ")})`,
  fallback,
  read(value) {
    const found = values.find((v) => v === value);
    if (!found) throw new Error(`must be one of ${values.join(", ")}`);
    return found;
  },
});

const ON_OFF = ["on", "off"] as const;

/** Every setting, with its default: the reference. */
export const SETTINGS = {
  port: whole(4566, 0, 65_535, "Port of everything; 0 takes a free one"),
  host: text("127.0.0.1", "Address to listen on; beyond loopback requires TLS"),
  data: text("", "Data directory; default ~/.starling"),
  publicUrl: text(
    "",
    "Origin of every URL that is handed out; default http://localhost:<port>",
    /^(https?:\/\/[^/?#\s]+)?$/,
  ),
  account: text("000000000000", "Account id, twelve digits", /^\d{12}$/),
  region: text("us-east-1", "Region of what the platform makes by itself", /^[a-z]{2}(-[a-z]+)+-\d$/),
  accessKeyId: text("", "Access key id of the first administrator; default random", /^[\w]{0,128}$/),
  secretAccessKey: text("", "Secret of the first administrator's key; default random"),
  sample: oneOf(ON_OFF, "on", "Whether the first start makes the sample project"),
  reset: oneOf(ON_OFF, "off", "Whether POST /_starling/reset may remove all state (for test suites)"),
  logLevel: oneOf<LogLevel>(["debug", "info", "warn", "error", "silent"], "warn", "What the platform itself logs"),
  internet: oneOf(
    ["never", "asked", "always"],
    "asked",
    "Which functions reach the internet: none, those with the variable STARLING_INTERNET=on, or all but those with =off",
  ),
  maxPushMb: whole(1024, 1, 1024 * 1024, "Largest pack that one push may send, in MiB"),
  poolSize: whole(2, 0, 64, "Started function environments that are kept ready for each runtime in use"),
} satisfies Record<string, Setting<any>>;

export type Config = { readonly [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]["read"]> };

const variableOf = (name: string): string => `STARLING_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

/**
 * Reads the configuration: flags, then variables, then `starling.config.json` in `folder`, then defaults. Throws an error
 * that names the setting, where its value came from, and what it must be.
 */
export function readConfig(options: { args: readonly string[]; env: NodeJS.ProcessEnv; folder: string }): Config {
  const file = join(options.folder, "starling.config.json");
  const fromFile: Record<string, unknown> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  for (const key of Object.keys(fromFile)) {
    if (!Object.hasOwn(SETTINGS, key))
      throw new Error(`${file}: there is no setting "${key}". Known: ${Object.keys(SETTINGS).join(", ")}`);
  }
  const values = Object.entries(SETTINGS).map(([name, setting]) => {
    const flag = flagOf(name);
    const given: [string, string | undefined][] = [
      [flag, flagValue(options.args, flag)],
      [variableOf(name), options.env[variableOf(name)] || undefined],
      [`${file}: ${name}`, fromFile[name] === undefined ? undefined : String(fromFile[name])],
    ];
    const found = given.find(([, value]) => value !== undefined);
    if (!found) return [name, setting.fallback];
    try {
      return [name, setting.read(found[1]!)];
    } catch (error) {
      throw new Error(`${found[0]}=${found[1]}: ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(values) as Config;
}

function flagValue(args: readonly string[], flag: string): string | undefined {
  const joined = args.find((a) => a.startsWith(`${flag}=`));
  if (joined) return joined.slice(flag.length + 1);
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}
