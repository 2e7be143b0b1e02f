import { createContext } from "../aws/context.ts";
import type { Route, RouteTarget } from "../aws/service.ts";
import { AwsError } from "../kernel/aws-error.ts";
import type { Exchange, Gateway } from "./gateway.ts";
import type { RequestHead } from "./request.ts";

/** Longest trace header that is taken. */
const MAX_TRACE = 1024;

/** Serves what is not an AWS API: endpoints of users' APIs, function URLs, git, websites. */
export function serveRoute(gateway: Gateway, exchange: Exchange): boolean | Promise<boolean> {
  return serveTarget(gateway, exchange, exchange.head);
}

type Place = Pick<RouteTarget, "host" | "path" | "basePath"> & { readonly region?: string };

function serveTarget(gateway: Gateway, exchange: Exchange, place: Place): boolean | Promise<boolean> {
  const target = new Target(gateway, exchange, place);
  for (const { service, route } of gateway.routes) {
    const match: unknown = route.match(target);
    if (match !== undefined) return serveBy(gateway, exchange, { service, route, match, region: place.region });
  }
  return false;
}

/** What routes are asked for with each request: a class, for an object with an accessor takes longer than all routes. */
class Target implements RouteTarget {
  readonly method: string;
  readonly host: string;
  readonly publicHost: string;
  readonly path: string;
  readonly basePath: string | undefined;
  readonly headers: RouteTarget["headers"];
  readonly #head: RequestHead;

  constructor({ publicHost }: Gateway, { head, request }: Exchange, { host, path, basePath }: Place) {
    this.method = head.method;
    this.host = host;
    this.publicHost = publicHost;
    this.path = path;
    this.basePath = basePath;
    this.headers = request.headers;
    this.#head = head;
  }

  get query(): URLSearchParams {
    return this.#head.query;
  }
}

/** Serves hosts of the users' own: a service knows where they lead. False where none does. */
export async function serveOwnHost(gateway: Gateway, exchange: Exchange): Promise<boolean> {
  const { host, path } = exchange.head;
  for (const service of gateway.registry.services) {
    const alias = await service.resolveHost?.(anonymousContext(gateway, exchange, service.name), host, path);
    if (alias === undefined) continue;
    if (!("refused" in alias) && (await serveTarget(gateway, exchange, alias))) return true;
    exchange.response.writeHead(403, { "content-type": "application/json" }).end('{"message":"Forbidden"}');
    return true;
  }
  return false;
}

function anonymousContext(gateway: Gateway, exchange: Exchange, service: string, region?: string) {
  const { platform, registry } = gateway;
  const { account } = platform.settings;
  return createContext(platform, registry, {
    service,
    account,
    region: region ?? platform.settings.region,
    principal: { kind: "anonymous", account },
    requestId: exchange.requestId,
    http: httpFacts(exchange),
  });
}

async function serveBy(
  gateway: Gateway,
  exchange: Exchange,
  {
    service,
    route,
    match,
    region,
  }: { service: string; route: Route<any, any>; match: unknown; region: string | undefined },
): Promise<true> {
  const ctx = anonymousContext(gateway, exchange, service, region);
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
