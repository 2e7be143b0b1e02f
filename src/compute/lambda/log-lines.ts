import type { LogEvent } from "../../ports/telemetry.ts";

/** Longest event of CloudWatch Logs that Lambda writes; what is longer is split. */
const MAX_EVENT_BYTES = 256 * 1024 - 26;
const TAIL_BYTES = 4096;
const FLUSH_MS = 50;
/** Bytes that may wait for delivery; what a function writes beyond is dropped, with a line that says so. */
const MAX_WAITING = 8 * 1024 * 1024;

const SYSTEM_LEVELS = ["DEBUG", "INFO", "WARN"];

/** Where the init phase ran: before the first call, or within it. */
export type InitPhase = "init" | "invoke";

/** Lambda's own lines as JSON, from a level on. */
export interface JsonSystemLog {
  readonly level: string;
}

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

  readonly #json: JsonSystemLog | undefined;

  constructor(deliver: (events: LogEvent[]) => void, now: () => number, json?: JsonSystemLog) {
    this.#deliver = deliver;
    this.#now = now;
    this.#json = json;
  }

  /** The line at the beginning of a call. */
  started(requestId: string, version: string): void {
    this.#system(`START RequestId: ${requestId} Version: ${version}\n`, "start", "INFO", () => ({
      requestId,
      version,
    }));
  }

  /** A call has taken too long. In JSON its report says it. */
  timedOut(requestId: string, seconds: string): void {
    if (this.#json) return;
    this.message(`${new Date(this.#now()).toISOString()} ${requestId} Task timed out after ${seconds} seconds\n`);
  }

  /** The init phase has failed, or (without a type of error) taken too long; `phase` is `invoke` where it ran within a call. */
  initFailed(initMs: number, phase: InitPhase, errorType?: string): void {
    const status = errorType === undefined ? "timeout" : "error";
    const type = errorType === undefined ? "" : `\tError Type: ${errorType}`;
    const text = `INIT_REPORT Init Duration: ${initMs.toFixed(2)} ms\tPhase: ${phase}\tStatus: ${status}${type}\n`;
    this.#system(text, "initReport", "WARN", () => {
      const metrics = { durationMs: roundedMs(initMs) };
      return { initializationType: "on-demand", phase, status, ...errorOf({ errorType }), metrics };
    });
  }

  /** A line of Lambda's own: text, or in the JSON format a record of a type and level. */
  #system(text: string, type: string, level: string, record: () => object): void {
    if (!this.#json) this.message(text);
    else if (SYSTEM_LEVELS.indexOf(level) >= SYSTEM_LEVELS.indexOf(this.#json.level)) {
      const time = new Date(this.#now()).toISOString();
      this.message(`${JSON.stringify({ time, type: `platform.${type}`, record: record() })}\n`);
    }
  }

  /** The lines at the end of a call. */
  ended(report: Report, producedBytes: number, failed: boolean): void {
    const { requestId } = report;
    const status = report.status ?? (failed ? "error" : "success");
    const level = status === "success" ? "DEBUG" : "WARN";
    this.#system(`END RequestId: ${requestId}\n`, "runtimeDone", level, () => {
      const metrics = { durationMs: runtimeMs(report), producedBytes };
      return { requestId, status, ...errorOf(report), metrics };
    });
    this.#system(reportLine(report), "report", status === "success" ? "INFO" : "WARN", () => {
      return { requestId, metrics: reportMetrics(report), status, ...errorOf(report) };
    });
  }

  /** One message of a runtime of ours: an event, whatever lines it has. */
  message(text: string): void {
    this.#tail?.push(text.endsWith("\n") ? text : `${text}\n`);
    // A character has three bytes at most for each of its units.
    if (text.length * 3 <= MAX_EVENT_BYTES || Buffer.byteLength(text) <= MAX_EVENT_BYTES) return this.#add(text);
    const bytes = Buffer.from(text);
    for (let at = 0, end = 0; at < bytes.length; at = end) {
      end = Math.min(bytes.length, at + MAX_EVENT_BYTES);
      while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--; // not within a character
      this.#add(bytes.toString("utf8", at, end));
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
  /** How much of it extensions took after the function's answer. */
  readonly extensionsMs?: number | undefined;
  readonly billedMs: number;
  readonly memoryMB: number;
  readonly usedMB: number;
  readonly initMs?: number | undefined;
  /** Set where it did not end well: `timeout` or `error`. */
  readonly status?: string | undefined;
  /** What ended the environment, where the status is `error`. */
  readonly errorType?: string | undefined;
}

/** How a call ended that did not end well. */
export type Ending = Pick<Report, "status" | "errorType">;

/** The type of an error as records have it: no member where there is none. */
export const errorOf = ({ errorType }: Pick<Report, "errorType">): { errorType?: string } =>
  errorType === undefined ? {} : { errorType };

/** Times in Lambda's records have microseconds. */
export const roundedMs = (ms: number): number => Math.round(ms * 1000) / 1000;

/** What a call has taken up to the function's answer. */
export const runtimeMs = ({ durationMs, extensionsMs = 0 }: Report): number => roundedMs(durationMs - extensionsMs);

/** The numbers as logs in JSON and the Telemetry API have them. */
export function reportMetrics({ durationMs, billedMs, memoryMB, usedMB, initMs }: Report): object {
  return {
    durationMs: roundedMs(durationMs),
    billedDurationMs: billedMs,
    memorySizeMB: memoryMB,
    maxMemoryUsedMB: usedMB,
    ...(initMs === undefined ? {} : { initDurationMs: roundedMs(initMs) }),
  };
}

/** Lambda's REPORT line. */
function reportLine(report: Report): string {
  const { requestId, durationMs, billedMs, memoryMB, usedMB, initMs, status, errorType } = report;
  const init = initMs === undefined ? "" : `\tInit Duration: ${initMs.toFixed(2)} ms`;
  const type = errorType === undefined ? "" : `\tError Type: ${errorType}`;
  const end = status === undefined ? "" : `\tStatus: ${status}${type}`;
  return `REPORT RequestId: ${requestId}\tDuration: ${durationMs.toFixed(2)} ms\tBilled Duration: ${billedMs} ms\tMemory Size: ${memoryMB} MB\tMax Memory Used: ${usedMB} MB${init}${end}\t\n`;
}
