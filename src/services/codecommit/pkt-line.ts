import type { Readable } from "node:stream";
import { AwsError } from "../../kernel/aws-error.ts";

/** One change that a push asks for. */
export interface RefCommand {
  readonly oldId: string;
  readonly newId: string;
  readonly ref: string;
}

/** The beginning of a push: what it changes, before its pack. */
export interface PushHead {
  readonly commands: readonly RefCommand[];
  readonly capabilities: readonly string[];
  /** The bytes that were read, to be handed on to git as they are. */
  readonly read: Buffer;
}

/** https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html */
const MAX_REFS = 4_000;
const MAX_HEAD = 2 * 1024 * 1024;

const invalid = (message: string): AwsError => new AwsError("InvalidRequestException", message, 400);

/** Reads the commands of a push up to the flush packet that ends them. Reads no more than that much of the stream, but for one chunk. */
export async function readPushHead(stream: Readable): Promise<PushHead> {
  let read = Buffer.alloc(0);
  const commands: RefCommand[] = [];
  let capabilities: string[] = [];
  let at = 0;
  // Not `for await`: leaving that loop would destroy the request, and with it the answer.
  for (;;) {
    const packet = packetAt(read, at);
    if (!packet) {
      if (read.length > MAX_HEAD) throw invalid("The push names too many references.");
      const chunk = await nextChunk(stream);
      if (!chunk) throw invalid("The push ended before its commands did.");
      read = Buffer.concat([read, chunk]);
      continue;
    }
    at = packet.end;
    if (packet.payload === undefined) return { commands, capabilities, read };
    const text = packet.payload.toString("utf8").replace(/\n$/, "");
    const [line = "", given] = text.split("\0");
    if (given !== undefined) capabilities = given.split(" ");
    if (line.startsWith("shallow ")) continue;
    const match = /^([0-9a-f]{40}) ([0-9a-f]{40}) (\S.*)$/.exec(line);
    if (!match) throw invalid("The push has a command that cannot be read. Signed pushes are not supported.");
    commands.push({ oldId: match[1]!, newId: match[2]!, ref: match[3]! });
    if (commands.length > MAX_REFS) throw invalid(`A push may change at most ${MAX_REFS} references.`);
  }
}

function packetAt(bytes: Buffer, at: number): { payload?: Buffer; end: number } | undefined {
  if (bytes.length < at + 4) return undefined;
  const hex = bytes.toString("latin1", at, at + 4);
  const length = /^[0-9a-f]{4}$/i.test(hex) ? parseInt(hex, 16) : -1;
  if (length === 0) return { end: at + 4 };
  if (length < 4) throw invalid("The push is not in git's packet format.");
  if (bytes.length < at + length) return undefined;
  return { payload: bytes.subarray(at + 4, at + length), end: at + length };
}

async function nextChunk(stream: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk) return chunk;
    if (stream.readableEnded || stream.destroyed) return undefined;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const name of events) stream.off(name, done);
        resolve();
      };
      const events = ["readable", "end", "close", "error"] as const;
      for (const name of events) stream.on(name, done);
    });
  }
}

const FLUSH = "0000";
const MAX_LINE = 900;

/** Lines for the user's terminal ("remote: ..."), as a side band's packets; control characters never get there. */
export function progressPackets(lines: readonly string[]): Buffer {
  return Buffer.concat(lines.map((line) => bandPacket(2, line)));
}

/** What ends an exchange with "remote error: ...". */
export const errorPacket = (line: string): Buffer => bandPacket(3, line);

function bandPacket(band: 2 | 3, line: string): Buffer {
  // oxlint-disable-next-line no-control-regex
  const clean = line.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "?").slice(0, MAX_LINE);
  const payload = Buffer.concat([Buffer.from([band]), Buffer.from(`${clean}\n`, "utf8")]);
  return Buffer.concat([Buffer.from((payload.length + 4).toString(16).padStart(4, "0")), payload]);
}

/**
 * Passes git's answer on, and says `last()` just before the flush packet that ends it: the client hears of its success only when
 * `last` is done.
 */
export function beforeFlush(
  last: () => Promise<Buffer>,
): (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  return async function* (source) {
    let held = Buffer.alloc(0);
    for await (const chunk of source) {
      const all = Buffer.concat([held, chunk]);
      const cut = Math.max(0, all.length - FLUSH.length);
      held = all.subarray(cut);
      if (cut) yield all.subarray(0, cut);
    }
    const extra = await last();
    yield held.toString("latin1") === FLUSH ? Buffer.concat([extra, held]) : held;
  };
}
