import { lookup } from "node:dns/promises";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { AddressException } from "./network.ts";
import { TRUST } from "./skeleton.ts";

/** What builds take over from the host: registries, indexes, proxies. */
export interface HostSettings {
  readonly env: Readonly<Record<string, string>>;
  /** The remote places named there, which stay reachable although their address may be private. */
  readonly urls: readonly string[];
}

const ZONES = [".amazonaws.com", ".on.aws", ".cloudfront.net", ".amazoncognito.com"];
/** Where npm and pip themselves say which registry they ask when nobody has set one. */
const NPM_DEFAULTS = resolve(
  import.meta.dirname,
  "../../node_modules/npm/node_modules/@npmcli/config/lib/definitions/definitions.js",
);
const PIP_DEFAULTS = "/usr/lib/python3/dist-packages/pip/_internal/models/index.py";
const MAX_FILE = 1 << 20;
/** file:// indexes and folders of the host do not exist in a build. */
const isRemote = (value: string | undefined): value is string => /^https?:\/\/[^\s]+$/.test(value ?? "");

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8").slice(0, MAX_FILE);
  } catch {
    return "";
  }
}

/** Passwords of a registry are not for builds. */
function withoutSecret(url: string): string {
  const parsed = new URL(url);
  parsed.username = parsed.password = "";
  return parsed.href;
}

/** `key = value` lines, quotes and continuation lines as npm and pip write them. */
function readIni(text: string): Map<string, string> {
  const values = new Map<string, string>();
  let key = "";
  for (const line of text.split("\n")) {
    const pair = /^([^#;[\s=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (pair) values.set((key = pair[1] ?? ""), (pair[2] ?? "").replace(/^"(.*)"$/, "$1"));
    else if (key && /^\s+\S/.test(line)) values.set(key, `${values.get(key)} ${line.trim()}`.trim());
  }
  return values;
}

function npmSettings(host: NodeJS.ProcessEnv): Map<string, string> {
  const besideNode = (host.PATH ?? "")
    .split(":")
    .filter((folder) => folder.startsWith("/") && existsSync(join(folder, "npm")))
    .map((folder) => join(dirname(folder), "etc/npmrc"));
  const files = [
    "/etc/npmrc",
    "/usr/etc/npmrc",
    "/usr/local/etc/npmrc",
    ...besideNode,
    host.npm_config_globalconfig ?? "",
    join(homedir(), ".npmrc"),
    host.npm_config_userconfig ?? "",
  ];
  const values = new Map(files.flatMap((file) => [...readIni(readText(file))]));
  for (const [name, value] of Object.entries(host))
    if (/^npm_config_/i.test(name) && value) values.set(name.slice(11).toLowerCase().replaceAll("_", "-"), value);
  return values;
}

function pipSettings(host: NodeJS.ProcessEnv): Map<string, string> {
  const files = [
    "/etc/pip.conf",
    "/etc/xdg/pip/pip.conf",
    join(homedir(), ".pip/pip.conf"),
    join(homedir(), ".config/pip/pip.conf"),
    host.PIP_CONFIG_FILE ?? "",
  ];
  const values = new Map(files.flatMap((file) => [...readIni(readText(file))]));
  for (const key of ["index-url", "extra-index-url"]) {
    const value = host[`PIP_${key.toUpperCase().replaceAll("-", "_")}`];
    if (value) values.set(key, value);
  }
  return values;
}

function aptUrls(): string[] {
  const folder = "/etc/apt/sources.list.d";
  const files = [
    "/etc/apt/sources.list",
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  return files.flatMap((file) =>
    [
      ...readText(file)
        .replace(/^\s*#.*$/gm, "")
        .matchAll(/https?:\/\/[^\s/]+/g),
    ].map(([url]) => url),
  );
}

/** The registries that npm and pip ask by default, from their own sources. */
function defaultRegistries(): string[] {
  const npm = /Definition\('registry', \{\s*default: '(https:[^']+)'/.exec(readText(NPM_DEFAULTS))?.[1];
  const [, index, files] =
    /^PyPI = PackageIndex\("(https:[^"]+)", file_storage_domain="([^"]+)"/m.exec(readText(PIP_DEFAULTS)) ?? [];
  return [npm, index, files && `https://${files}`].filter(isRemote);
}

/** Reads the host's settings: those of the administrator who started the platform. */
export function readHostSettings(host: NodeJS.ProcessEnv): HostSettings {
  const env: Record<string, string> = {};
  const urls = [...defaultRegistries(), ...aptUrls()];
  const npm = npmSettings(host);
  for (const [key, value] of npm) {
    if (!/^(@[^:]*:)?registry$/.test(key) || !isRemote(value)) continue;
    env[`npm_config_${key}`] = withoutSecret(value);
    urls.push(value);
  }
  for (const [key, value] of pipSettings(host)) {
    if (key !== "index-url" && key !== "extra-index-url") continue;
    const remote = value.split(/\s+/).filter(isRemote);
    if (!remote.length) continue;
    env[`PIP_${key.toUpperCase().replaceAll("-", "_")}`] = remote.map(withoutSecret).join(" ");
    urls.push(...remote);
  }
  for (const name of ["http_proxy", "https_proxy"]) {
    const value = host[name] ?? host[name.toUpperCase()] ?? npm.get(name.replace("_", "-"));
    if (!isRemote(value)) continue;
    env[name] = env[name.toUpperCase()] = value;
    urls.push(value);
  }
  // A proxy of the host must not catch AWS.
  env.no_proxy = env.NO_PROXY = ["localhost", "127.0.0.1", ...ZONES, host.no_proxy ?? host.NO_PROXY ?? ""]
    .filter(Boolean)
    .join(",");
  return { env: { ...BUILD_ENVIRONMENT, ...env }, urls: [...new Set(urls)] };
}

const BUILD_ENVIRONMENT: Record<string, string> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  CI: "true",
  DEBIAN_FRONTEND: "noninteractive",
  ...Object.fromEntries(
    [
      "AWS_CA_BUNDLE",
      "NODE_EXTRA_CA_CERTS",
      "REQUESTS_CA_BUNDLE",
      "SSL_CERT_FILE",
      "CURL_CA_BUNDLE",
      "GIT_SSL_CAINFO",
      "PIP_CERT",
      "npm_config_cafile",
    ].map((name) => [name, TRUST.bundle]),
  ),
  // Bounded retries: without a network npm would take more than a minute to give up.
  npm_config_fetch_retries: "1",
  npm_config_fetch_retry_mintimeout: "500",
  npm_config_fetch_retry_maxtimeout: "2000",
  npm_config_fetch_timeout: "30000",
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_update_notifier: "false",
  PIP_RETRIES: "0",
  PIP_DEFAULT_TIMEOUT: "15",
  PIP_BREAK_SYSTEM_PACKAGES: "1",
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  PIP_ROOT_USER_ACTION: "ignore",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_PAGER: "",
};

/** The addresses behind the settings' URLs. */
export async function resolveExceptions(urls: readonly string[]): Promise<AddressException[]> {
  const places = new Map(urls.map((url) => [new URL(url).host + new URL(url).protocol, new URL(url)]));
  const found = await Promise.all(
    [...places.values()].map(async ({ hostname, port, protocol }) => {
      const addresses = await lookup(hostname, { all: true, family: 4 }).catch(() => []);
      return addresses.map(({ address }) => ({ address, port: Number(port || (protocol === "http:" ? 80 : 443)) }));
    }),
  );
  return found.flat();
}
