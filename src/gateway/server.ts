import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** Limits of the front door; each is enforced by Node's server before anything of ours runs. */
const HEADER_BYTES = 32 * 1024;
const HEADERS_TIMEOUT_MS = 30_000;
/** A request may stream a large object for long; what stalls is ended by the idle timeout. */
const IDLE_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 65_000;
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
export async function openFrontDoor(options: { host: string; port: number; serve: Serve }): Promise<FrontDoor> {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
  });
  server.maxHeadersCount = MAX_HEADERS;
  server.timeout = IDLE_TIMEOUT_MS;
  server.on("request", (request, response) => options.serve(request, response, false));
  server.on("checkContinue", (request, response) => options.serve(request, response, true));
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else socket.destroy();
  });
  await listen(server, options.host, options.port);
  return {
    port: (server.address() as AddressInfo).port,
    accept: (socket) => void server.emit("connection", socket),
    close: (graceMs) => close(server, graceMs),
  };
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

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
