import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Platform } from "../aws/platform.ts";
import type { Registry } from "../aws/registry.ts";
import type { Route } from "../aws/service.ts";
import { SigningKeyCache } from "../aws/sigv4.ts";
import { serveApi } from "./api.ts";
import { isOurHost, mayBeUsersHost } from "./hosts.ts";
import { servePlatform, type Status } from "./platform-routes.ts";
import { readHead, type RequestHead } from "./request.ts";
import { serveOwnHost, serveRoute } from "./routes.ts";
import type { Serve } from "./server.ts";
import type { PrepareWhole } from "./whole-connection.ts";
import { prepareWhole } from "./whole-routes.ts";

/** What every step of the front door has at hand. */
export interface Gateway {
  readonly platform: Platform;
  readonly registry: Registry;
  readonly keys: SigningKeyCache;
  /** Of all services, in the order in which they are asked. */
  readonly routes: readonly { readonly service: string; readonly route: Route<any, any> }[];
  /** The host of every URL that is handed out. */
  readonly publicHost: string;
}

/** One request on its way through the steps. */
export interface Exchange {
  readonly head: RequestHead;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  readonly sourceIp: string;
  readonly secure: boolean;
}

/** Where a connection that a sandbox opened comes from; kept by its socket. */
interface SandboxOrigin {
  readonly sandboxId: string;
  readonly tls: boolean;
}

/** A step serves the exchange and answers true, or leaves it to the next. */
type Step = (gateway: Gateway, exchange: Exchange) => boolean | Promise<boolean>;

/** The front door: one ordered list of steps. */
export function createGateway(
  platform: Platform,
  registry: Registry,
  options: { reset?: (() => Promise<void>) | undefined },
) {
  const gateway: Gateway = {
    platform,
    registry,
    keys: new SigningKeyCache(),
    routes: registry.services.flatMap(({ name, routes }) => routes.map((route) => ({ service: name, route }))),
    publicHost: platform.settings.publicHost,
  };
  const origins = new WeakMap<object, SandboxOrigin>();
  let status: Status = "starting";

  const steps: readonly Step[] = [
    refuseUnknownHost(() => status),
    (_gateway, { head, request, response }) =>
      servePlatform(head, request, response, { status: () => status, reset: options.reset }),
    refuseWhileStarting(() => status),
    // Before routes: those of S3 take every name below our host for a bucket's, in preflights and forms.
    (it, exchange) => mayBeUsersHost(exchange.head.host, it.publicHost) && serveOwnHost(it, exchange),
    serveRoute,
    serveApi,
  ];

  const serve: Serve = (request, response, expectsContinue) => {
    const origin = origins.get(request.socket);
    const exchange: Exchange = {
      head: readHead(request),
      request,
      response,
      requestId: platform.ids.uuid(),
      expectsContinue,
      sourceIp: request.socket.remoteAddress ?? "127.0.0.1",
      secure: origin?.tls ?? false,
    };
    const failed = (error: unknown): void => {
      const { host, path } = exchange.head;
      platform.log.error("a request failed", { method: request.method, host, path, error });
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { "content-type": "application/json" }).end('{"message":"Internal failure"}');
    };
    try {
      const served = run(gateway, steps, exchange);
      if (typeof served === "object") served.catch(failed);
    } catch (error) {
      failed(error);
    }
  };

  return {
    serve,
    prepare: ((head, client) =>
      status === "starting" ? undefined : prepareWhole(gateway, head, client)) satisfies PrepareWhole,
    markSandbox: (socket: Duplex, origin: SandboxOrigin) => void origins.set(socket, origin),
    ready: () => void (status = "ready"),
    stopping: () => void (status = "stopping"),
  };
}

/** Asks one step after the other, and waits for none that answers at once. */
function run(gateway: Gateway, steps: readonly Step[], exchange: Exchange, from = 0): boolean | Promise<boolean> {
  for (let i = from; i < steps.length; i++) {
    const served = steps[i]!(gateway, exchange);
    if (served === true) return true;
    if (served !== false) return served.then((is) => is || run(gateway, steps, exchange, i + 1));
  }
  return false;
}

const refuseUnknownHost =
  (status: () => Status): Step =>
  (gateway, exchange) => {
    if (isOurHost(exchange.head.host, gateway.publicHost)) return false;
    if (status() === "starting") return refuseHost(exchange);
    return serveOwnHost(gateway, exchange).then((served) => served || refuseHost(exchange));
  };

function refuseHost({ head, response }: Exchange): true {
  const message = `This server does not answer to the host "${head.host.slice(0, 200)}". Use localhost, a name below it, or set STARLING_PUBLIC_URL.`;
  response.writeHead(421, { "content-type": "application/json", connection: "close" }).end(JSON.stringify({ message }));
  return true;
}

const refuseWhileStarting =
  (status: () => Status): Step =>
  (_gateway, { response }) => {
    if (status() !== "starting") return false;
    response
      .writeHead(503, { "content-type": "application/json", "retry-after": "1" })
      .end('{"message":"Starling is starting"}');
    return true;
  };
