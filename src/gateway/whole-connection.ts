import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { isBodyless, type RouteAnswer } from "../aws/route-answer.ts";
import { MAX_HEAD, readWholeHead, type WholeHead } from "./whole-request.ts";

/** Serves one request, given its body; must not reject. */
export type ServeWhole = (body: Buffer) => Promise<RouteAnswer>;

/**
 * How requests with this head are served; undefined where that is Node's part. `closed` aborts when the client goes away
 * before its answer. What is answered here holds for the same head on the same connection again.
 */
export type PrepareWhole = (
  head: WholeHead,
  client: { readonly sourceIp: string; readonly closed: () => AbortSignal },
) => ServeWhole | undefined;

export interface WholeOptions {
  readonly prepare: PrepareWhole;
  /** Serves a connection by Node's parser, from the bytes on that lie in the socket. */
  readonly leave: (socket: Socket) => void;
  /** How long a client may take between two requests, for one that has begun, and without reading on in its answer. */
  readonly keepAliveMs: number;
  readonly beginMs: number;
  readonly readMs: number;
}

/** Answers that are sent in one piece with their heads. */
const MAX_TOGETHER = 16 * 1024;
const NOTHING = Buffer.alloc(0);

/** The connections that have brought nothing but plain, whole requests for what is served so. */
export class WholeConnections {
  readonly #options: WholeOptions;
  readonly #open = new Set<WholeConnection>();
  readonly #date = new HttpDate();
  readonly #sweeping: NodeJS.Timeout;

  constructor(options: WholeOptions) {
    this.#options = options;
    const { keepAliveMs, beginMs } = options;
    const everyMs = Math.max(10, Math.min(keepAliveMs, beginMs) / 10);
    this.#sweeping = setInterval(() => this.#sweep(), everyMs).unref();
  }

  add(socket: Socket): void {
    const gone = (connection: WholeConnection): unknown => this.#open.delete(connection);
    this.#open.add(new WholeConnection(socket, this.#options, { gone, date: this.#date }));
  }

  /** Ends those that are idle now, and the others with their answers. */
  close(): void {
    clearInterval(this.#sweeping);
    for (const connection of this.#open) connection.finish();
  }

  /** Cuts what is left. */
  cut(): void {
    for (const connection of this.#open) connection.destroy();
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#open) if (connection.isLate(now)) connection.destroy();
  }
}

class WholeConnection {
  readonly #socket: Socket;
  readonly #options: WholeOptions;
  readonly #gone: (connection: WholeConnection) => unknown;
  readonly #date: HttpDate;
  readonly #sourceIp: string;
  /** The latest head, as text, and how its requests are served: clients repeat themselves. */
  #text = "";
  #serve: ServeWhole | undefined;
  #bodyBytes = 0;
  /** A request whose body is not whole yet. */
  #begun: Buffer | undefined;
  /** What has come while a request is under way. */
  #waiting: Buffer | undefined;
  #state: "idle" | "answering" | "sending" = "idle";
  #since = performance.now();
  #hasAnswered = false;
  #isLast = false;
  #aborted: AbortController | undefined;

  constructor(
    socket: Socket,
    options: WholeOptions,
    owner: { readonly gone: (connection: WholeConnection) => unknown; readonly date: HttpDate },
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#gone = owner.gone;
    this.#date = owner.date;
    this.#sourceIp = socket.remoteAddress ?? "127.0.0.1";
    socket.on("data", this.#received).on("end", this.#ended).on("error", this.#failed).on("close", this.#closed);
  }

  /** Whether the client has taken too long; our own time is not the client's fault. */
  isLate(now: number): boolean {
    const { keepAliveMs, beginMs } = this.#options;
    if (this.#state !== "idle") return false; // while it reads its answer, the socket's own limit holds
    return now - this.#since > (this.#begun || !this.#hasAnswered ? beginMs : keepAliveMs);
  }

  finish(): void {
    this.#isLast = true;
    if (this.#state === "idle") this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #received = (chunk: Buffer): void => {
    if (this.#state !== "idle") {
      this.#waiting = this.#waiting ? Buffer.concat([this.#waiting, chunk]) : chunk;
      this.#socket.pause(); // which bounds it
      return;
    }
    const data = this.#begun ? Buffer.concat([this.#begun, chunk]) : chunk;
    const end = data.indexOf("\r\n\r\n");
    if (end < 0 || end > MAX_HEAD) return this.#leave(data);
    const text = data.toString("latin1", 0, end);
    if (text !== this.#text) {
      const head = readWholeHead(text);
      const client = { sourceIp: this.#sourceIp, closed: this.#whileConnected };
      this.#serve = head && this.#options.prepare(head, client);
      this.#text = text;
      this.#bodyBytes = head?.bodyBytes ?? 0;
    }
    const size = end + 4 + this.#bodyBytes;
    if (!this.#serve || data.length > size) return this.#leave(data);
    if (data.length < size) {
      if (!this.#begun) this.#since = performance.now();
      this.#begun = data;
      return;
    }
    this.#begun = undefined;
    this.#state = "answering";
    this.#serve(this.#bodyBytes === 0 ? NOTHING : data.subarray(end + 4)).then(this.#answer, this.#failed);
  };

  readonly #answer = (answer: RouteAnswer): void => {
    this.#aborted = undefined;
    this.#hasAnswered = true;
    this.#since = performance.now();
    if (this.#socket.destroyed) return;
    const { keepAliveMs } = this.#options;
    try {
      const more = { keepAliveMs: this.#isLast ? undefined : keepAliveMs, date: this.#date.now() };
      if (write(this.#socket, answer, more)) return this.#sent();
    } catch {
      return this.#failed(); // nobody waits for us, so nothing may be thrown
    }
    this.#state = "sending";
    this.#socket.setTimeout(this.#options.readMs, this.#failed).once("drain", this.#drained);
  };

  readonly #drained = (): void => {
    this.#socket.setTimeout(0, this.#failed);
    this.#sent();
  };

  readonly #sent = (): void => {
    this.#state = "idle";
    if (this.#isLast) return void this.#socket.end();
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    this.#socket.resume();
    this.#received(waiting);
  };

  /** The client sends no more. It may be gone altogether, or read its answer still. */
  readonly #ended = (): void => {
    this.#isLast = true;
    if (this.#state === "idle") this.#socket.end();
    else this.#abort();
  };

  readonly #failed = (): void => void this.#socket.destroy();

  readonly #closed = (): void => {
    this.#gone(this);
    this.#abort();
  };

  #abort(): void {
    if (this.#state === "answering") this.#aborted?.abort(new Error("the client went away"));
  }

  readonly #whileConnected = (): AbortSignal => {
    this.#aborted ??= new AbortController();
    if (this.#socket.destroyed) this.#aborted.abort(new Error("the client went away"));
    return this.#aborted.signal;
  };

  /** From here on the connection is Node's. */
  #leave(data: Buffer): void {
    const socket = this.#socket;
    this.#gone(this);
    socket.off("data", this.#received).off("end", this.#ended).off("error", this.#failed).off("close", this.#closed);
    if (this.#isLast) return void socket.destroy();
    socket.pause();
    socket.unshift(data);
    this.#options.leave(socket);
    socket.resume();
  }
}

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\t -~\x80-\xff]*$/;
const FAILED: RouteAnswer = {
  status: 500,
  headers: ["content-type", "application/json"],
  body: '{"message":"Internal failure"}',
};

/** The date as heads have it; made once a second. */
class HttpDate {
  #second = 0;
  #text = "";

  now(): string {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) [this.#second, this.#text] = [second, new Date(second * 1000).toUTCString()];
    return this.#text;
  }
}

/** Writes an answer with what Node's server adds to it; answers false where the client does not keep up. */
function write(
  socket: Socket,
  { status, headers, body }: RouteAnswer,
  more: { readonly keepAliveMs: number | undefined; readonly date: string },
): boolean {
  const { keepAliveMs, date } = more;
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
  let isDated = false;
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) return write(socket, FAILED, more);
    if (name.length === 4 && name.toLowerCase() === "date") isDated = true;
    head += `${name}: ${value}\r\n`;
  }
  const hasBody = !isBodyless(status);
  const length = hasBody ? Buffer.byteLength(body) : 0;
  if (hasBody) head += `Content-Length: ${length}\r\n`;
  if (!isDated) head += `Date: ${date}\r\n`;
  head +=
    keepAliveMs === undefined
      ? "Connection: close\r\n\r\n"
      : `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n\r\n`;
  if (length === 0) return socket.write(head, "latin1");
  if (typeof body === "string" && length === body.length) return socket.write(head + body, "latin1");
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  if (length <= MAX_TOGETHER) return socket.write(head + bytes.toString("latin1"), "latin1");
  socket.cork();
  socket.write(head, "latin1");
  const isTaken = socket.write(bytes);
  socket.uncork();
  return isTaken;
}
