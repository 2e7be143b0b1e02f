import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** One of the APIs at 127.0.0.1:9001 inside a sandbox. */
export interface ApiPart {
  /** What its paths begin with. */
  readonly prefix: string;
  /** Serves a request; `rest` is its path behind the prefix. */
  serve(request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> | void;
}

/** Serves the connections that processes of one sandbox open to 127.0.0.1:9001. */
export class SandboxApi {
  readonly #server: Server;
  readonly #parts: readonly ApiPart[];

  constructor(parts: readonly ApiPart[]) {
    this.#parts = parts;
    this.#server = createServer(
      { maxHeaderSize: 64 * 1024, requestTimeout: 0, keepAliveTimeout: 0 },
      (request, response) => {
        this.#serve(request, response).catch(() => response.destroy());
      },
    );
  }

  /** Serves a connection that a process inside opened. */
  accept(socket: Socket): void {
    this.#server.emit("connection", socket);
  }

  close(): void {
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const part = this.#parts.find(({ prefix }) => path.startsWith(prefix));
    if (!part) return refuse(response, 404, "NotFound", "There is no such path.");
    await part.serve(request, response, path.slice(part.prefix.length));
  }
}

/** The whole body; undefined where it is longer than it may be (the rest is read and dropped). */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  }
  return size <= maxBytes ? Buffer.concat(chunks) : undefined;
}

export function accepted(response: ServerResponse): void {
  response.writeHead(202, { "content-type": "application/json" }).end('{"status":"OK"}');
}

export function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ errorMessage, errorType }));
}
