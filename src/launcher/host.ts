import { closeSync, lstatSync, mkdirSync, statSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { CgroupHost } from "./cgroups.ts";
import { makePipe } from "./ffi.ts";
import type { Layers } from "./layers.ts";
import { createNetwork, type AddressException, type ListenerRole } from "./network.ts";
import type { ContainerMount } from "./oci-config.ts";
import type { OciRuntime } from "./oci-runtime.ts";
import type { Places } from "./places.ts";
import type { FunctionRequest, MountRequest, ToolRequest } from "./requests.ts";
import { openPipeOf, Sandbox, type ExitReport } from "./sandbox.ts";
import { makeMountPoint, makeToolSkeleton } from "./skeleton.ts";

/** What the launcher has at hand for each sandbox. */
export interface LauncherHost {
  readonly places: Places;
  readonly runtime: OciRuntime;
  readonly cgroups: CgroupHost;
  readonly platformPort: number;
  /** The root that functions share. */
  readonly skeleton: string;
  /** Pid of the app, whose pipes are opened. */
  readonly appPid: number;
  /** Layers of builds, made when first needed. */
  layers(): Promise<Layers>;
  /** What every build has in its environment. */
  readonly buildEnvironment: Readonly<Record<string, string>>;
  /** Folder (in the code) with the scripts that run inside builds. */
  readonly insideFolder: string;
  exceptions(): Promise<readonly AddressException[]>;
  /** Gives a listener of a sandbox to the app. */
  sendListener(id: string, role: ListenerRole, handle: unknown): Promise<void>;
  onExit(id: string, report: ExitReport): void;
}

/** Places where something may be mounted while the sandbox runs. */
const LATE = ["/var/task", "/opt"];
const TOOL_CPUS = 2;
const FUNCTION_USER = { uid: 993, gid: 990 };

/** A function's sandbox, and the way to mount into it while it runs. */
export interface RunningFunction {
  readonly sandbox: Sandbox;
  mount(request: MountRequest): void;
  /** A connection to a port of its loopback. */
  connect(port: number): Socket;
}

/** Runs `work`; where it throws, nothing of the sandbox stays. */
export async function orRemove<T>(sandbox: Sandbox, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await sandbox
      .stop()
      .catch((also: unknown) =>
        process.stderr.write(`starling: sandbox ${sandbox.id} was not taken away wholly: ${also}\n`),
      );
    throw error;
  }
}

/** Closes descriptors when `work` is over, whatever its end. */
export async function withDescriptors<T>(open: (() => number)[], work: (fds: number[]) => Promise<T>): Promise<T> {
  const fds: number[] = [];
  try {
    for (const step of open) fds.push(step());
    return await work(fds);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** An input that is at its end: a real pipe, since container runtimes change the owner of what they are given. */
function emptyPipe(): number {
  const { read, write } = makePipe();
  closeSync(write);
  return read;
}

export async function startFunction(host: LauncherHost, request: FunctionRequest): Promise<RunningFunction> {
  const sandbox = new Sandbox(request.id, host, request);
  return await orRemove(sandbox, async () => {
    const mounts: ContainerMount[] = request.mounts.map(({ source, target }) => {
      const place = sandbox.bind(source);
      makeMountPoint(host.skeleton, target, statSync(place).isDirectory());
      return { source: place, target };
    });
    const slots = new Map<string, string>();
    for (const target of LATE) {
      if (mounts.some((m) => m.target === target)) continue;
      const slot = join(sandbox.folder, target.slice(1).replaceAll("/", "-"));
      mkdirSync(slot);
      slots.set(target, slot);
      mounts.push({ source: slot, target, late: true });
    }
    if (request.socketFolder) mounts.push({ source: sandbox.bind(request.socketFolder), target: "/run/starling" });
    const network = await createNetwork({
      platformPort: host.platformPort,
      runtimeApi: request.runtimeApi,
      internet: request.internet,
      exceptions: request.internet ? await host.exceptions() : [],
      send: (role, handle) => host.sendListener(request.id, role, handle),
    });
    sandbox.useNetwork(network);
    const pipes = [
      emptyPipe,
      () => openPipeOf(host.appPid, request.stdout, "write"),
      () => openPipeOf(host.appPid, request.stderr, "write"),
    ];
    const { args, env, pids, tmpMB } = request;
    const spec = {
      kind: "function" as const,
      root: host.skeleton,
      args,
      env,
      pids,
      tmpMB,
      mounts,
      user: FUNCTION_USER,
      netns: network.path,
      cgroupPath: sandbox.cgroup.path,
    };
    await withDescriptors(pipes, (fds) => sandbox.start(spec, fds, (report) => host.onExit(request.id, report)));
    await network.handedOver;
    return {
      sandbox,
      mount({ source, target }) {
        const slot = slots.get(target);
        if (!slot) throw new Error(`nothing can be mounted at ${target} any more`);
        slots.delete(target);
        sandbox.bindLate(source, slot);
      },
      connect: (port) => network.connect(port),
    };
  });
}

export async function startTool(host: LauncherHost, request: ToolRequest): Promise<Sandbox> {
  const sandbox = new Sandbox(request.id, host, { memoryMB: request.memoryMB, cpus: TOOL_CPUS });
  return await orRemove(sandbox, async () => {
    const root = join(sandbox.folder, "root");
    makeToolSkeleton(root);
    const bind =
      (writable: boolean) =>
      ({ source, target }: MountRequest): ContainerMount => {
        const place = sandbox.bind(source, { writable });
        makeMountPoint(root, target, lstatSync(place).isDirectory());
        return { source: place, target, writable };
      };
    const mounts = [...request.mounts.map(bind(false)), ...request.writable.map(bind(true))];
    const { uid } = host.places;
    const spec = {
      kind: "tool" as const,
      root,
      args: request.args,
      env: request.env,
      pids: 128,
      tmpMB: 64,
      mounts,
      user: FUNCTION_USER,
      hostUser: { uid, gid: uid },
      cgroupPath: sandbox.cgroup.path,
    };
    const pipes = [
      () => openPipeOf(host.appPid, request.stdin, "read"),
      () => openPipeOf(host.appPid, request.stdout, "write"),
      () => openPipeOf(host.appPid, request.stderr, "write"),
    ];
    await withDescriptors(pipes, (fds) => sandbox.start(spec, fds, (report) => host.onExit(request.id, report)));
    const timer = setTimeout(() => sandbox.kill(), request.timeoutMs);
    sandbox.onCleanup(() => clearTimeout(timer));
    return sandbox;
  });
}
