import type { IncomingMessage } from "node:http";
import { createContext } from "../aws/context.ts";
import { sendAnswer, serveByRoute, type RouteAnswer } from "../aws/route-answer.ts";
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
  const { headers } = exchange.request;
  const target = new Target(gateway, exchange.head, { ...place, headers });
  for (const { service, route } of gateway.routes) {
    const match: unknown = route.match(target);
    if (match !== undefined) return serveBy(gateway, exchange, { service, route, match, region: place.region });
  }
  return false;
}

/** What routes are asked for with each request: a class, for an object with an accessor takes longer than all routes. */
export class Target implements RouteTarget {
  readonly method: string;
  readonly host: string;
  readonly publicHost: string;
  readonly path: string;
  readonly basePath: string | undefined;
  readonly headers: RouteTarget["headers"];
  readonly #head: RequestHead;

  constructor(
    { publicHost }: Gateway,
    head: RequestHead,
    { host, path, basePath, headers }: Place & Pick<RouteTarget, "headers">,
  ) {
    this.method = head.method;
    this.host = host;
    this.publicHost = publicHost;
    this.path = path;
    this.basePath = basePath;
    this.headers = headers;
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
    http: httpFacts(exchange.request.headers, exchange),
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
    await serveByRoute(route, { ctx, match, request: exchange.request, response: exchange.response });
  } catch (error) {
    const { response, head } = exchange;
    const answer = failureAnswer(gateway, { route: route.name, path: head.path }, error);
    if (response.headersSent) response.destroy();
    else sendAnswer(response, answer, head.method);
  }
  return true;
}

/** What a call's conditions and URLs are made of. */
export function httpFacts(
  headers: IncomingMessage["headers"],
  { sourceIp, secure }: Pick<Exchange, "sourceIp" | "secure">,
) {
  const { host = "", origin } = headers;
  const userAgent = String(headers["user-agent"] ?? "");
  const trace = headers["x-amzn-trace-id"];
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

/** What a client is told of a route that has failed. */
export function failureAnswer(
  { platform }: Gateway,
  where: { readonly route: string; readonly path: string },
  error: unknown,
): RouteAnswer {
  const known = error instanceof AwsError;
  if (!known) platform.log.error("a route failed", { ...where, error });
  const [status, message] = known ? [error.status, error.message] : [500, "Internal server error"];
  const type = known ? ["x-amzn-errortype", error.code] : [];
  return { status, headers: ["content-type", "application/json", ...type], body: JSON.stringify({ message }) };
}
