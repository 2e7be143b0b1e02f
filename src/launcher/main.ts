import { createRequire } from "node:module";
import { fork, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { openCgroups, type CgroupHost } from "./cgroups.ts";
import { bindMount, MS, signalOnParentDeath } from "./ffi.ts";
import type { LauncherHost } from "./host.ts";
import { readHostSettings, resolveExceptions } from "./host-settings.ts";
import { collectAfterStart } from "./idle-memory.ts";
import { prepareLayers } from "./layers.ts";
import { findRuntime, type OciRuntime } from "./oci-runtime.ts";
import { hideHybridCgroup, lockData, preparePlaces, requireOwnMountNamespace, type Places } from "./places.ts";
import type { Hello } from "./requests.ts";
import { LauncherServer } from "./server.ts";
import { checkCa, makeFunctionSkeleton, trustBundles, writeTrust } from "./skeleton.ts";
import { sweepState } from "./sweep.ts";

/** How long the app may take to end after it was asked to. */
const STOP_MS = 10_000;
const DEFAULT_UID = 1500;

interface Arguments {
  readonly codeDir: string;
  readonly dataDir: string;
  readonly entry: string;
  readonly args: readonly string[];
}

function readArguments(argv: readonly string[]): Arguments {
  const end = argv.indexOf("--");
  const option = (name: string): string | undefined =>
    argv
      .slice(0, end)
      .find((a) => a.startsWith(`--${name}=`))
      ?.slice(name.length + 3);
  const [entry, ...args] = end < 0 ? [] : argv.slice(end + 1);
  const codeDir = option("code");
  const dataDir = option("data");
  if (!entry || !codeDir || !dataDir)
    throw new Error("usage: main.ts --code=FOLDER --data=FOLDER -- ENTRY [ARGUMENT...]");
  return { codeDir: resolve(codeDir), dataDir: resolve(dataDir), entry, args };
}

function readUid(): number {
  const uid = Number(process.env.STARLING_UID ?? DEFAULT_UID);
  if (!Number.isInteger(uid) || uid < 1 || uid > 65533)
    throw new Error(`STARLING_UID must be a user id from 1 to 65533, not ${process.env.STARLING_UID}`);
  return uid;
}

/** Our Node as the app can run it: within the view of the code, or bound beside it. */
function nodeForApp(places: Places, codeDir: string): string {
  const path = relative(codeDir, process.execPath);
  if (!path.startsWith("..")) return join(places.code, path);
  const target = join(places.base, "node");
  writeFileSync(target, "");
  bindMount(process.execPath, target, MS.RDONLY | MS.NOSUID | MS.NODEV);
  return target;
}

function startApp(places: Places, { codeDir, dataDir, entry, args }: Arguments): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => name.startsWith("STARLING_"));
  return fork(resolve(places.code, relative(codeDir, resolve(codeDir, entry))), args, {
    execPath: nodeForApp(places, codeDir),
    execArgv: process.execArgv,
    uid: places.uid,
    gid: places.uid,
    cwd: places.code,
    detached: true, // Ctrl-C reaches us alone, and we ask the app to end
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: {
      ...Object.fromEntries(own),
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: places.data,
      MALLOC_ARENA_MAX: "2", // an arena for each of Node's dozen threads holds megabytes that nobody uses
      NODE_COMPILE_CACHE: join(places.data, "compile-cache"), // the sources are TypeScript: reading them anew costs most of a start
      STARLING_CODE: places.code,
      STARLING_DATA: places.data,
      STARLING_RUN: places.run,
      STARLING_DATA_SHOWN: dataDir,
    },
  });
}

/** Makes ready what sandboxes need, once, when the app says hello with its authority's certificate. */
async function makeHost(
  codeDir: string,
  app: ChildProcess,
  server: () => LauncherServer,
  places: Places,
  cgroups: CgroupHost,
  found: Promise<OciRuntime>,
  { ca, platformPort }: Hello,
): Promise<LauncherHost> {
  checkCa(ca);
  const skeleton = skeletonOf(places);
  const trust = trustBundles(ca, process.env);
  const settings = readHostSettings(process.env);
  const inside = join(places.code, relative(codeDir, import.meta.dirname), "inside");
  const exceptions = keepFor(EXCEPTIONS_MS, () => resolveExceptions(settings.urls));
  const layers = keepFor(Infinity, () =>
    prepareLayers(places.state, join(places.base, "lower"), {
      ...packages(),
      awsClient: join(inside, "aws.py"),
      samClient: join(inside, "sam"),
      trust,
    }),
  );
  writeTrust(skeleton, trust);
  const runtime = await found;
  for (const prepare of [layers, exceptions]) prepare().catch(() => {}); // in the background; who needs them is told why they failed
  return {
    places,
    layers,
    exceptions,
    buildEnvironment: settings.env,
    insideFolder: inside,
    runtime,
    cgroups,
    skeleton,
    platformPort,
    appPid: app.pid ?? 0,
    sendListener: (id, role, handle) => server().sendListener(id, role, handle),
    onExit: (id, report) => server().sendExit(id, report),
  };
}

const EXCEPTIONS_MS = 300_000;

/** Calls `make` again when its result is older than `ms`, or was a failure. */
function keepFor<T>(ms: number, make: () => Promise<T>): () => Promise<T> {
  let kept: { value: Promise<T>; at: number } | undefined;
  return () => {
    if (kept && performance.now() - kept.at < ms) return kept.value;
    const entry = { value: make(), at: performance.now() };
    kept = entry;
    entry.value.catch(() => {
      if (kept === entry) kept = undefined;
    });
    return entry.value;
  };
}

/** Our Node, npm and yarn, which builds get. */
function packages(): { nodePackage: string; npmPackage: string; yarnPackage: string } {
  return {
    nodePackage: dirname(dirname(process.execPath)),
    npmPackage: dirname(createRequire(import.meta.url).resolve("npm/package.json")),
    yarnPackage: dirname(createRequire(import.meta.url).resolve("yarn/package.json")),
  };
}

const skeletonOf = (places: Places): string => join(places.base, "function-root");

async function main(): Promise<void> {
  const settings = readArguments(process.argv.slice(2));
  if (process.getuid?.() !== 0)
    throw new Error("the launcher must run as root: sandboxes are made of namespaces, mounts and control groups");
  const uid = readUid();
  requireOwnMountNamespace();
  // npm passes signals on but cannot pass on its own death. Whoever starts us directly (a script, a service) may end before us.
  if (process.env.npm_lifecycle_event !== undefined) signalOnParentDeath(constants.signals.SIGTERM);
  const dataDir = lockData(settings.dataDir);
  hideHybridCgroup();
  const places = preparePlaces({ codeDir: settings.codeDir, dataDir, uid });
  const cgroups = openCgroups(places.group);
  await cgroups.sweep();
  sweepState(places.state);
  mkdirSync(skeletonOf(places));
  makeFunctionSkeleton(skeletonOf(places));
  mkdirSync(join(places.base, "runtime"), { mode: 0o700 });
  const runtime = findRuntime(join(places.base, "runtime"), places.sandboxes, skeletonOf(places), places.group);
  runtime.catch(() => {}); // told to the app when it says hello
  const app = startApp(places, { ...settings, dataDir });
  const server: LauncherServer = new LauncherServer(app, (hello) =>
    makeHost(settings.codeDir, app, () => server, places, cgroups, runtime, hello),
  );
  collectAfterStart();
  process.exitCode = await untilEnd(app);
  await server.close();
  await cgroups.sweep();
  process.exit();
}

/** Passes on the wish to stop, with a limit, and gives the code that the launcher ends with. */
function untilEnd(app: ChildProcess): Promise<number> {
  const stop = (): void => {
    app.kill("SIGTERM");
    setTimeout(() => app.kill("SIGKILL"), STOP_MS).unref();
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", stop);
  app.once("disconnect", () => setTimeout(() => app.kill("SIGKILL"), STOP_MS).unref());
  return new Promise((done) => {
    app.once("error", (error) => {
      process.stderr.write(`starling: the main process cannot be started: ${error.message}\n`);
      done(1);
    });
    app.once("exit", (code, signal) => done(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

// Whoever read what we say may be gone: that must not keep us from taking everything away.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
main().catch((error: unknown) => {
  process.stderr.write(`starling: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
