import { StringDecoder } from "node:string_decoder";
import type { Clock } from "../../kernel/clock.ts";

const MAX_LINE = 64 * 1024;
const MASK = "***";
/** Shorter secrets would turn every log into asterisks. */
const MIN_SECRET = 4;

/** The log of a build: the agent's own lines in CodeBuild's form, and what commands write, by lines; secrets are masked. */
export class BuildLog {
  readonly #clock: Clock;
  readonly #onLog: (message: string) => void;
  #secrets: readonly string[] = [];
  #decoder = new StringDecoder("utf8");
  #partial = "";
  #capture: string | undefined;

  constructor(clock: Clock, onLog: (message: string) => void) {
    this.#clock = clock;
    this.#onLog = onLog;
  }

  /** From now on these values do not show. */
  mask(secrets: readonly string[]): void {
    // The log is written by lines, so each line of a longer secret is one.
    const long = secrets
      .flatMap((secret) => [secret, ...secret.split(/\r?\n/)])
      .filter((secret) => secret.length >= MIN_SECRET);
    this.#secrets = [...new Set([...this.#secrets, ...long])].sort((a, b) => b.length - a.length);
  }

  /** A line of the agent: `[Container] 2026/01/01 00:00:00.000000 Running command make`. */
  agent(message: string): void {
    this.flush();
    const time = new Date(this.#clock.now()).toISOString().replaceAll("-", "/").replace("T", " ").replace("Z", "000");
    this.#emit(`[Container] ${time} ${message}\n`);
  }

  /** What a command wrote, as it comes. */
  output(chunk: Buffer): void {
    const text = this.#decoder.write(chunk);
    if (this.#capture !== undefined) {
      if (this.#capture.length < MAX_LINE) this.#capture += text;
      return;
    }
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#emit(`${line}\n`);
    while (this.#partial.length > MAX_LINE) {
      this.#emit(this.#partial.slice(0, MAX_LINE));
      this.#partial = this.#partial.slice(MAX_LINE);
    }
  }

  /** Hands over a line that has no end yet. */
  flush(): void {
    this.#partial += this.#decoder.end();
    this.#decoder = new StringDecoder("utf8");
    if (this.#partial) this.#emit(`${this.#partial}\n`);
    this.#partial = "";
  }

  /** Keeps what is written while `work` runs out of the log, and gives it. */
  async captured(work: () => Promise<unknown>): Promise<string> {
    this.flush();
    this.#capture = "";
    try {
      await work();
      return this.#capture + this.#decoder.end();
    } finally {
      this.#capture = undefined;
      this.#decoder = new StringDecoder("utf8");
    }
  }

  #emit(message: string): void {
    this.#onLog(this.#secrets.reduce((text, secret) => text.replaceAll(secret, MASK), message));
  }
}
