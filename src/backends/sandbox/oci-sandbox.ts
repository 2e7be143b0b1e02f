import { join } from "node:path";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import type {
  FunctionSandbox,
  FunctionSandboxSpec,
  OnAwsConnection,
  ReadOnlyMount,
  SandboxHost,
  ToolSandbox,
  ToolSandboxSpec,
} from "../../ports/sandbox.ts";
import { openCertificateAuthority } from "./certificates.ts";
import { exitOf, launch, type SandboxContext } from "./launch.ts";
import { LauncherClient, type ExitReport } from "./launcher-client.ts";
import { SandboxListeners } from "./listeners.ts";
import { startBuild } from "./oci-build.ts";
import { PeakFile } from "./peak-file.ts";
import { makeSandboxPipe } from "./pipes.ts";

/** Where the authorities are that sandboxes trust. */
const TRUSTED = "/etc/ssl/certs/ca-certificates.crt";
const OURS = "/etc/ssl/certs/starling.pem";
/** So that every SDK, whatever its age, trusts the platform; a function's own settings come after. */
const TRUST_ENVIRONMENT = {
  AWS_CA_BUNDLE: TRUSTED,
  REQUESTS_CA_BUNDLE: TRUSTED,
  SSL_CERT_FILE: TRUSTED,
  NODE_EXTRA_CA_CERTS: OURS,
};

const DEFAULT_PORT = 4566;

/** Opens sandboxes by way of the launcher that started this process. */
export async function openSandboxHost(options: {
  /** The data folder as this process sees it; the certificate authority is in `ca/` below. */
  dataDir: string;
  onAwsConnection: OnAwsConnection;
  /** Where the platform listens on the host; sandboxes reach it at the same port. Default: 4566. */
  port?: number;
  now?: () => number;
  /** Called when the launcher is gone, and with it every sandbox. Default: this process ends. */
  onLost?: () => void;
}): Promise<SandboxHost> {
  const authority = await openCertificateAuthority(join(options.dataDir, "ca"), options.now ?? Date.now);
  const launcher = new LauncherClient(process, options.onLost ?? (() => process.exit(70)));
  const { driver } = (await launcher.request("hello", {
    ca: authority.certificate,
    platformPort: options.port ?? DEFAULT_PORT,
  })) as { driver: string };
  const context: SandboxContext = { launcher, authority, onAws: options.onAwsConnection, running: new Map() };
  return {
    driver,
    caCertificate: authority.certificate,
    startFunction: (spec) => startFunction(context, spec),
    startTool: (spec) => startTool(context, spec),
    startBuild: (spec) => startBuild(context, spec),
    async close() {
      await Promise.allSettled([...context.running.values()].map((stop) => stop()));
    },
  };
}

async function startFunction(context: SandboxContext, spec: FunctionSandboxSpec): Promise<FunctionSandbox> {
  const { launcher, authority, onAws } = context;
  const [stdout, stderr] = [makeSandboxPipe("read"), makeSandboxPipe("read")];
  const listeners = new SandboxListeners();
  const { id, internet, onRuntimeApiConnection: onRuntimeApi } = spec;
  const { args, mounts, socketFolder, memoryMB, tmpMB, cpus, pids } = spec;
  const request = {
    args,
    mounts,
    socketFolder,
    memoryMB,
    tmpMB,
    cpus,
    pids,
    internet,
    env: { ...TRUST_ENVIRONMENT, ...spec.env },
    runtimeApi: onRuntimeApi !== undefined,
    stdout: stdout.theirs,
    stderr: stderr.theirs,
  };
  const { exited, stop, answer } = await launch(context, "function", spec, request, {
    pipes: [stdout, stderr],
    listeners,
    onListener: (role, handle) => listeners.add(role, handle, { id, internet, authority, onAws, onRuntimeApi }),
  });
  let last: ExitReport | undefined;
  const peak = new PeakFile((answer as { peakFile: string }).peakFile);
  void exited.then((report) => {
    last = report;
    peak.close();
  });
  const ask = async (what: string, fields: object = {}): Promise<unknown> =>
    await launcher.request(what, { ...fields, id });
  return {
    id,
    stdout: stdout.stream,
    stderr: stderr.stream,
    exited: exited.then(exitOf),
    async resize(limits) {
      await ask("resize", limits);
    },
    async mount(mount: ReadOnlyMount) {
      await ask("mount", mount);
    },
    async connect(port) {
      const socket = await ask("connect", { port });
      if (!(socket instanceof Socket)) throw new Error(`nobody listens on port ${port} of sandbox ${id}`);
      return socket;
    },
    async signal(name) {
      if (!last) await ask("signal", { signal: name });
    },
    async freeze() {
      await ask("freeze");
    },
    async thaw() {
      await ask("thaw");
    },
    async peakMemory() {
      return last ? last.peakMemory : ((await ask("peak")) as number);
    },
    peakMemoryNow: () => last?.peakMemory ?? peak.read(),
    stop,
  };
}

async function startTool(context: SandboxContext, spec: ToolSandboxSpec): Promise<ToolSandbox> {
  const [stdin, stdout, stderr] = [makeSandboxPipe("write"), makeSandboxPipe("read"), makeSandboxPipe("read")];
  const { args, mounts, writable, memoryMB, timeoutMs } = spec;
  const env = { PATH: "/usr/bin:/bin", HOME: "/tmp", LANG: "C.UTF-8", ...spec.env };
  const request = {
    args,
    env,
    mounts,
    writable,
    memoryMB,
    timeoutMs,
    stdin: stdin.theirs,
    stdout: stdout.theirs,
    stderr: stderr.theirs,
  };
  const { exited, stop } = await launch(context, "tool", spec, request, { pipes: [stdin, stdout, stderr] });
  const streams: { stdin: ToolSandbox["stdin"]; stdout: Readable; stderr: Readable } = {
    stdin: stdin.stream,
    stdout: stdout.stream,
    stderr: stderr.stream,
  };
  return { ...streams, exited: exited.then(exitOf), stop };
}
