import type { Context } from "../../aws/context.ts";
import { servicePrincipal } from "../../aws/principal.ts";
import { codeOf } from "../../kernel/aws-error.ts";

/** PutLogEvents takes a mebibyte; each event counts for 26 bytes more than its message. */
const BATCH_BYTES = 1_000_000;
const EVENT_BYTES = 26;
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const MAX_STREAMS = 10_000;
const MAX_MESSAGE = 200_000;

export interface LogPlace {
  readonly group: string;
  readonly stream: string;
  /** Execution logs make their group; that of access logs is the user's. */
  readonly makesGroup: boolean;
}

interface Waiting {
  readonly timestamp: number;
  readonly message: string;
  readonly bytes: number;
}

interface Queue {
  readonly waiting: Waiting[];
  bytes: number;
  writing: boolean;
  made: boolean;
}

/** What the endpoints of APIs write into CloudWatch Logs: behind the answer, in order, and bounded. */
export class EdgeLogs {
  readonly #queues = new Map<string, Queue>();

  write(ctx: Context<any>, place: LogPlace, messages: readonly string[]): void {
    const key = `${ctx.account}/${ctx.region}/${place.group}/${place.stream}`;
    let queue = this.#queues.get(key);
    if (!queue) {
      if (this.#queues.size >= MAX_STREAMS) this.#queues.clear();
      this.#queues.set(key, (queue = { waiting: [], bytes: 0, writing: false, made: false }));
    }
    const timestamp = ctx.now();
    for (const text of messages) {
      const message = printable(text);
      const bytes = Buffer.byteLength(message) + EVENT_BYTES;
      if (queue.waiting.length >= MAX_WAITING || queue.bytes + bytes > MAX_WAITING_BYTES) break;
      queue.waiting.push({ timestamp, message, bytes });
      queue.bytes += bytes;
    }
    if (!queue.writing) void this.#drain(ctx, place, queue);
  }

  async #drain(ctx: Context<any>, place: LogPlace, queue: Queue): Promise<void> {
    queue.writing = true;
    const caller = ctx.as(servicePrincipal("apigateway.amazonaws.com", ctx.account));
    try {
      if (!queue.made) await makeStream(caller, place);
      queue.made = true;
      while (queue.waiting.length > 0) {
        const { group: logGroupName, stream: logStreamName } = place;
        const logEvents = nextBatch(queue);
        await caller.call("logs", "PutLogEvents", { logGroupName, logStreamName, logEvents });
      }
    } catch (error) {
      queue.made = false;
      queue.waiting.length = 0;
      queue.bytes = 0;
      const facts = { group: place.group, error: (error as Error).message };
      ctx.platform.log.warn("the log of an API could not be written", facts);
    } finally {
      queue.writing = false;
    }
  }
}

function nextBatch(queue: Queue): { timestamp: number; message: string }[] {
  let [count, size] = [0, 0];
  for (; count < queue.waiting.length; count++) {
    const { bytes } = queue.waiting[count]!;
    if (count > 0 && size + bytes > BATCH_BYTES) break;
    size += bytes;
  }
  queue.bytes -= size;
  return queue.waiting.splice(0, count).map(({ timestamp, message }) => ({ timestamp, message }));
}

async function makeStream(caller: Context<any>, { group, stream, makesGroup }: LogPlace): Promise<void> {
  const ignoreExisting = (error: unknown): void => {
    if (codeOf(error) !== "ResourceAlreadyExistsException") throw error;
  };
  if (makesGroup) await caller.call("logs", "CreateLogGroup", { logGroupName: group }).catch(ignoreExisting);
  const names = { logGroupName: group, logStreamName: stream };
  await caller.call("logs", "CreateLogStream", names).catch(ignoreExisting);
}

/** One event is one line of text: what a client sends must not forge others, nor reach a terminal as a command. */
function printable(message: string): string {
  // eslint-disable-next-line no-control-regex
  const text = message.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ").slice(0, MAX_MESSAGE);
  return text === "" ? " " : text;
}

/** The log group that an ARN names. */
export const groupOfArn = (arn: string): string | undefined => /:log-group:([^:*]+)/.exec(arn)?.[1];
