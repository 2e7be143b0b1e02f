import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "./context.ts";
import type { Route } from "./service.ts";

/** A request that has come whole, with its body, as small ones do. Its members are those of Node's `IncomingMessage`. */
export interface WholeRequest extends Pick<
  IncomingMessage,
  "method" | "url" | "httpVersion" | "headers" | "rawHeaders"
> {
  readonly body: Buffer;
}

/** What a route that answers reads a request from. */
export type RouteRequest = IncomingMessage | WholeRequest;

export const isWhole = (request: RouteRequest): request is WholeRequest => "body" in request;

/** What a route answers. */
export interface RouteAnswer {
  readonly status: number;
  /** Names and values in turn, without `Content-Length`: whoever sends it adds that. */
  readonly headers: readonly string[];
  /** Text travels as UTF-8. */
  readonly body: Buffer | string;
}

/** Statuses whose answers have no body, and no length either. */
export const isBodyless = (status: number): boolean => status === 204 || status === 304 || status < 200;

/** Lets a route serve a request that Node's server has taken. */
export async function serveByRoute<State, Match>(
  route: Route<State, Match>,
  call: { ctx: Context<State>; match: Match; request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const { ctx, match, request, response } = call;
  if (route.handle) return route.handle(ctx, match, request, response);
  sendAnswer(response, await route.answer(ctx, match, request), request.method);
}

/** Sends an answer by Node's server. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: RouteAnswer, method = "GET"): void {
  const hasBody = !isBodyless(status);
  const head = [...headers];
  if (hasBody) head.push("Content-Length", String(Buffer.byteLength(body)));
  response.writeHead(status, head);
  response.end(hasBody && method !== "HEAD" ? body : undefined);
}
