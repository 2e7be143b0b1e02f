import { Readable } from "node:stream";
import { createContext } from "../aws/context.ts";
import type { RouteAnswer } from "../aws/route-answer.ts";
import { answerApi } from "./api.ts";
import type { Gateway } from "./gateway.ts";
import { isOurHost, mayBeUsersHost } from "./hosts.ts";
import { isPlatformPath } from "./platform-routes.ts";
import { readHead, type RequestHead } from "./request.ts";
import { failureAnswer, httpFacts, Target } from "./routes.ts";
import type { PrepareWhole, ServeWhole } from "./whole-connection.ts";
import type { WholeHead } from "./whole-request.ts";

const INVOKE = /^\/2015-03-31\/functions\/[^/]+\/invocations$/;

/**
 * What is served without Node's HTTP server between: calls of users' APIs and Lambda's `Invoke`, which are most of what a
 * platform is asked, and small. All else is left to the steps of `gateway.ts`, which these two come to in the same way.
 */
export function prepareWhole(gateway: Gateway, head: WholeHead, client: Parameters<PrepareWhole>[1]) {
  const requested = readHead(head);
  const { host, path } = requested;
  if (!isOurHost(host, gateway.publicHost) || mayBeUsersHost(host, gateway.publicHost) || isPlatformPath(path))
    return undefined;
  const target = new Target(gateway, requested, { host, path, headers: head.headers });
  for (const { service, route } of gateway.routes) {
    const match: unknown = route.match(target);
    if (match === undefined) continue;
    return route.answer && answerBy(gateway, { service, route, match, head, path, client });
  }
  return head.method === "POST" && INVOKE.test(path) ? callOf(gateway, { head, requested, client }) : undefined;
}

interface Routed extends Pick<Gateway["routes"][number], "service" | "route"> {
  readonly match: unknown;
  readonly head: WholeHead;
  readonly path: string;
  readonly client: Parameters<PrepareWhole>[1];
}

function answerBy(gateway: Gateway, { service, route, match, head, path, client }: Routed): ServeWhole {
  const { platform, registry } = gateway;
  const { account, region } = platform.settings;
  const principal = { kind: "anonymous", account } as const;
  const http = httpFacts(head.headers, { sourceIp: client.sourceIp, secure: false });
  return async (body) => {
    try {
      const requestId = platform.ids.uuid();
      const ctx = createContext(platform, registry, { service, account, region, principal, requestId, http });
      return await route.answer!(ctx, match, { ...head, body });
    } catch (error) {
      return failureAnswer(gateway, { route: route.name, path }, error);
    }
  };
}

function callOf(
  gateway: Gateway,
  asked: { head: WholeHead; requested: RequestHead; client: Parameters<PrepareWhole>[1] },
): ServeWhole {
  const { head, requested, client } = asked;
  const http = httpFacts(head.headers, { sourceIp: client.sourceIp, secure: false });
  const { headers, rawHeaders } = head;
  return async (body): Promise<RouteAnswer> => {
    const wire = {
      method: requested.method,
      path: requested.path,
      rawQuery: requested.rawQuery,
      query: requested.query,
      headers,
      rawHeaders,
      body: () => Promise.resolve(body),
      get stream() {
        return Readable.from([body]);
      },
    };
    const requestId = gateway.platform.ids.uuid();
    const { closed } = client;
    const reading = { isS3: false, checksumsOfObject: false };
    const { answer, also } = await answerApi(gateway, { wire, requestId, http, closed, reading }, () => false);
    const given = Object.assign(answer.headers, also);
    const sent: string[] = [];
    for (const name in given) if (name !== "content-length") sent.push(name, given[name]!);
    return { status: answer.status, headers: sent, body: wholeBody(answer.body) };
  };
}

function wholeBody(body: Awaited<ReturnType<typeof answerApi>>["answer"]["body"]): Buffer | string {
  if (body === undefined) return "";
  if (typeof body === "string" || Buffer.isBuffer(body)) return body;
  if (body instanceof Uint8Array) return Buffer.from(body);
  throw new Error("an operation that streams was asked for whole");
}
