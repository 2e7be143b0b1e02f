// Makes a fresh clone ready: npm packages, Node 24 (one of them), and the host's packages. Runs under Node 20 or newer.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const forTests = process.argv.includes("--tests");
const nodeBinary = () => join(root, "node_modules", `node-linux-${process.arch}`, "bin", "node");
const say = (text) => process.stderr.write(`${text}\n`);

function fail(text) {
  say(`starling: ${text}`);
  process.exit(1);
}

const [major] = process.versions.node.split(".").map(Number);
if (major < 20 && !existsSync(nodeBinary()))
  fail(`Node 20 or newer is needed to start; this is ${process.version}. Starling brings its own Node 24.`);
if (process.platform !== "linux")
  fail(`Starling isolates functions with Linux namespaces and runs on Linux only; this is ${process.platform}.`);

/** Builds have older ones of the same package: npm, which links one of them as `node` for our scripts, may choose any. */
function linkNode() {
  const link = join(root, "node_modules", ".bin", "node");
  const target = relative(dirname(link), nodeBinary());
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return;
  rmSync(link, { force: true });
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(target, link);
}

/** Installs the npm packages that the lock file names, unless the same were installed before. */
function installPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stampFile = join(root, "node_modules", ".starling-prepared");
  const stamp = existsSync(stampFile) ? readFileSync(stampFile, "utf8").trim().split(" ") : [];
  const isComplete = stamp[0] === lock && (!forTests || stamp[1] === "all") && existsSync(nodeBinary());
  if (isComplete) return;
  // Where somebody has installed the packages for development, they stay.
  const withDev = forTests || stamp[1] === "all" || existsSync(join(root, "node_modules", "typescript"));
  say(withDev ? "Installing npm packages, those for tests included (once) ..." : "Installing npm packages (once) ...");
  // Not `npm ci`: it refuses a lock file that lacks optional packages for other platforms, and not every registry has all of those.
  // The versions are those of the lock file all the same, and nothing is written to it.
  const args = [
    "install",
    "--no-save",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    ...(withDev ? [] : ["--omit=dev"]),
  ];
  const { status } = spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0)
    fail(
      `\`npm ${args.join(" ")}\` failed (see above). Is the npm registry reachable? Run the command again when it is.`,
    );
  if (!existsSync(nodeBinary()))
    fail(`npm did not install Node 24 for ${process.arch}: optional dependencies must not be omitted.`);
  rmSync(sdkCache, { recursive: true, force: true }); // made of what was installed before
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, `${lock} ${withDev ? "all" : "run"}\n`);
}

/** The user that functions run as: Node keeps the compiled code of each user apart. */
const FUNCTION_UID = 993;

const sdkCache = join(root, "node_modules", ".sdk-cache");

/** Compiles the AWS SDK that functions find, once, so that their cold starts need not. Without it they are slower, no more. */
function compileSdk() {
  if (existsSync(sdkCache)) return;
  const work = `${sdkCache}-new`;
  rmSync(work, { recursive: true, force: true });
  const env = { ...process.env, NODE_COMPILE_CACHE: work, NODE_COMPILE_CACHE_PORTABLE: "1", NODE_OPTIONS: "" };
  spawnSync(nodeBinary(), [join(root, "bin", "compile-sdk.mjs")], { env, stdio: "ignore", timeout: 60_000 });
  if (!existsSync(work)) return; // this user may not write there
  chmodSync(work, 0o755);
  for (const kind of readdirSync(work)) {
    for (const file of readdirSync(join(work, kind))) chmodSync(join(work, kind, file), 0o644);
    chmodSync(join(work, kind), 0o755);
    renameSync(join(work, kind), join(work, kind.replace(/-\d+$/, `-${FUNCTION_UID}`)));
  }
  renameSync(work, sdkCache);
}

/** What the platform and its sandboxes use, where a sandbox sees it: PATH of this shell says nothing about that. */
const HOST = [
  { file: "/usr/bin/git", package: "git" },
  { file: "/usr/bin/crun", or: ["/usr/sbin/runc", "/usr/bin/runc"], package: "crun" },
  { file: "/usr/bin/python3", package: "python3" },
  { file: "/usr/lib/python3/dist-packages/boto3", package: "python3-boto3" },
  { file: "/usr/bin/pip3", package: "python3-pip" },
  { file: "/usr/bin/aws", package: "awscli" },
  { file: "/usr/bin/slirp4netns", package: "slirp4netns" },
  { file: "/usr/sbin/nft", package: "nftables" },
  { file: "/usr/bin/unshare", package: "util-linux" },
  { file: "/usr/sbin/mkfs.ext4", or: ["/sbin/mkfs.ext4"], package: "e2fsprogs" },
  { file: "/etc/ssl/certs/ca-certificates.crt", package: "ca-certificates" },
  { file: "/usr/bin/curl", package: "curl" },
  { file: "/usr/bin/zip", package: "zip" },
  { file: "/usr/bin/unzip", package: "unzip" },
  ...(forTests ? [{ file: "/usr/bin/chromium", package: "chromium" }] : []),
];

function installHostPackages() {
  const missing = HOST.filter((item) => ![item.file, ...(item.or ?? [])].some(existsSync)).map((item) => item.package);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  const canInstall = process.getuid() === 0 && existsSync("/usr/bin/apt-get");
  if (!canInstall) {
    const how = existsSync("/usr/bin/apt-get")
      ? `Run: sudo ${command}`
      : `Install with your system's package manager: ${missing.join(", ")}`;
    if (forTests) return say(`Missing on this host: ${missing.join(", ")}. Tests that need them are skipped. ${how}`);
    fail(`missing on this host: ${missing.join(", ")}. ${how}`);
  }
  say(`Installing with apt-get: ${missing.join(", ")} ...`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) => spawnSync("apt-get", args, { stdio: ["ignore", "ignore", 2], env }).status === 0;
  const install = () => apt("install", "-y", "-qq", "--no-install-recommends", ...missing);
  if (!(apt("update", "-qq") && install()) && !install()) {
    if (!forTests) fail(`\`${command}\` failed (see above).`);
    say(`\`${command}\` failed: tests that need these are skipped.`);
  }
}

installPackages();
linkNode();
compileSdk();
installHostPackages();
execFileSync(nodeBinary(), ["--version"], { stdio: "ignore" });
