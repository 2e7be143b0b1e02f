import type { LogEvent } from "../../ports/telemetry.ts";

/** Longest event of CloudWatch Logs that Lambda writes; what is longer is split. */
const MAX_EVENT_BYTES = 256 * 1024 - 26;
const TAIL_BYTES = 4096;
const FLUSH_MS = 50;
/** Bytes that may wait for delivery; what a function writes beyond is dropped, with a line that says so. */
const MAX_WAITING = 8 * 1024 * 1024;

/** Collects what an environment writes: into events for the log stream, and into the tail of the current invocation. */
export class EnvironmentLog {
  readonly #deliver: (events: LogEvent[]) => void;
  readonly #now: () => number;
  #events: LogEvent[] = [];
  #waiting = 0;
  #dropped = 0;
  #partial = "";
  #tail: string[] | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Told of each message of the function itself. */
  onFunctionMessage: ((text: string) => void) | undefined;

  constructor(deliver: (events: LogEvent[]) => void, now: () => number) {
    this.#deliver = deliver;
    this.#now = now;
  }

  /** One message of a runtime of ours: an event, whatever lines it has. */
  message(text: string): void {
    this.#tail?.push(text.endsWith("\n") ? text : `${text}\n`);
    for (let rest = text; rest !== "";) {
      const part = rest.length > MAX_EVENT_BYTES ? rest.slice(0, MAX_EVENT_BYTES) : rest;
      rest = rest.slice(part.length);
      this.#add(part);
    }
  }

  /** A message of the function itself. */
  functionMessage(text: string): void {
    this.message(text);
    this.onFunctionMessage?.(text);
  }

  /** Bytes of a pipe: an event for each line. */
  chunk(bytes: Buffer): void {
    const lines = (this.#partial + bytes.toString("utf8")).split("\n");
    this.#partial = lines.pop() ?? "";
    if (this.#partial.length > MAX_EVENT_BYTES) {
      lines.push(this.#partial.slice(0, MAX_EVENT_BYTES));
      this.#partial = "";
    }
    for (const line of lines) if (line !== "") this.functionMessage(`${line}\n`);
  }

  /** Starts to keep the tail of one invocation. */
  startTail(): void {
    this.#tail = [];
  }

  /** The last 4 KB of what was written since `startTail`. */
  takeTail(): Buffer {
    const all = Buffer.from((this.#tail ?? []).slice(-200).join(""));
    this.#tail = undefined;
    return all.subarray(Math.max(0, all.length - TAIL_BYTES));
  }

  /** Delivers what waits, now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#dropped > 0) {
      this.#events.push({
        timestamp: this.#now(),
        message: `[starling] ${this.#dropped} log events were dropped: the function writes faster than they can be stored.\n`,
      });
      this.#dropped = 0;
    }
    const events = this.#events;
    this.#events = [];
    this.#waiting = 0;
    if (events.length) this.#deliver(events);
  }

  /** Ends with whatever a pipe left without a line end. */
  end(): void {
    if (this.#partial !== "") this.message(this.#partial);
    this.#partial = "";
    this.flush();
  }

  #add(message: string): void {
    if (this.#waiting > MAX_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting += message.length;
    this.#events.push({ timestamp: this.#now(), message });
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }
}

/** Numbers of the REPORT line. */
export interface Report {
  readonly requestId: string;
  readonly durationMs: number;
  readonly billedMs: number;
  readonly memoryMB: number;
  readonly usedMB: number;
  readonly initMs?: number | undefined;
  /** Set where it did not end well: `timeout` or `error`. */
  readonly status?: string | undefined;
}

/** Lambda's REPORT line. */
export function reportLine(report: Report): string {
  const { requestId, durationMs, billedMs, memoryMB, usedMB, initMs, status } = report;
  const init = initMs === undefined ? "" : `\tInit Duration: ${initMs.toFixed(2)} ms`;
  const end = status === undefined ? "" : `\tStatus: ${status}`;
  return `REPORT RequestId: ${requestId}\tDuration: ${durationMs.toFixed(2)} ms\tBilled Duration: ${billedMs} ms\tMemory Size: ${memoryMB} MB\tMax Memory Used: ${usedMB} MB${init}${end}\t\n`;
}
