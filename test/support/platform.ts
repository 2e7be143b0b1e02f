import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { endChild, startChild } from "./child.ts";
import type { ClientSettings } from "./test-app.ts";

const root = resolve(import.meta.dirname, "../..");
const READY_MS = 60_000;
/** Longer than a file of tests may take. */
const LIFE_MS = 10 * 60_000;

/** A whole platform as a user starts it, launcher and sandboxes included, on a free port. */
export interface TestPlatform {
  readonly endpoint: string;
  readonly port: number;
  readonly data: string;
  readonly client: ClientSettings;
  /** Everything it has printed. */
  output(): string;
  /** Pid of the launcher. */
  readonly pid: number;
  /** Kills launcher and app at once, as a power cut would. */
  kill(): Promise<void>;
  /** Stops as Ctrl-C does; the data stays. */
  end(): Promise<void>;
  /** Starts again on the same data and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why the platform cannot run here; undefined where it can. Tests pass it as `skip`. */
export const cannotRun: string | undefined =
  process.getuid?.() !== 0
    ? "needs root for namespaces and control groups"
    : existsSync("/usr/bin/crun") || existsSync("/usr/sbin/runc")
      ? undefined
      : "needs crun or runc";

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export async function startPlatform(env: Record<string, string> = {}): Promise<TestPlatform> {
  const data = env["STARLING_DATA"] ?? (await mkdtemp(join(tmpdir(), "starling-e2e-")));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const settings = { STARLING_PORT: String(port), STARLING_DATA: data, STARLING_SAMPLE: "off", ...env };
  let output = "";
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = startChild(join(root, "bin/run"), ["up"], {
      limitMs: LIFE_MS,
      env: { npm_lifecycle_event: "test", ...process.env, ...settings }, // it ends with us, as with npm
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout!.on("data", (chunk) => (output += chunk));
    child.stderr!.on("data", (chunk) => (output += chunk));
    await untilReady(endpoint, child, () => output);
  };
  await start();
  const credentials = JSON.parse(
    await readFile(join(data, "admin-credentials.json"), "utf8"),
  ) as ClientSettings["credentials"];
  const end = (signal: NodeJS.Signals): Promise<void> => endChild(child, signal);
  return {
    endpoint,
    port,
    data,
    client: { endpoint, region: "us-east-1", credentials, maxAttempts: 1 },
    output: () => output,
    get pid() {
      return child.pid!;
    },
    kill: () => end("SIGKILL"),
    end: () => end("SIGTERM"),
    restart: start,
    async stop() {
      await end("SIGTERM");
      await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

async function untilReady(endpoint: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the platform ended with ${child.exitCode}:\n${output()}`);
    const response = await fetch(`${endpoint}/_starling/health`).catch(() => undefined);
    if (response?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  child.kill("SIGKILL");
  throw new Error(`the platform was not ready after ${READY_MS} ms:\n${output()}`);
}
