import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WholeConnections, type PrepareWhole } from "./whole-connection.ts";

/** How long clients may take. */
export interface Patience {
  /** For all of a request's head. */
  readonly headersMs: number;
  /** Without a byte in either direction while a request is under way. */
  readonly idleMs: number;
  /** Between two requests on one connection. */
  readonly keepAliveMs: number;
  /** A body may be large and take long, but must bring `MIN_BODY_BYTES` in each of these. */
  readonly bodyMs: number;
  /** For our own work on a request that is all here: a function may take 15 minutes. */
  readonly workMs: number;
}

const PATIENCE: Patience = {
  headersMs: 30_000,
  idleMs: 120_000,
  keepAliveMs: 65_000,
  bodyMs: 60_000,
  workMs: 16 * 60_000,
};
const MIN_BODY_BYTES = 1024;
const HEADER_BYTES = 32 * 1024;
const MAX_HEADERS = 200;
const BUSY_MS = 3_000;
const BUSY_PAUSE_MS = 50;

/** Serves one request; must not throw. `expectsContinue`: the client waits for `response.writeContinue()`. */
export type Serve = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => void;

export interface FrontDoor {
  /** The port that is really bound. */
  readonly port: number;
  /** Serves a connection that was accepted elsewhere (inside a sandbox). */
  accept(socket: Duplex): void;
  /** Stops accepting, waits up to `graceMs` for requests under way, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Opens the one port. Throws EADDRINUSE with a text that says which port. */
export async function openFrontDoor(options: {
  host: string;
  port: number;
  serve: Serve;
  /** Of small requests that come whole: what is served without Node's parser. */
  prepare?: PrepareWhole;
  patience?: Partial<Patience>;
}): Promise<FrontDoor> {
  const patience = { ...PATIENCE, ...options.patience };
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: patience.headersMs,
    connectionsCheckingInterval: Math.min(patience.headersMs, 10_000),
    requestTimeout: 0,
    keepAliveTimeout: patience.keepAliveMs,
    noDelay: true,
  });
  server.maxHeadersCount = MAX_HEADERS;
  server.timeout = patience.idleMs;
  const bodies = watchBodies(server, patience.bodyMs);
  const working = watchWork(server, patience);
  server.on("request", (request, response) => {
    bodies(request);
    working.set(request.socket, { request, response });
    options.serve(request, response, false);
  });
  server.on("checkContinue", (request, response) => {
    bodies(request);
    working.set(request.socket, { request, response });
    options.serve(request, response, true);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? "408 Request Timeout" : "400 Bad Request";
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    else socket.destroy();
  });
  const { prepare } = options;
  const whole = prepare && putBefore(server, { prepare, ...patience });
  await listen(server, options.host, options.port);
  return {
    port: (server.address() as AddressInfo).port,
    accept: (socket) => (whole ? whole.leave(socket) : void server.emit("connection", socket)),
    close: (graceMs) => close(server, graceMs, whole?.connections),
  };
}

/**
 * Ends connections whose body comes in drops: each would hold a request for ever, and the idle timeout never sees them.
 * A body that we ourselves do not read just now is not the client's fault.
 */
function watchBodies(server: Server, everyMs: number): (request: IncomingMessage) => void {
  const open = new Map<IncomingMessage, number>();
  const timer = setInterval(() => {
    for (const [request, before] of open) {
      const { bytesRead, destroyed } = request.socket;
      if (request.complete || destroyed) open.delete(request);
      else if (request.readableFlowing === null || request.readableLength > 0) open.set(request, bytesRead);
      else if (bytesRead - before < MIN_BODY_BYTES) request.socket.destroy();
      else open.set(request, bytesRead);
    }
  }, everyMs);
  timer.unref();
  server.once("close", () => clearInterval(timer));
  return (request) => {
    if (request.headers["transfer-encoding"] === undefined && !(Number(request.headers["content-length"]) > 0)) return;
    open.set(request, request.socket.bytesRead);
    request.once("close", () => open.delete(request));
  };
}

/** Puts the connections of plain, whole requests before Node's parser, which gets those that turn out to be others. */
function putBefore(
  server: Server,
  { prepare, headersMs, idleMs, keepAliveMs }: Patience & { prepare: PrepareWhole },
): { connections: WholeConnections; leave: (socket: Duplex) => void } {
  const nodes = server.listeners("connection") as ((socket: Duplex) => void)[];
  const leave = (socket: Duplex): void => nodes.forEach((listener) => listener.call(server, socket));
  const connections = new WholeConnections({ prepare, leave, beginMs: headersMs, readMs: idleMs, keepAliveMs });
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => connections.add(socket));
  return { connections, leave };
}

/** Ends connections on which nothing moves, but not while a request is all here and its answer is our own work. */
function watchWork(
  server: Server,
  { idleMs, workMs }: Patience,
): WeakMap<Duplex, { request: IncomingMessage; response: ServerResponse }> {
  const working = new WeakMap<Duplex, { request: IncomingMessage; response: ServerResponse; isLong?: boolean }>();
  server.on("timeout", (socket) => {
    const work = working.get(socket);
    const isOurs = work && work.request.complete && !work.response.writableEnded && socket.writableLength === 0;
    if (!isOurs || work.isLong) return void socket.destroy();
    work.isLong = true;
    socket.setTimeout(workMs - idleMs);
  });
  return working;
}

/** A killed platform holds its port for a moment longer: a busy port is tried again until `BUSY_MS` have passed. */
async function listen(server: Server, host: string, port: number): Promise<void> {
  const deadline = Date.now() + BUSY_MS;
  for (;;) {
    const error = await tryListen(server, host, port);
    if (!error) return;
    if (error.code !== "EADDRINUSE") throw error;
    if (Date.now() > deadline) {
      throw new Error(`Port ${port} is in use by another program. Stop it, or choose another with STARLING_PORT.`);
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
  }
}

function tryListen(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error);
    server.once("error", failed);
    server.listen(port, host, () => {
      server.off("error", failed);
      resolve(undefined);
    });
  });
}

function close(server: Server, graceMs: number, whole: WholeConnections | undefined): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => {
      server.closeAllConnections();
      whole?.cut();
    }, graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
    whole?.close();
  });
}
