import type { IncomingMessage, ServerResponse } from "node:http";
import { createContext, type Context } from "./context.ts";
import { serveByRoute } from "./route-answer.ts";
import type { RouteTarget } from "./service.ts";

/**
 * Hands a request to the route that serves `host` with `prefix` before the path, within this process; answers false where
 * no route does. The route sees a visitor without credentials, and the Host header as the visitor sent it.
 */
export async function forward(
  ctx: Context<any>,
  request: IncomingMessage,
  response: ServerResponse,
  to: { readonly host: string; readonly prefix: string },
): Promise<boolean> {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  const path = to.prefix + (mark < 0 ? url : url.slice(0, mark));
  const rawQuery = mark < 0 ? "" : url.slice(mark + 1);
  const target: RouteTarget = {
    method: request.method ?? "GET",
    host: to.host,
    path,
    query: new URLSearchParams(rawQuery),
    headers: request.headers,
  };
  const { platform, registry, account, region, requestId, http } = ctx;
  for (const service of registry.services) {
    if (service.name === ctx.service) continue; // never back to where it came from
    for (const route of service.routes) {
      const match: unknown = route.match(target);
      if (match === undefined) continue;
      const principal = { kind: "anonymous", account } as const;
      const there = createContext(platform, registry, {
        service: service.name,
        account,
        region,
        principal,
        requestId,
        http,
      });
      request.url = mark < 0 ? path : `${path}?${rawQuery}`;
      await serveByRoute(route, { ctx: there, match, request, response });
      return true;
    }
  }
  return false;
}
