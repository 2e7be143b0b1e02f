import type { FunctionSandbox, SandboxHost } from "../../ports/sandbox.ts";
import type { RuntimeChannel } from "./channel.ts";
import { EnvironmentExtensions } from "./environment-extensions.ts";
import { FrameChannel } from "./frame-channel.ts";
import type { FunctionVersion } from "./function-version.ts";
import type { EnvironmentLog } from "./log-lines.ts";
import { RuntimeApiChannel } from "./runtime-api.ts";
import type { ResolvedRuntime } from "./runtimes.ts";
import { stopStem, type Stem } from "./stem-pool.ts";
import { externalExtensions } from "./supervisor.ts";

const PIDS = 1024;
/** A whole CPU for 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const MB_PER_CPU = 1_769;
const MIN_CPUS = 0.25;
/** What the init phase has at least, as on AWS, where it is boosted. */
const INIT_CPUS = 1;

const cpusOf = (version: FunctionVersion): number => Math.max(MIN_CPUS, version.memoryMB / MB_PER_CPU);

/** What an environment is made of. */
export interface EnvironmentParts {
  readonly sandboxes: SandboxHost;
  readonly version: FunctionVersion;
  readonly runtime: ResolvedRuntime;
  /** Unpacked code, and unpacked layers merged, as the main process sees them. */
  readonly codeFolder: string;
  readonly layerFolder?: string | undefined;
  /** All variables of the function, credentials included. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: EnvironmentLog;
  readonly id: string;
  /** Folder for its pipes. */
  readonly socketFolder: string;
  readonly now: () => number;
  readonly newId: () => string;
}

/** What an environment consists of when it has been started. */
export interface Started {
  readonly sandbox: FunctionSandbox;
  readonly channel: RuntimeChannel;
  /** Of one that was started for its function: a stem serves none that has extensions. */
  readonly extensions?: EnvironmentExtensions;
}

/**
 * Gives a stem its function's code and variables, which it takes while the code is mounted; the handler follows by the channel.
 * One that was started for its function has the variables already, as a wrapper script may have changed them.
 */
export async function assign(parts: EnvironmentParts, stem: Stem): Promise<Started> {
  try {
    const mounting = stem.sandbox.mount({ source: parts.codeFolder, target: "/var/task" });
    stem.channel.variables(parts.env);
    await mounting;
    return stem;
  } catch (error) {
    await stopStem(stem);
    throw error;
  }
}

/** The init phase is over: from now on the function has the CPU that its memory buys. */
export async function limitCpus({ version }: EnvironmentParts, sandbox: FunctionSandbox): Promise<void> {
  await sandbox.resize({ memoryMB: version.memoryMB, cpus: cpusOf(version) });
}

/** Starts a sandbox that knows its function from the first moment. */
export async function startCold(parts: EnvironmentParts): Promise<Started> {
  const { version, runtime, socketFolder, layerFolder } = parts;
  const external = await externalExtensions(layerFolder);
  const channel = runtime.channel === "frames" ? FrameChannel.open(socketFolder) : new RuntimeApiChannel();
  const extensions = new EnvironmentExtensions(
    parts,
    external,
    channel instanceof RuntimeApiChannel ? channel : undefined,
  );
  // https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
  const wrapper = version.environment["AWS_LAMBDA_EXEC_WRAPPER"];
  const code = [{ source: parts.codeFolder, target: "/var/task" }];
  const layers = layerFolder ? [{ source: layerFolder, target: "/opt" }] : [];
  const command = runtime.startsHandler ? [`/var/task/${version.handler}`] : runtime.args;
  const args = wrapper && runtime.channel === "frames" ? [wrapper, ...command] : command;
  try {
    const sandbox = await parts.sandboxes.startFunction({
      id: parts.id,
      args: extensions.command(args),
      env: { ...runtime.env, ...parts.env },
      mounts: [...runtime.mounts, ...code, ...layers],
      memoryMB: version.memoryMB,
      tmpMB: version.tmpMB,
      cpus: Math.max(INIT_CPUS, cpusOf(version)),
      pids: PIDS,
      internet: version.internet,
      ...(channel instanceof FrameChannel || extensions.needsFolder ? { socketFolder } : {}),
      onRuntimeApiConnection: (socket) => extensions.accept(socket),
    });
    extensions.attach(sandbox);
    return { sandbox, channel, extensions };
  } catch (error) {
    extensions.close();
    channel.close();
    throw error;
  }
}
