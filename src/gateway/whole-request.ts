import type { WholeRequest } from "../aws/route-answer.ts";

/** All of a request but its body. */
export interface WholeHead extends Omit<WholeRequest, "body"> {
  readonly bodyBytes: number;
}

/** Larger requests are Node's. */
export const MAX_HEAD = 16 * 1024;
const MAX_BODY = 64 * 1024;
const MAX_HEADERS = 100;

const LINE = /^(GET|POST|PUT|PATCH|DELETE) (\/[!-"$-~]*) HTTP\/1\.1$/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t -~]*$/;
const LENGTH = /^\d{1,5}$/;

/** They change how a message is framed or a connection goes on, or are read otherwise than the rest: left to Node. */
const LEFT = new Set([
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads the head of a plain request: its lines as bytes in Latin-1, without the empty one. Undefined for whatever is not
 * beyond doubt, which Node's own parser is to judge: what is read here, that parser reads in the same way (a test compares them).
 */
export function readWholeHead(text: string): WholeHead | undefined {
  const lines = text.split("\r\n", MAX_HEADERS + 2);
  const [, method, url] = LINE.exec(lines[0]!) ?? [];
  if (lines.length > MAX_HEADERS + 1 || method === undefined || url === undefined) return undefined;
  const headers: Record<string, string> = {};
  const rawHeaders: string[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(":");
    if (colon < 1) return undefined;
    const name = line.slice(0, colon);
    const rest = line.slice(colon + 1);
    const key = name.toLowerCase();
    // What comes twice has rules of its own; so have the names of an object's own members.
    if (!NAME.test(name) || !VALUE.test(rest) || LEFT.has(key) || headers[key] !== undefined) return undefined;
    const value = rest.trim();
    headers[key] = value;
    rawHeaders.push(name, value);
  }
  const { host, connection, "content-length": length } = headers;
  if (host === undefined || (connection !== undefined && connection.toLowerCase() !== "keep-alive")) return undefined;
  if (length !== undefined && !(LENGTH.test(length) && Number(length) <= MAX_BODY)) return undefined;
  return { method, url, httpVersion: "1.1", headers, rawHeaders, bodyBytes: Number(length ?? 0) };
}
