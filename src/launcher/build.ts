import { chmodSync, chownSync, closeSync, constants, mkdirSync, openSync, truncateSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { makePipe, MS, mount, unmount } from "./ffi.ts";
import { orRemove, withDescriptors, type LauncherHost } from "./host.ts";
import { command, type Layers } from "./layers.ts";
import { createNetwork } from "./network.ts";
import { FIRST_ID } from "./oci-config.ts";
import type { BuildRequest, MountRequest } from "./requests.ts";
import { openPipeOf, Sandbox } from "./sandbox.ts";

/** A build's container and its root as the launcher sees it. */
export interface RunningBuild {
  readonly sandbox: Sandbox;
  readonly root: string;
}

const BUILD_USER = { uid: 0, gid: 0 };

export async function startBuild(host: LauncherHost, request: BuildRequest): Promise<RunningBuild> {
  const layers = await host.layers();
  const sandbox = new Sandbox(request.id, host, request);
  return await orRemove(sandbox, async () => {
    const root = await makeRoot(host, sandbox, layers, request.diskMB);
    for (const source of request.copyIn) await copyIn(sandbox, root, source);
    const network = await createNetwork({
      platformPort: host.platformPort,
      runtimeApi: false,
      internet: request.internet,
      exceptions: request.internet ? await host.exceptions() : [],
      send: (role, handle) => host.sendListener(request.id, role, handle),
    });
    sandbox.useNetwork(network);
    await startContainer(host, sandbox, request, root, network.path);
    await network.handedOver;
    return { sandbox, root };
  });
}

async function startContainer(
  host: LauncherHost,
  sandbox: Sandbox,
  request: BuildRequest,
  root: string,
  netns: string,
): Promise<void> {
  const life = makePipe();
  sandbox.onCleanup(() => closeSync(life.write)); // its end is the end of pid 1, also when we are killed
  const spec = {
    kind: "build" as const,
    root,
    args: ["/bin/bash", "--norc", "--noprofile", "/run/starling/init.sh"],
    env: { ...host.buildEnvironment, ...request.env },
    pids: request.pids,
    tmpMB: 0,
    mounts: [
      { source: sandbox.bind(host.insideFolder), target: "/run/starling" },
      ...request.mounts.map(({ source, target }) => ({ source: sandbox.bind(source), target })),
    ],
    user: BUILD_USER,
    netns,
    cwd: "/codebuild/output/src",
    cgroupPath: sandbox.cgroup.path,
  };
  const { appPid } = host;
  const pipes = [
    () => life.read,
    () => openPipeOf(appPid, request.output, "write"),
    () => openPipeOf(appPid, request.output, "write"),
    () => openPipeOf(appPid, request.commands, "read"),
    () => openPipeOf(appPid, request.results, "write"),
  ];
  await withDescriptors(pipes, (fds) => sandbox.start(spec, fds, (report) => host.onExit(request.id, report)));
}

/** Two overlays (`/` and `/usr`), because an overlay does not descend into mounts; one size limit over both. */
async function makeRoot(host: LauncherHost, sandbox: Sandbox, layers: Layers, diskMB: number): Promise<string> {
  const [up, root] = [join(sandbox.folder, "up"), join(sandbox.folder, "root")];
  mkdirSync(up);
  mkdirSync(root, { mode: 0o755 });
  await mountUpper(join(host.places.state, "builds", `${sandbox.id}.img`), up, diskMB, sandbox);
  for (const name of ["root", "root.work", "usr", "usr.work"]) {
    mkdirSync(join(up, name));
    chownSync(join(up, name), FIRST_ID, FIRST_ID);
  }
  const overlay = (target: string, lower: string, name: string): void => {
    mount(
      "build",
      target,
      "overlay",
      MS.NOSUID | MS.NODEV,
      `lowerdir=${lower},upperdir=${up}/${name},workdir=${up}/${name}.work,volatile`,
    );
    sandbox.onCleanup(() => void unmount(target));
  };
  overlay(root, layers.root, "root");
  overlay(join(root, "usr"), layers.usr, "usr");
  return root;
}

/** A sparse file with a file system of its own is a hard limit on disk; where loop devices are missing, memory takes its place. */
async function mountUpper(image: string, up: string, diskMB: number, sandbox: Sandbox): Promise<void> {
  closeSync(openSync(image, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600));
  sandbox.onCleanup(() => unlinkSync(image));
  truncateSync(image, diskMB * 1048576);
  try {
    await command("mkfs.ext4", ["-q", "-O", "^has_journal", "-m", "0", "-E", "lazy_itable_init=1,nodiscard", image]);
    await command("mount", ["-o", "loop,nosuid,nodev,noatime", image, up]);
    sandbox.onCleanup(() => void unmount(up));
  } catch (error) {
    process.stderr.write(`starling: no disk for build ${sandbox.id}, memory is used instead: ${error}\n`);
    mount("build", up, "tmpfs", MS.NOSUID | MS.NODEV, `size=${diskMB}m,mode=0755,nr_inodes=1000000`);
    sandbox.onCleanup(() => void unmount(up));
  }
  chmodSync(up, 0o755);
}

/** Copies sources in, through the host's path: nothing of the user's has run in this root yet. */
async function copyIn(sandbox: Sandbox, root: string, { source, target }: MountRequest): Promise<void> {
  const from = sandbox.bind(source);
  const to = join(root, target);
  mkdirSync(to, { recursive: true });
  await command("cp", ["-R", "--no-dereference", "--preserve=mode,timestamps", `${from}/.`, to]);
  await command("chown", ["-hR", `${FIRST_ID}:${FIRST_ID}`, to]);
}
