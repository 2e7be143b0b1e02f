import { lookup } from "node:dns/promises";
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { Context } from "../../aws/context.ts";
import { isBelowAws } from "../../kernel/aws-zones.ts";
import { readWithin } from "../../kernel/read-within.ts";

export interface Outgoing {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Buffer;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Whether who made the API has asked for the internet (`STARLING_INTERNET=on` among its stage variables). */
  readonly asked: boolean;
}

export interface Incoming {
  readonly status: number;
  /** As they came: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

const OF_ONE_CONNECTION =
  /^(host|content-length|connection|keep-alive|transfer-encoding|upgrade|te|trailer|proxy-.*|expect)$/i;

/** Whether a header goes on to the other side, and does not belong to one connection. */
export const goesOn = (name: string): boolean => !OF_ONE_CONNECTION.test(name);

/** A client's value as a part of a URL's path: it stays below what stands before it, whatever it says. */
export const encodePath = (value: string): string =>
  value
    .split("/")
    .map((part) => (/^\.\.?$/.test(part) ? part.replaceAll(".", "%252E") : encodeURIComponent(part)))
    .join("/");

/** The headers of an answer that go on to the client. */
export function headersOf({ rawHeaders }: Incoming): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (goesOn(rawHeaders[i]!)) pairs.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  return pairs;
}

/** Why a request did not leave, or came back without an answer. */
export class EgressFailure extends Error {
  readonly why: "refused" | "timeout" | "failed";
  constructor(why: "refused" | "timeout" | "failed", message: string) {
    super(message);
    this.why = why;
  }
}

const refused = (message: string): EgressFailure => new EgressFailure("refused", message);

/** Everything that is no part of the public internet: https://www.iana.org/assignments/iana-ipv4-special-registry */
function specialAddresses(): BlockList {
  const list = new BlockList();
  const four: readonly [string, number][] = [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 3],
  ];
  for (const [net, prefix] of four) list.addSubnet(net, prefix, "ipv4");
  // Only 2000::/3 is in use; of it, tunnels and documentation are none of the internet's either.
  const six: readonly [string, number][] = [
    ["::", 3],
    ["4000::", 2],
    ["8000::", 1],
    ["2001::", 23],
    ["2001:db8::", 32],
    ["2002::", 16],
    ["3fff::", 20],
  ];
  for (const [net, prefix] of six) list.addSubnet(net, prefix, "ipv6");
  return list;
}

const SPECIAL = specialAddresses();

/** The addresses that this host has now. */
function ownAddresses(): BlockList {
  const list = new BlockList();
  for (const { address, family } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
    list.addAddress(address.split("%")[0]!, family === "IPv6" ? "ipv6" : "ipv4");
  return list;
}

/** Whether an address is one of the public internet, and not of this host or its networks. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const kind = family === 6 ? "ipv6" : "ipv4";
  return !SPECIAL.check(address, kind) && !ownAddresses().check(address, kind);
}

/** Pages of the platform that trust who asks from this host: they are nobody's to ask for through it. */
const PAGES_OF_THE_HOST = /^\/+(_|metrics\b|moto-api\b)/;

/** Whether a URL is served by this platform itself. */
export function isOwn(ctx: Context<any>, url: URL): boolean {
  if (PAGES_OF_THE_HOST.test(url.pathname)) return false;
  if (isBelowAws(url.hostname)) return true;
  const own = new URL(ctx.platform.settings.publicUrl);
  const port = (of: URL): string => of.port || (of.protocol === "https:" ? "443" : "80");
  const names = [own.hostname, "localhost"];
  const named = names.some((name) => url.hostname === name || url.hostname.endsWith(`.${name}`));
  const ours = port(url) === port(own) || port(url) === String(ctx.platform.settings.port);
  return named && ours;
}

/** The URL, where a request may leave for it. */
export function outgoingUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refused(`${text} is not a URL`);
  }
  if (!/^https?:$/.test(url.protocol) || url.username || url.password)
    throw refused("only http and https may be asked");
  return url;
}

/**
 * Sends a request that the platform makes on behalf of a user: to the platform itself, or to the public internet where that
 * is switched on. The address is resolved once, checked, and connected to; redirects are answers like any other.
 */
export async function sendOut(ctx: Context<any>, outgoing: Outgoing): Promise<Incoming> {
  const url = outgoingUrl(outgoing.url);
  const headers = outgoing.headers.flat();
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(outgoing.timeoutMs)]);
  try {
    const options = isOwn(ctx, url) ? ownOptions(ctx, url) : await publicOptions(ctx, url, outgoing.asked, signal);
    const send = options.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send({ ...options, method: outgoing.method, headers, signal, agent: false });
    const answer = await answerTo(request, outgoing.body);
    const tooLong = () => new EgressFailure("failed", `the answer is longer than ${outgoing.maxBytes} bytes`);
    const body = await readWithin(answer, outgoing.maxBytes, tooLong).finally(() => answer.destroy());
    return { status: answer.statusCode ?? 502, rawHeaders: answer.rawHeaders, body };
  } catch (error) {
    if (error instanceof EgressFailure) throw error;
    const late = signal.aborted && !ctx.signal.aborted;
    throw new EgressFailure(late ? "timeout" : "failed", (error as Error).message);
  }
}

function answerTo(request: ClientRequest, body: Buffer | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const strange = (): void => {
      request.destroy(new Error("the other side wants another protocol"));
    };
    request.on("response", resolve).on("error", reject).on("upgrade", strange).on("connect", strange);
    request.on("close", () => reject(new Error("the connection was closed without an answer")));
    request.end(body);
  });
}

const target = (url: URL) => ({ path: `${url.pathname}${url.search}`, setHost: false });

function ownOptions(ctx: Context<any>, url: URL): RequestOptions {
  // The platform's own door speaks TLS only where its public URL does, and then somebody else ends it.
  return { ...target(url), protocol: "http:", host: "127.0.0.1", port: ctx.platform.settings.port };
}

async function publicOptions(
  ctx: Context<any>,
  url: URL,
  asked: boolean,
  signal: AbortSignal,
): Promise<RequestOptions> {
  const { internet } = ctx.platform.settings;
  if (internet === "never" || (internet === "asked" && !asked))
    throw refused(`requests to ${url.host} may not leave: the internet is off (STARLING_INTERNET)`);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const [found] = isIP(host) ? [{ address: host, family: isIP(host) }] : await resolved(host, signal);
  if (!found || !isPublicAddress(found.address)) throw refused(`${url.hostname} is not an address of the internet`);
  return {
    ...target(url),
    protocol: url.protocol,
    host: found.address,
    family: found.family,
    port: url.port || (url.protocol === "https:" ? 443 : 80),
    ...(isIP(host) ? {} : { servername: host }),
  } as RequestOptions;
}

async function resolved(host: string, signal: AbortSignal): Promise<{ address: string; family: number }[]> {
  const found = lookup(host, { all: true }).catch(() => {
    throw new EgressFailure("failed", `${host} has no address`);
  });
  // The system's resolver has time-outs of its own, which are longer than an API waits.
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error(`${host} was not resolved in time`)), { once: true });
  });
  late.catch(() => undefined); // the name may have been resolved long before
  // All must be public: a name that has both kinds is made to deceive.
  const all = await Promise.race([found, late]);
  return all.every(({ address }) => isPublicAddress(address)) ? all : [];
}
