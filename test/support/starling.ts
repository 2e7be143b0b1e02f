import { execFile } from "node:child_process";
import { request } from "node:http";
import { join, resolve } from "node:path";
import type { TestPlatform } from "./platform.ts";

const root = resolve(import.meta.dirname, "../..");

/** What a command of the command line did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line against a test platform. */
export function starling(platform: Pick<TestPlatform, "port" | "data">, ...args: string[]): Promise<Ran> {
  const env = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    STARLING_PORT: String(platform.port),
    STARLING_DATA: platform.data,
  };
  return run(join(root, "bin/run"), args, { env });
}

export function run(
  file: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Ran> {
  return new Promise((done) => {
    execFile(
      file,
      args,
      { ...options, timeout: 180_000, killSignal: "SIGKILL", maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        done({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      },
    );
  });
}

export interface Page {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

/** What a visitor gets at `url`, whose host need not be known to a resolver. */
export function visit(url: string, headers: Record<string, string> = {}): Promise<Page> {
  const { host, port, pathname, search } = new URL(url);
  return new Promise((done, fail) => {
    const sent = request(
      { host: "127.0.0.1", port, path: pathname + search, headers: { host, ...headers } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
        answer.on("end", () => done({ status: answer.statusCode!, headers: answer.headers, text }));
      },
    );
    sent.on("error", fail).end();
  });
}

/** Polls until `what` answers something, for processes of the platform that take their time. */
export async function until<T>(what: () => Promise<T | undefined | false>, limitMs = 120_000): Promise<T> {
  const end = Date.now() + limitMs;
  while (Date.now() < end) {
    const found = await what();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`it did not happen within ${limitMs} ms`);
}
