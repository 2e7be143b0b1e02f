import { closeSync, mkdirSync, readSync, rmSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { ChannelEvents, InitAnswer, Invocation, RuntimeAnswer, RuntimeChannel } from "./channel.ts";
import { makeFifo, MAX_PACKET, openFifo, openPackets } from "./fifo.ts";
import { encodeFrame, FROM_RUNTIME, FrameReader, TO_RUNTIME, type Frame } from "./frames.ts";

/** What a runtime of ours is told before it loads the function. */
export interface InitMessage {
  readonly handler: string;
  readonly taskRoot: string;
  readonly runtime: string;
  readonly logFormat: string;
}

const READ_BUFFER = 16 * 1024;
const NOTHING = Buffer.alloc(0);
const NOBODY: ChannelEvents = { onAnswer() {}, onPiece() {}, onLog() {}, onFault() {} };

/**
 * Frames on two named pipes in a folder that the sandbox sees. The one to the runtime carries packets and both its ends
 * are ours too, so what the runtime has not read yet can be taken back.
 */
export class FrameChannel implements RuntimeChannel {
  /** Settles when the runtime runs and waits for its function. */
  readonly ready: Promise<void>;
  readonly initialized: Promise<InitAnswer>;
  readonly #folder: string;
  readonly #ready = Promise.withResolvers<void>();
  readonly #init = Promise.withResolvers<InitAnswer>();
  readonly #reader = new FrameReader((frame) => this.#take(frame));
  readonly #down: number;
  readonly #upFd: number;
  readonly #up: Socket;
  /** For what is too big for a packet. */
  #large: Socket | undefined;
  /** The event under way went that way: what lies in the pipe are no packets. */
  #isLarge = false;
  #events: ChannelEvents = NOBODY;
  #closed = false;

  private constructor(folder: string) {
    this.#folder = folder;
    this.ready = this.#ready.promise;
    this.initialized = this.#init.promise;
    const [down, up] = [join(folder, "events"), join(folder, "answers")];
    makeFifo(down);
    makeFifo(up);
    this.#down = openPackets(down);
    this.#upFd = openFifo(up);
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BUFFER),
      callback: (size: number, buffer: Uint8Array): boolean => this.#received(buffer as Buffer, size),
    };
    // The types lack `onread`, which sockets of descriptors take as well.
    this.#up = new Socket({ fd: this.#upFd, readable: true, writable: false, onread } as never);
    this.#up.on("error", (error) => this.#events.onFault(error));
    this.#up.resume();
  }

  static open(folder: string): FrameChannel {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return new FrameChannel(folder);
  }

  attach(events: ChannelEvents): void {
    this.#events = events;
  }

  /** Gives a stem the variables of the function that it will serve; which one follows by `load`. */
  variables(env: Readonly<Record<string, string>>): void {
    this.#send(encodeFrame(TO_RUNTIME.variables, "", Buffer.from(JSON.stringify(env))));
  }

  /** Tells the runtime which function it serves. */
  load(message: InitMessage): void {
    this.#send(encodeFrame(TO_RUNTIME.init, "", Buffer.from(JSON.stringify(message))));
  }

  invoke(invocation: Invocation): void {
    this.#isLarge = this.#send(encodeInvocation(invocation));
  }

  ahead(invocation: Invocation): boolean {
    if (this.#isLarge || invocation.payload.length > MAX_PACKET) return false;
    const frame = encodeInvocation(invocation);
    return frame.length <= MAX_PACKET && this.#writePacket(frame);
  }

  takeBack(): string[] {
    const ids: string[] = [];
    if (this.#closed || this.#isLarge) return ids;
    const buffer = Buffer.allocUnsafe(MAX_PACKET);
    for (;;) {
      const size = readIfThere(this.#down, buffer);
      if (size === 0) return ids;
      const headerLength = size > 9 ? buffer.readUInt32BE(5) : 0;
      ids.push(buffer.toString("utf8", 9, Math.min(size, 9 + headerLength)).split("\t", 1)[0]!);
    }
  }

  pause(): void {
    this.#up.pause();
  }

  resume(): void {
    this.#up.resume();
  }

  drain(): void {
    const buffer = Buffer.allocUnsafe(READ_BUFFER);
    while (!this.#closed) {
      const size = readIfThere(this.#upFd, buffer);
      if (size === 0) return;
      this.#received(buffer, size);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#up.destroy();
    this.#large?.destroy();
    closeSync(this.#down);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Answers whether it did not fit into a packet. */
  #send(frame: Buffer): boolean {
    if (this.#closed) return false;
    if (frame.length <= MAX_PACKET && !this.#large?.writableLength && this.#writePacket(frame)) return false;
    if (!this.#large) {
      const fd = openFifo(join(this.#folder, "events"));
      this.#large = new Socket({ fd, readable: false, writable: true });
      this.#large.on("error", (error) => this.#events.onFault(error));
    }
    this.#large.write(frame);
    return true;
  }

  #writePacket(frame: Buffer): boolean {
    if (this.#closed) return false;
    try {
      return writeSync(this.#down, frame) === frame.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      throw error;
    }
  }

  #received(buffer: Buffer, size: number): boolean {
    try {
      this.#reader.push(buffer.subarray(0, size));
    } catch (error) {
      this.#up.pause();
      this.#events.onFault(error as Error);
      return false;
    }
    return true;
  }

  #take({ type, header, body }: Frame): void {
    switch (type) {
      case FROM_RUNTIME.log:
        return this.#events.onLog(body);
      case FROM_RUNTIME.response:
      case FROM_RUNTIME.end: {
        const [id, facts = ""] = fields(header);
        const [micros, waited] = fields(facts);
        const kind = type === FROM_RUNTIME.end ? "end" : "response";
        const took = { micros: Number(micros) || 0, waited: waited !== "" };
        return this.#events.onAnswer(id, { kind, body: Buffer.from(body), ...took });
      }
      case FROM_RUNTIME.error: {
        const [id, errorType = "Unhandled"] = fields(header);
        return this.#events.onAnswer(id, { kind: "error", body: Buffer.from(body), errorType } as RuntimeAnswer);
      }
      case FROM_RUNTIME.piece: {
        const [id, contentType] = fields(header);
        return this.#events.onPiece(id, Buffer.from(body), contentType);
      }
      case FROM_RUNTIME.ready:
        return this.#ready.resolve();
      case FROM_RUNTIME.initialized:
        return this.#init.resolve({ ok: true });
      case FROM_RUNTIME.initError:
        return this.#init.resolve({ ok: false, body: Buffer.from(body), errorType: header });
      default:
        throw new Error(`a frame of the unknown type ${type}`);
    }
  }
}

/** The first field, and the rest. */
function fields(header: string): [first: string, rest: string | undefined] {
  const tab = header.indexOf("\t");
  return tab < 0 ? [header, undefined] : [header.slice(0, tab), header.slice(tab + 1)];
}

function encodeInvocation({ id, deadline, arn, traceId, clientContext, payload }: Invocation): Buffer {
  const trace = traceId.includes("\t") ? traceId.replaceAll("\t", " ") : traceId;
  const header = `${id}\t${deadline}\t${arn}\t${trace}${clientContext === undefined ? "" : `\t${clientContext}`}`;
  return encodeFrame(TO_RUNTIME.invoke, header, payload.length ? payload : NOTHING);
}

/** Bytes that are there now; 0 where there are none. */
function readIfThere(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}
