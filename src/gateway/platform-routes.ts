import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHead } from "./request.ts";

export type Status = "starting" | "ready" | "stopping";

export interface PlatformRoutes {
  readonly status: () => Status;
  /** Removes all state; undefined where the setting is off. */
  readonly reset?: (() => Promise<void>) | undefined;
}

const RESET_PATHS = ["/_starling/reset", "/moto-api/reset"];

/** Whether a path may be one of the platform's own. */
export const isPlatformPath = (path: string): boolean =>
  path.startsWith("/_starling/") || path === "/metrics" || RESET_PATHS.includes(path);

/** Serves the platform's own paths (`/_starling/...`); false where the request is for none of them. */
export function servePlatform(
  head: RequestHead,
  request: IncomingMessage,
  response: ServerResponse,
  routes: PlatformRoutes,
): boolean | Promise<boolean> {
  if (head.path === "/_starling/health") {
    const status = routes.status();
    answer(response, status === "ready" ? 200 : 503, {
      status,
      pid: process.pid,
      uptimeSeconds: Math.round(process.uptime()),
    });
    return true;
  }
  if (head.path === "/metrics" && isPlain(head.host)) {
    const { rss, heapUsed } = process.memoryUsage();
    const lines = [
      `process_resident_memory_bytes ${rss}`,
      `nodejs_heap_used_bytes ${heapUsed}`,
      `process_uptime_seconds ${process.uptime().toFixed(0)}`,
    ];
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(`${lines.join("\n")}\n`);
    return true;
  }
  if (RESET_PATHS.includes(head.path) && head.method === "POST") {
    return serveReset(request, response, routes).then(() => true);
  }
  return false;
}

const isPlain = (host: string): boolean => host === "localhost" || host === "127.0.0.1" || host === "[::1]";

/** A reset is for test suites: where the setting is on, from loopback, and never from a browser's page. */
async function serveReset(request: IncomingMessage, response: ServerResponse, routes: PlatformRoutes): Promise<void> {
  if (!routes.reset)
    return answer(response, 403, { message: "A reset is off. Start with STARLING_RESET=on to allow it." });
  if (request.headers.origin !== undefined || request.headers["sec-fetch-site"] !== undefined) {
    return answer(response, 403, { message: "A reset is refused for requests that a browser's page makes." });
  }
  const peer = request.socket.remoteAddress ?? "";
  if (!/^(127\.|::1$|::ffff:127\.)/.test(peer))
    return answer(response, 403, { message: "A reset is allowed from this machine only." });
  await routes.reset();
  answer(response, 200, { status: "ok" });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
