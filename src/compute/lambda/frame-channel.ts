import { mkdirSync, rmSync, chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { InitAnswer, Invocation, RuntimeAnswer, RuntimeChannel } from "./channel.ts";
import { encodeFrame, FROM_RUNTIME, FrameReader, TO_RUNTIME, type Frame } from "./frames.ts";

/** What a runtime of ours is told before it loads the function. */
export interface InitMessage {
  readonly env: Readonly<Record<string, string>>;
  readonly handler: string;
  readonly taskRoot: string;
  readonly runtime: string;
  readonly logFormat: string;
}

interface Pending<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function pending<T>(): Pending<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, resolve };
}

/** Frames on a unix socket in a folder that the sandbox sees; one connection, the first. */
export class FrameChannel implements RuntimeChannel {
  /** Settles when the runtime has connected and waits for its function. */
  readonly ready: Promise<void>;
  readonly initialized: Promise<InitAnswer>;
  readonly #folder: string;
  readonly #server: Server;
  #onLog: (chunk: Buffer) => void = () => undefined;
  #onFault: (error: Error) => void = () => undefined;
  readonly #ready = pending<void>();
  readonly #init = pending<InitAnswer>();
  #socket: Socket | undefined;
  #current: { id: string; answer: Pending<RuntimeAnswer> } | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.ready = this.#ready.promise;
    this.initialized = this.#init.promise;
    this.#server = createServer((socket) => this.#connect(socket));
  }

  static async open(folder: string): Promise<FrameChannel> {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const channel = new FrameChannel(folder);
    const path = join(folder, "runtime.sock");
    await new Promise<void>((resolve, reject) => {
      channel.#server.once("error", reject);
      channel.#server.listen(path, resolve);
    });
    chmodSync(path, 0o666); // the sandbox's user is another; nobody else sees the folder
    return channel;
  }

  /** Whom to tell what the function writes, and that the runtime broke the protocol: its environment must end then. */
  attach(onLog: (chunk: Buffer) => void, onFault: (error: Error) => void): void {
    this.#onLog = onLog;
    this.#onFault = onFault;
  }

  /** Tells the runtime which function it serves. */
  load(message: InitMessage): void {
    this.#send(TO_RUNTIME.init, message, Buffer.alloc(0));
  }

  invoke(invocation: Invocation): Promise<RuntimeAnswer> {
    const { payload, ...header } = invocation;
    this.#current = { id: invocation.id, answer: pending<RuntimeAnswer>() };
    this.#send(TO_RUNTIME.invoke, header, payload);
    return this.#current.answer.promise;
  }

  close(): void {
    this.#socket?.destroy();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #send(type: number, header: object, body: Buffer): void {
    this.#socket?.cork();
    for (const part of encodeFrame(type, header, body)) this.#socket?.write(part);
    this.#socket?.uncork();
  }

  #connect(socket: Socket): void {
    if (this.#socket) return void socket.destroy();
    this.#socket = socket;
    const reader = new FrameReader();
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      try {
        for (const frame of reader.push(chunk)) this.#take(frame);
      } catch (error) {
        socket.destroy();
        this.#onFault(error as Error);
      }
    });
  }

  #take({ type, header, body }: Frame): void {
    switch (type) {
      case FROM_RUNTIME.log:
        return this.#onLog(body);
      case FROM_RUNTIME.ready:
        return this.#ready.resolve();
      case FROM_RUNTIME.initialized:
        return this.#init.resolve({ ok: true });
      case FROM_RUNTIME.initError:
        return this.#init.resolve({ ok: false, body: Buffer.from(body), errorType: String(header["type"]) });
      case FROM_RUNTIME.response:
      case FROM_RUNTIME.error: {
        // An answer for another event than the one under way counts for nothing.
        if (!this.#current || header["id"] !== this.#current.id) return;
        const kind = type === FROM_RUNTIME.response ? "response" : "error";
        const { answer } = this.#current;
        this.#current = undefined;
        return answer.resolve({
          kind,
          body: Buffer.from(body),
          ...(kind === "error" ? { errorType: String(header["type"]) } : {}),
        });
      }
      default:
        throw new Error(`a frame of the unknown type ${type}`);
    }
  }
}
