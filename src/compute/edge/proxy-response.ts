/** What goes back to the client. */
export interface EdgeResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Text travels as it is: Node sends it with the head in one piece. */
  readonly body: Buffer | string;
}

/** Of one connection, or decided by our own server: a function's are not passed on. */
const NOT_FORWARDED = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "upgrade",
  "proxy-connection",
  "te",
  "trailer",
]);

export function jsonResponse(
  status: number,
  message: string,
  headers: readonly (readonly [string, string])[] = [],
): EdgeResponse {
  return {
    status,
    headers: [["Content-Type", "application/json"], ...headers],
    body: Buffer.from(JSON.stringify({ message })),
  };
}

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const PLAIN = /^[\t -~]*$/;

/** A header's value as Node writes it, the bytes of UTF-8; undefined for what no header can hold, such as a line break. */
export function headerText(value: string): string | undefined {
  if (PLAIN.test(value)) return value;
  return /^(?:\t|\P{Cc})*$/u.test(value) ? Buffer.from(value).toString("latin1") : undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads what a function answered to a proxy event; undefined where it is not of the form that a proxy integration demands.
 * `inferred`: format 2.0 takes any JSON as a body with status 200. `decodes`: whether base64 is turned into bytes.
 */
export function readProxyResponse(
  payload: Buffer,
  options: { inferred: boolean; decodes: boolean },
): EdgeResponse | undefined {
  const value = parse(payload);
  if (options.inferred && !(isRecord(value) && "statusCode" in value)) {
    const text = typeof value === "string" ? value : compactJson(payload.toString("utf8"));
    return {
      status: 200,
      headers: [["content-type", "application/json"]],
      body: value === undefined ? "" : text,
    };
  }
  if (!isRecord(value)) return undefined;
  const known = [
    "statusCode",
    "headers",
    "multiValueHeaders",
    "body",
    "isBase64Encoded",
    "cookies",
    "statusDescription",
  ];
  if (!options.inferred && Object.keys(value).some((key) => !known.includes(key))) return undefined;
  const status = Number(value["statusCode"] ?? (options.inferred ? NaN : 200));
  if (!Number.isInteger(status) || status < 100 || status > 599) return undefined;
  const headers = readHeaders(value, options.inferred);
  if (!headers) return undefined;
  const { body = "" } = value;
  if (body !== null && typeof body !== "string") {
    if (!options.inferred && isRecord(body)) return undefined;
    return { status, headers, body: JSON.stringify(body) };
  }
  const decodes = options.decodes && value["isBase64Encoded"] === true;
  return { status, headers, body: decodes ? Buffer.from(body ?? "", "base64") : (body ?? "") };
}

/** JSON without the space between its parts, which Python writes and AWS takes out; numbers stay as they are written. */
const compactJson = (json: string): string => json.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g, "$1");

function readHeaders(value: Record<string, unknown>, cookiesToo: boolean): [string, string][] | undefined {
  const headers: [string, string][] = [];
  const { headers: single = {}, multiValueHeaders: multi = {}, cookies = [] } = value;
  if ((single !== null && !isRecord(single)) || (multi !== null && !isRecord(multi))) return undefined;
  for (const [name, values] of Object.entries(multi ?? {})) {
    if (!Array.isArray(values)) return undefined;
    for (const v of values) headers.push([name, String(v)]);
  }
  // Both are merged; what both say is said once.
  const said = headers.length > 0 ? new Set(headers.map(([name, v]) => `${name.toLowerCase()}:${v}`)) : undefined;
  for (const name in single)
    if (single[name] !== null && !said?.has(`${name.toLowerCase()}:${String(single[name])}`))
      headers.push([name, String(single[name])]);
  if (cookiesToo && Array.isArray(cookies)) for (const cookie of cookies) headers.push(["set-cookie", String(cookie)]);
  const sent: [string, string][] = [];
  for (const [name, v] of headers) {
    const text = headerText(v);
    if (text !== undefined && HEADER_NAME.test(name) && !NOT_FORWARDED.has(name.toLowerCase())) sent.push([name, text]);
  }
  return sent;
}

function parse(payload: Buffer): unknown {
  if (payload.length === 0) return undefined;
  try {
    return JSON.parse(payload.toString("utf8"));
  } catch {
    return payload.toString("utf8");
  }
}
