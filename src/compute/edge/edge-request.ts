import type { Context } from "../../aws/context.ts";
import { isWhole, type RouteRequest } from "../../aws/route-answer.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { readWithin } from "../../kernel/read-within.ts";

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const MAX_BODY = 10 * 1024 * 1024;

/** Headers that say nothing to the other side. */
const OF_ONE_CONNECTION = new Set(["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"]);
/** Headers that a proxy sets, in the place of the client's. */
const OWN = new Set(["x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"]);

/** A request to a user's API, read whole. */
export interface EdgeRequest {
  readonly method: string;
  /** Path behind the API's own prefix, as it came (percent-encoded), always with a leading slash. */
  readonly rawPath: string;
  readonly rawQuery: string;
  /** Names and values as they came, with what a proxy adds (`X-Forwarded-*`). */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly sourceIp: string;
  /** The host that was asked, without the port. */
  readonly domainName: string;
  readonly protocol: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** The trace that begins here. */
  readonly traceId: string;
}

/** A request without a body is there at once. `rawPath` is its path behind the API's own prefix. */
export function readEdgeRequest(
  ctx: Context<any>,
  request: RouteRequest,
  { rawPath, traceId }: { rawPath: string; traceId: string },
): EdgeRequest | Promise<EdgeRequest> {
  const { sourceIp = "", secure = false } = ctx.http ?? {};
  const time = ctx.now();
  const headers: [string, string][] = [];
  const { rawHeaders } = request;
  let forwarded: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const key = name.toLowerCase();
    if (OF_ONE_CONNECTION.has(key) || key.startsWith("proxy-")) continue;
    if (key === "x-forwarded-for") forwarded ??= rawHeaders[i + 1]!;
    if (!OWN.has(key)) headers.push([name, rawHeaders[i + 1]!]);
  }
  headers.push(
    ["X-Amzn-Trace-Id", traceId],
    ["X-Forwarded-For", forwarded ? `${forwarded}, ${sourceIp}` : sourceIp],
    ["X-Forwarded-Port", String(ctx.platform.settings.port)],
    ["X-Forwarded-Proto", secure ? "https" : "http"],
  );
  const whole = (body: Buffer): EdgeRequest => ({
    method: request.method ?? "GET",
    rawPath,
    rawQuery: splitUrl(request.url ?? "")[1],
    headers,
    body,
    sourceIp,
    domainName: (request.headers.host ?? "").replace(/:\d+$/, ""),
    protocol: `HTTP/${request.httpVersion}`,
    time,
    traceId,
  });
  if (isWhole(request)) return whole(request.body);
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  return length === undefined && encoding === undefined
    ? whole(NO_BODY)
    : readWithin(request, MAX_BODY, tooLong).then(whole);
}

const NO_BODY = Buffer.alloc(0);

const tooLong = (): AwsError => new AwsError("RequestEntityTooLarge", "Request Too Long", 413);

/** The path and the raw query of a request's target; a query may hold further question marks. */
export function splitUrl(url: string): [path: string, rawQuery: string] {
  const mark = url.indexOf("?");
  return mark < 0 ? [url, ""] : [url.slice(0, mark), url.slice(mark + 1)];
}

/** Whether a body can travel as text in a JSON event. */
export function isText(body: Buffer): boolean {
  return body.equals(Buffer.from(body.toString("utf8"), "utf8"));
}

/** All values of each header or query parameter, and the last of each. */
export function group(pairs: Iterable<readonly [string, string]>): {
  last: Record<string, string>;
  all: Record<string, string[]>;
} {
  const last: Record<string, string> = {};
  const all: Record<string, string[]> = {};
  for (const [name, value] of pairs) {
    last[name] = value;
    (all[name] ??= []).push(value);
  }
  return { last, all };
}

export const orNull = <T extends object>(value: T): T | null => (Object.keys(value).length ? value : null);

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`);

/** `12/Mar/2026:19:03:58 +0000`, as access logs write times. */
export function requestTime(time: number): string {
  const at = new Date(time);
  const clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  return `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}:${clock} +0000`;
}
