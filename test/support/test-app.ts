import { statfsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readConfig } from "../../src/app/config.ts";
import { startEmbedded, type Running } from "../../src/app/embedded.ts";
import { noSandbox } from "../../src/backends/sandbox/no-sandbox.ts";
import type { Clock } from "../../src/kernel/clock.ts";

/** What an SDK client needs to talk to a test app. */
export interface ClientSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly maxAttempts: number;
}

export interface TestApp {
  readonly running: Running;
  readonly endpoint: string;
  /** Its data directory. */
  readonly data: string;
  /** Settings for the administrator. */
  readonly client: ClientSettings;
  /** Settings for other credentials. */
  as(credentials: ClientSettings["credentials"]): ClientSettings;
  stop(): Promise<void>;
}

const MEMORY = "/dev/shm";
const MEMORY_BYTES = 1024 ** 3;

/** Where data of a moment goes: to memory where the host has enough of it, for a new platform makes and removes many folders. */
function shortLived(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= MEMORY_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir(); // a host without it
  }
}

/** A platform in this process on a free port and a new data directory, without sandboxes. */
export async function startTestApp(options: { clock?: Clock; env?: Record<string, string> } = {}): Promise<TestApp> {
  const data = await mkdtemp(join(shortLived(), "starling-test-"));
  const code = resolve(import.meta.dirname, "../..");
  const env = { STARLING_PORT: "0", STARLING_SAMPLE: "off", STARLING_LOG_LEVEL: "error", ...options.env };
  const config = readConfig({ args: [], env, folder: data });
  const sandboxes = async () => noSandbox("the test app runs without a launcher");
  const running = await startEmbedded({
    config,
    data,
    run: join(data, "run"),
    code,
    sandboxes,
    ...(options.clock ? { clock: options.clock } : {}),
  });
  const endpoint = `http://127.0.0.1:${running.port}`;
  const as = (credentials: ClientSettings["credentials"]): ClientSettings => ({
    endpoint,
    region: "us-east-1",
    credentials,
    maxAttempts: 1,
  });
  return {
    running,
    endpoint,
    data,
    client: as(running.administrator),
    as,
    async stop() {
      await running.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
