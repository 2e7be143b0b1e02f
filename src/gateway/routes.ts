import { createContext } from "../aws/context.ts";
import type { Route, RouteTarget } from "../aws/service.ts";
import { AwsError } from "../kernel/aws-error.ts";
import type { Exchange, Gateway } from "./gateway.ts";

/** Longest trace header that is taken. */
const MAX_TRACE = 1024;

/** Serves what is not an AWS API: endpoints of users' APIs, function URLs, git, websites. */
export function serveRoute(gateway: Gateway, exchange: Exchange): boolean | Promise<boolean> {
  const { registry } = gateway;
  const { head, request } = exchange;
  const target: RouteTarget = {
    method: head.method,
    host: head.host,
    publicHost: gateway.publicHost,
    path: head.path,
    get query() {
      return head.query;
    },
    headers: request.headers,
  };
  for (const service of registry.services) {
    for (const route of service.routes) {
      const match: unknown = route.match(target);
      if (match === undefined) continue;
      return serveBy(gateway, exchange, { service: service.name, route, match });
    }
  }
  return false;
}

async function serveBy(
  gateway: Gateway,
  exchange: Exchange,
  { service, route, match }: { service: string; route: Route<any, any>; match: unknown },
): Promise<true> {
  const { platform, registry } = gateway;
  const { account, region } = platform.settings;
  const ctx = createContext(platform, registry, {
    service,
    account,
    region,
    principal: { kind: "anonymous", account },
    requestId: exchange.requestId,
    http: httpFacts(exchange),
  });
  if (exchange.expectsContinue) exchange.response.writeContinue();
  try {
    await route.handle(ctx, match, exchange.request, exchange.response);
  } catch (error) {
    answerError(gateway, exchange, route.name, error);
  }
  return true;
}

/** What a call's conditions and URLs are made of. */
export function httpFacts({ request, sourceIp, secure }: Exchange) {
  const { host = "", origin } = request.headers;
  const userAgent = String(request.headers["user-agent"] ?? "");
  const trace = request.headers["x-amzn-trace-id"];
  const hasTrace = typeof trace === "string" && trace.length <= MAX_TRACE;
  return {
    host,
    secure,
    sourceIp,
    userAgent,
    ...(origin === undefined ? {} : { origin }),
    ...(hasTrace ? { traceId: trace } : {}),
  };
}

function answerError({ platform }: Gateway, { response, head }: Exchange, route: string, error: unknown): void {
  const known = error instanceof AwsError;
  if (!known) platform.log.error("a route failed", { route, path: head.path, error });
  if (response.headersSent) return void response.destroy();
  const [status, message] = known ? [error.status, error.message] : [500, "Internal server error"];
  const type = known ? { "x-amzn-errortype": error.code } : {};
  response.writeHead(status, { "content-type": "application/json", ...type }).end(JSON.stringify({ message }));
}
