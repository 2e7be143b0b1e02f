import { mkdirSync, rmSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { makeFifo, openFifo } from "./fifo.ts";

/** Variables that belong to the runtime: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html */
const OF_THE_RUNTIME = [
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_XRAY_CONTEXT_MISSING",
  "AWS_XRAY_DAEMON_ADDRESS",
  "LAMBDA_RUNTIME_DIR",
  "LAMBDA_TASK_ROOT",
  "_AWS_XRAY_DAEMON_ADDRESS",
  "_AWS_XRAY_DAEMON_PORT",
  "_HANDLER",
].join(" ");

/**
 * First process of a sandbox with external extensions: it starts them, waits for the word that all have registered, starts
 * the runtime, and tells of each process how it ended. The first SIGTERM goes to the runtime, the second kills it.
 */
const SCRIPT = `exec 3>/run/starling/ends
count=$1
shift
n=0
while [ "$n" -lt "$count" ]; do
  n=$((n + 1))
  file=$1
  shift
  (
    ( unset ${OF_THE_RUNTIME}; exec 3>&-; exec "/opt/extensions/$file" ) </dev/null >/run/starling/extensions 2>&1
    echo "$n $?" >&3
  ) &
done
signal=TERM
runtime=
trap '[ -z "$runtime" ] || kill -"$signal" "$runtime" 2>/dev/null; signal=KILL' TERM
read -r go </run/starling/go
"$@" 3>&- &
runtime=$!
while :; do
  wait "$runtime"
  status=$?
  kill -0 "$runtime" 2>/dev/null || break
done
runtime=
echo "0 $status" >&3
while :; do wait && break; done
`;

/** Names of the external extensions in a folder of merged layers, as Lambda takes them from `/opt/extensions`. */
export async function externalExtensions(layerFolder: string | undefined): Promise<string[]> {
  if (!layerFolder) return [];
  const folder = join(layerFolder, "extensions");
  const info = await lstat(folder).catch(() => undefined);
  if (!info?.isDirectory()) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}

export interface SupervisorEvents {
  /** A process has ended: the runtime (0) or the extension of this number, from 1 on. */
  onProcessEnd(number: number, status: number): void;
  /** What extensions write. */
  onOutput(chunk: Buffer): void;
}

/** The host's side of the script that starts external extensions: its pipes, and what comes from them. */
export class Supervisor {
  readonly #folder: string;
  readonly #go: Socket;
  readonly #ends: Socket;
  readonly #output: Socket;
  #line = "";

  constructor(folder: string, events: SupervisorEvents) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    this.#go = openSide(join(folder, "go"), "write");
    this.#ends = openSide(join(folder, "ends"), "read");
    this.#output = openSide(join(folder, "extensions"), "read");
    this.#output.on("data", (chunk: Buffer) => events.onOutput(chunk));
    this.#ends.on("data", (chunk: Buffer) => {
      const lines = (this.#line + chunk.toString("latin1")).split("\n");
      this.#line = (lines.pop() ?? "").slice(0, 64);
      for (const line of lines) {
        const match = /^(\d{1,3}) (\d{1,3})$/.exec(line);
        if (match) events.onProcessEnd(Number(match[1]), Number(match[2]));
      }
    });
  }

  /** The command of the sandbox's first process. */
  static command(extensions: readonly string[], runtime: readonly string[]): string[] {
    return ["/bin/sh", "-c", SCRIPT, "extensions", String(extensions.length), ...extensions, ...runtime];
  }

  /** All extensions have registered: the runtime may start. */
  startRuntime(): void {
    this.#go.write("go\n");
  }

  close(): void {
    for (const socket of [this.#go, this.#ends, this.#output]) socket.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Makes one of the pipes between a sandbox and this process, and opens it. */
export function openSide(path: string, side: "read" | "write"): Socket {
  makeFifo(path);
  const socket = new Socket({ fd: openFifo(path), readable: side === "read", writable: side === "write" });
  socket.on("error", () => undefined); // it ends with the sandbox
  return socket;
}
