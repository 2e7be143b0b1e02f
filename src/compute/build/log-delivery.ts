import type { Context } from "../../aws/context.ts";
import { codeOf, messageOf } from "../../kernel/aws-error.ts";
import type { LogEvent } from "../../ports/telemetry.ts";

const EVERY_MS = 100;
const BATCH_EVENTS = 2_000;
const BATCH_BYTES = 512 * 1024;
/** Lines that wait; a build that writes faster than they are stored loses the newest ones, and its log says so. */
const MAX_WAITING = 100_000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
const EVENT_OVERHEAD = 26;

/** Writes the log of one build to CloudWatch Logs as the build's role, a tenth of a second behind. */
export class LogDelivery {
  readonly #ctx: Context<any>;
  readonly #group: string;
  readonly #stream: string;
  #waiting: LogEvent[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(ctx: Context<any>, group: string, stream: string) {
    this.#ctx = ctx;
    this.#group = group;
    this.#stream = stream;
  }

  /** Makes group and stream where they are missing. */
  async open(): Promise<void> {
    const names = { logGroupName: this.#group, logStreamName: this.#stream };
    const create = (): Promise<unknown> => this.#ctx.call("logs", "CreateLogStream", names).catch(unlessThere);
    try {
      await create();
    } catch (error) {
      if (codeOf(error) !== "ResourceNotFoundException") throw error;
      await this.#ctx.call("logs", "CreateLogGroup", { logGroupName: this.#group }).catch(unlessThere);
      await create();
    }
  }

  append(message: string): void {
    const bytes = Buffer.byteLength(message);
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.#lost++;
      return;
    }
    this.#waitingBytes += bytes;
    this.#waiting.push({ timestamp: this.#ctx.now(), message });
    this.#timer ??= setTimeout(() => void this.flush(), EVERY_MS);
  }

  /** Resolves when all that was appended is handed over. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sending.then(() => this.#send());
    await this.#sending;
  }

  async #send(): Promise<void> {
    if (this.#lost)
      this.#waiting.push({
        timestamp: this.#ctx.now(),
        message: `[Container] ${this.#lost} lines are not kept: the build wrote them faster than they could be stored\n`,
      });
    this.#lost = 0;
    while (this.#waiting.length) {
      const batch = this.#take();
      try {
        await this.#ctx.call("logs", "PutLogEvents", {
          logGroupName: this.#group,
          logStreamName: this.#stream,
          logEvents: batch,
        });
      } catch (error) {
        this.#ctx.platform.log.warn("lines of a build's log could not be stored", {
          group: this.#group,
          stream: this.#stream,
          lines: batch.length,
          error: messageOf(error),
        });
      }
    }
  }

  #take(): LogEvent[] {
    let bytes = 0;
    let count = 0;
    for (const { message } of this.#waiting) {
      bytes += Buffer.byteLength(message) + EVENT_OVERHEAD;
      if (count > 0 && (count >= BATCH_EVENTS || bytes > BATCH_BYTES)) break;
      count++;
    }
    const batch = this.#waiting.splice(0, count);
    this.#waitingBytes = this.#waiting.length
      ? this.#waitingBytes - batch.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0)
      : 0;
    return batch;
  }
}

function unlessThere(error: unknown): void {
  if (codeOf(error) !== "ResourceAlreadyExistsException") throw error;
}
