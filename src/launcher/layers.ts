import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { bindIdMapped, markOpaque } from "./ffi.ts";
import { INSIDE } from "./network.ts";
import { FIRST_ID } from "./oci-config.ts";
import { TOOL_PATH } from "./oci-runtime.ts";
import { writeTrust } from "./skeleton.ts";

/** Read-only lower layers of all builds, as root of a build owns them: folders in the form of overlayfs's `lowerdir`. */
export interface Layers {
  /** Of the root without `/usr`: whom this installation trusts, above what every installation has. */
  readonly root: string;
  /** Of `/usr`: Node, npm, yarn and corrections, above the host's. */
  readonly usr: string;
}

/** Layers are the same for every data directory of a host: what is made once serves all. */
const SHARED = "/var/cache/starling/layers";
/** Layers that no start has used for so long are removed. */
const KEPT_MS = 30 * 24 * 3_600_000;
/** Half-made ones of a start that was killed. */
const HALF_MADE_MS = 3_600_000;

/** To be raised when what is put into layers changes. */
const VERSION = 6;
const COMMAND_MS = 120_000;
/** An allow list: what else the host keeps in `/etc` is not a build's business. */
const ETC = [
  "alternatives",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "nsswitch.conf",
  "debian_version",
  "os-release",
  "mime.types",
  "protocols",
  "services",
  "bash.bashrc",
  "profile",
  "login.defs",
  "shells",
  "skel",
  "localtime",
  "timezone",
  "locale.alias",
  "ca-certificates",
  "ca-certificates.conf",
  "python3",
  "python3.11",
  "python3.12",
  "python3.13",
  "perl",
  "apt",
  "dpkg",
  "debconf.conf",
  "adduser.conf",
  "java-17-openjdk",
  "java-21-openjdk",
  "gai.conf",
  "host.conf",
  "magic",
  "terminfo",
  "xdg",
];
const FOLDERS = [
  "etc/ssl/certs",
  "proc",
  "dev",
  "sys",
  "root",
  "home",
  "run",
  "opt",
  "srv",
  "usr",
  "codebuild/output/src",
  "go/bin", // what buildspecs of Go projects link their sources into
  "go/src",
  "codebuild/output/tmp",
  "var/log/apt",
  "var/lib/apt/lists/partial",
  "var/cache/apt/archives/partial",
  "var/lib/dpkg",
];
const DPKG = ["info", "alternatives", "triggers", "status", "diversions", "statoverride"];
const PYTHON_PACKAGES = "/usr/lib/python3/dist-packages";
const AWS_CLI = "/usr/bin/aws";

/** Runs a command of the host's with a limit. */
export function command(name: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: TOOL_PATH, LC_ALL: "C" },
      timeout: COMMAND_MS,
      killSignal: "SIGKILL",
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      if (errors.length < 4096) errors += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`${name} failed: ${errors.trim()}`))));
  });
}

const copy = async (from: string, to: string): Promise<void> => {
  if (existsSync(from)) await command("cp", ["-a", "--reflink=auto", from, to]);
};

export interface LayerSources {
  /** Folder with `bin/node`. */
  readonly nodePackage: string;
  readonly npmPackage: string;
  readonly yarnPackage: string;
  /** Our file that stands in for `aws`. */
  readonly awsClient: string;
  /** Our folder that is `sam`: Python runs its `__main__.py`. */
  readonly samClient: string;
  readonly trust: { bundle: string; extra: string };
}

function digestOf(sources: LayerSources): string {
  const facts = ["/var/lib/dpkg/status", "/etc/alternatives", "/etc/apt", "/etc/ld.so.cache", "/etc/passwd"].map(
    (path) => (existsSync(path) ? statSync(path).mtimeMs : 0),
  );
  const versions = [sources.nodePackage, sources.npmPackage, sources.yarnPackage].map((folder) =>
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  const samFiles = readdirSync(sources.samClient).sort();
  const clients = [sources.awsClient, ...samFiles.map((name) => join(sources.samClient, name))].map((file) =>
    readFileSync(file, "utf8"),
  );
  return createHash("sha256")
    .update(JSON.stringify([VERSION, facts, versions, ...clients]))
    .digest("hex")
    .slice(0, 16);
}

/** Makes the layers, or takes those of an earlier start, and mounts them with shifted ids below `lower`. */
export async function prepareLayers(state: string, lower: string, sources: LayerSources): Promise<Layers> {
  const folder = await sharedLayers(layersFolder(state), sources);
  const trust = join(state, "trust");
  rmSync(trust, { recursive: true, force: true });
  writeTrust(trust, sources.trust);
  await command("chown", ["-R", "-h", "0:0", trust]);
  const users = await userNamespace();
  try {
    const mounted = (name: string, source: string): string => {
      const target = join(lower, name);
      mkdirSync(target, { recursive: true });
      bindIdMapped(source, target, users);
      return target;
    };
    return {
      root: `${mounted("trust", trust)}:${mounted("base", join(folder, "base"))}`,
      usr: `${mounted("tools", join(folder, "tools"))}:${mounted("usr", "/usr")}`,
    };
  } finally {
    closeSync(users);
  }
}

/** Where layers are kept: for all of the host, or with the data where the host's cache cannot be written. */
function layersFolder(state: string): string {
  const own = join(state, "layers");
  try {
    mkdirSync(SHARED, { recursive: true, mode: 0o700 });
    accessSync(SHARED, constants.W_OK);
    rmSync(own, { recursive: true, force: true });
    return SHARED;
  } catch {
    mkdirSync(own, { recursive: true, mode: 0o700 });
    return own;
  }
}

/** The layers of these sources in `all`; another start may be making the same ones just now. */
async function sharedLayers(all: string, sources: LayerSources): Promise<string> {
  const digest = digestOf(sources);
  const folder = join(all, digest);
  removeOld(all, digest);
  if (existsSync(folder)) {
    utimesSync(folder, new Date(), new Date());
    return folder;
  }
  const fresh = `${folder}.${process.pid}.new`;
  rmSync(fresh, { recursive: true, force: true });
  try {
    const tools = join(fresh, "tools");
    await Promise.all([makeBase(join(fresh, "base")), makeTools(tools, sources), hideClosedFiles(tools)]);
    await command("chown", ["-R", "-h", "0:0", fresh]);
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

function removeOld(all: string, digest: string): void {
  for (const name of readdirSync(all)) {
    const facts = statSync(join(all, name), { throwIfNoEntry: false });
    const limit = name.endsWith(".new") ? HALF_MADE_MS : KEPT_MS;
    if (name !== digest && facts && Date.now() - facts.mtimeMs > limit)
      rmSync(join(all, name), { recursive: true, force: true });
  }
}

async function makeBase(base: string): Promise<void> {
  for (const folder of FOLDERS) mkdirSync(join(base, folder), { recursive: true, mode: 0o755 });
  for (const folder of ["tmp", "var/tmp"]) {
    mkdirSync(join(base, folder), { recursive: true });
    chmodSync(join(base, folder), 0o1777);
  }
  for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(base, name));
  const found = ETC.map((name) => `/etc/${name}`).filter((path) => existsSync(path));
  await command("cp", ["-a", "--reflink=auto", ...found, join(base, "etc/")]);
  for (const name of DPKG) await copy(`/var/lib/dpkg/${name}`, join(base, "var/lib/dpkg/")); // so that apt knows what /usr holds
  for (const name of ["auth.conf", "auth.conf.d"])
    rmSync(join(base, "etc/apt", name), { recursive: true, force: true });
  await copy("/etc/ssl/openssl.cnf", join(base, "etc/ssl/"));
  writeBaseFiles(base);
}

function writeBaseFiles(base: string): void {
  const users = (file: string, keep: string): string[] =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => Number(line.split(":")[2] || NaN) < 1000 || line.startsWith(`${keep}:`));
  const files: Record<string, string> = {
    passwd: users("/etc/passwd", "nobody").join("\n"),
    group: users("/etc/group", "nogroup")
      .map((line) => line.replace(/[^:]*$/, ""))
      .join("\n"),
    hosts: "127.0.0.1 localhost build",
    hostname: "build",
    "resolv.conf": `nameserver ${INSIDE.dns}\noptions timeout:2 attempts:2`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(base, "etc", name), `${text}\n`);
  writeFileSync(join(base, "etc/shadow"), "", { mode: 0o600 });
}

async function makeTools(
  tools: string,
  { nodePackage, npmPackage, yarnPackage, awsClient, samClient }: LayerSources,
): Promise<void> {
  const local = join(tools, "local");
  for (const folder of ["bin", "lib/node_modules"]) mkdirSync(join(local, folder), { recursive: true });
  await copy(join(nodePackage, "bin/node"), join(local, "bin/node"));
  await copy(npmPackage, join(local, "lib/node_modules/npm"));
  await copy(yarnPackage, join(local, "lib/node_modules/yarn"));
  markOpaque(local); // the host's /usr/local is its administrator's, not ours to show
  for (const name of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name));
  for (const name of ["yarn", "yarnpkg"]) symlinkSync("../lib/node_modules/yarn/bin/yarn.js", join(local, "bin", name));
  // CodeBuild's images have `python`, and buildspecs call it so; Debian has `python3` alone.
  if (existsSync("/usr/bin/python3")) symlinkSync("../../bin/python3", join(local, "bin/python"));
  if (!existsSync(AWS_CLI)) return;
  writeFileSync(join(local, "bin/aws"), readFileSync(awsClient), { mode: 0o755 });
  await copy(samClient, join(local, "lib/sam"));
  writeFileSync(join(local, "bin/sam"), '#!/bin/sh\nexec /usr/bin/python3 -IB /usr/local/lib/sam "$@"\n', {
    mode: 0o755,
  });
  if (existsSync(PYTHON_PACKAGES)) writeSamMetadata(tools);
  for (const name of existsSync(PYTHON_PACKAGES) ? readdirSync(PYTHON_PACKAGES) : []) {
    if (/^awscli-.*(dist|egg)-info$/.test(name)) correctMetadata(tools, name);
  }
}

/** Root of a build reads what root of the host reads: what others may not read below `/usr` is hidden by whiteouts. */
async function hideClosedFiles(tools: string): Promise<void> {
  const closed = ["(", "-type", "f", "!", "-perm", "-004", "-o", "-type", "d", "!", "-perm", "-005", ")"];
  const args = ["/usr", "-xdev", "-path", "/usr/local", "-prune", "-o", ...closed, "-prune", "-print0"];
  const { stdout } = await promisify(execFile)("find", args, {
    env: { PATH: TOOL_PATH },
    timeout: COMMAND_MS,
    maxBuffer: 16 << 20,
  });
  for (const path of stdout.split("\0").filter(Boolean)) {
    const target = join(tools, path.slice("/usr/".length));
    mkdirSync(dirname(target), { recursive: true });
    await command("mknod", [target, "c", "0", "0"]);
  }
}

/** AWS's images have the SAM CLI as a package of pip: buildspecs that install it once more find it there, without an index too. */
function writeSamMetadata(tools: string): void {
  const name = "aws_sam_cli-1.145.0+starling.dist-info";
  const folder = join(tools, "lib/python3/dist-packages", name);
  mkdirSync(folder, { recursive: true });
  const files = {
    METADATA:
      "Metadata-Version: 2.1\nName: aws-sam-cli\nVersion: 1.145.0+starling\nSummary: What Starling's builds have as sam\n",
    INSTALLER: "starling\n",
    RECORD: ["METADATA", "INSTALLER", "RECORD"].map((file) => `${name}/${file},,\n`).join(""),
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
}

/** Debian's CLI is patched for newer modules, but its metadata still names upper bounds: pip would find it broken, and reinstall it. */
function correctMetadata(tools: string, name: string): void {
  for (const file of ["METADATA", "requires.txt"]) {
    const source = join(PYTHON_PACKAGES, name, file);
    if (!existsSync(source)) continue;
    const target = join(tools, "lib/python3/dist-packages", name, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, withoutUpperBounds(readFileSync(source, "utf8")));
  }
}

function withoutUpperBounds(metadata: string): string {
  return metadata.replace(/^Requires-Dist: .*$|^[\w.-]+[<>=].*$/gm, (line) =>
    line.replace(/,?<=?[\d.]+/g, (_match, at: number) => (line[at - 1] === "(" ? ">=0" : "")).replace(/([ (]),/, "$1"),
  );
}

/** A user namespace with the ids of builds, held by a descriptor; the process that made it ends at once. */
async function userNamespace(): Promise<number> {
  const child = spawn("unshare", ["--user", "sh", "-c", "echo in; read x"], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: TOOL_PATH },
    timeout: COMMAND_MS,
  });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("close", () => reject(new Error(`no user namespace for builds: ${errors.trim()}`)));
    child.once("error", reject);
  });
  for (const kind of ["uid", "gid"]) writeFileSync(`/proc/${child.pid}/${kind}_map`, `0 ${FIRST_ID} 65536\n`);
  const fd = openSync(`/proc/${child.pid}/ns/user`, "r");
  child.stdin.end("\n");
  return fd;
}
