import { openSandboxHost } from "../backends/sandbox/oci-sandbox.ts";
import { messageOf } from "../kernel/aws-error.ts";
import { readConfig } from "./config.ts";
import { startEmbedded, type Running } from "./embedded.ts";
import { greet } from "./greeting.ts";
import { collectWhenIdle } from "./idle-memory.ts";

/** How long a stop may take before the process ends all the same. */
const STOP_LIMIT_MS = 8_000;

/** The main process: started by the launcher under a user id of its own, which serves everything. */
async function main(): Promise<void> {
  const data = required("STARLING_DATA");
  const code = required("STARLING_CODE");
  const config = readConfig({ args: process.argv.slice(2), env: process.env, folder: code });
  let running: Running | undefined;
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    await running?.stop();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void stop());
  running = await startEmbedded({
    config,
    data,
    run: required("STARLING_RUN"),
    code,
    sandboxes: (onAwsConnection, port) => openSandboxHost({ dataDir: data, onAwsConnection, port }),
  });
  collectWhenIdle(running.platform.signal);
  await greet(running, config, process.env["STARLING_DATA_SHOWN"] ?? data);
}

function required(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(
      `${name} is not set: start the platform with \`starling up\` (or npm start), which starts the launcher first`,
    );
  return value;
}

main().catch((error: unknown) => {
  process.stderr.write(`starling: ${messageOf(error)}\n`);
  if (process.env["STARLING_LOG_LEVEL"] === "debug" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
