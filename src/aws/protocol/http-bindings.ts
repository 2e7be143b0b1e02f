import { compiled, type Member, type Shape, type Target } from "../model.ts";
import { formatTimestamp, parseBase64, parseBigInteger, parseBoolean, parseNumber, parseTimestamp } from "./values.ts";
import { serializationError, timestampFormat, toBytes } from "./values.ts";

/** Where the members of a shape travel in a REST protocol. */
export interface HttpBindings {
  readonly labels: readonly Member[];
  readonly query: readonly (readonly [name: string, member: Member])[];
  /** The member that takes every query parameter that no other member takes. */
  readonly queryParams?: Member;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, member: Member])[];
  readonly prefixHeaders: readonly (readonly [prefix: string, member: Member])[];
  readonly payload?: Member;
  readonly statusCode?: Member;
  /** Members of the body's document. */
  readonly body: readonly Member[];
}

/** Labels and query parameters bind in requests only: on an output, members with such traits are in the body. */
export function bindingsOf(shape: Shape, direction: "request" | "response"): HttpBindings {
  return compiled(shape, `bindings ${direction}`, () => {
    const request = direction === "request";
    const bindings = {
      labels: [] as Member[],
      query: [] as [string, Member][],
      queryParams: undefined as Member | undefined,
      headers: [] as [string, Member][],
      prefixHeaders: [] as [string, Member][],
      payload: undefined as Member | undefined,
      statusCode: undefined as Member | undefined,
      body: [] as Member[],
    };
    for (const member of shape.members) {
      const { traits } = member;
      if (request && traits.httpLabel) bindings.labels.push(member);
      else if (traits.httpHeader !== undefined) bindings.headers.push([traits.httpHeader.toLowerCase(), member]);
      else if (traits.httpPrefixHeaders !== undefined) {
        bindings.prefixHeaders.push([traits.httpPrefixHeaders.toLowerCase(), member]);
      } else if (request && traits.httpQuery !== undefined) bindings.query.push([traits.httpQuery, member]);
      else if (request && traits.httpQueryParams) bindings.queryParams = member;
      else if (traits.httpPayload) bindings.payload = member;
      else if (!request && traits.httpResponseCode) bindings.statusCode = member;
      else bindings.body.push(member);
    }
    return bindings as HttpBindings;
  });
}

/** Reads a value out of a label, a query parameter or a header. */
export function valueFromText(target: Target, text: string, place: "label" | "query" | "header"): unknown {
  switch (target.shape.kind) {
    case "number":
      return parseNumber(text.trim());
    case "boolean":
      return parseBoolean(text.trim());
    case "bigInteger":
      return parseBigInteger(text.trim());
    case "timestamp":
      return parseTimestamp(text.trim());
    case "blob":
      return parseBase64(text);
    case "list": {
      const { value } = target.shape;
      return listItems(text, value, place).map((item) => valueFromText(value, item.trim(), place));
    }
    case "document":
      return parseHeaderJson(text);
    default:
      return target.traits.mediaType && place === "header" ? parseBase64(text).toString("utf8") : text;
  }
}

function parseHeaderJson(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64").toString("utf8"));
  } catch {
    throw serializationError("A header does not hold valid base64-encoded JSON.");
  }
}

function listItems(text: string, value: Target, place: "label" | "query" | "header"): readonly string[] {
  // An HTTP date has a comma of its own.
  const httpDates =
    value.shape.kind === "timestamp" && place === "header" && timestampFormat(value, "http-date") === "http-date";
  return httpDates ? (text.match(/[^,]+,[^,]+/g) ?? []) : splitHeader(text);
}

/** Splits a header at its commas, except inside of quotes. */
function splitHeader(text: string): string[] {
  const items: string[] = [];
  let item = "";
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    if (character === '"') quoted = !quoted;
    else if (character === "\\" && quoted) item += text[++index] ?? "";
    else if (character === "," && !quoted) {
      items.push(item.trim());
      item = "";
    } else item += character;
  }
  items.push(item.trim());
  return items;
}

/** Writes a value as a header. */
export function valueToHeader(target: Target, value: unknown): string {
  switch (target.shape.kind) {
    case "timestamp":
      return String(formatTimestamp(value, timestampFormat(target, "http-date")));
    case "blob":
      return toBytes(value).toString("base64");
    case "document":
      return Buffer.from(JSON.stringify(value)).toString("base64");
    case "list": {
      const item = target.shape.value;
      return [...(value as Iterable<unknown>)].map((each) => quoteItem(item, valueToHeader(item, each))).join(", ");
    }
    default:
      return safeHeader(target.traits.mediaType ? Buffer.from(String(value)).toString("base64") : String(value));
  }
}

function quoteItem(target: Target, text: string): string {
  if (target.shape.kind !== "string" || !/[",]/.test(text)) return text;
  return `"${text.replace(/(["\\])/g, "\\$1")}"`;
}

// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000a-\u001f\u007f]/g;

/**
 * Text as a header can carry it: what a user chose must not add headers of its own (line breaks become spaces), and
 * characters beyond Latin-1 travel as the bytes of their UTF-8.
 */
export function safeHeader(text: string): string {
  const line = text.replace(CONTROL_CHARACTERS, " ");
  return /[\u0100-\uffff]/.test(line) ? Buffer.from(line, "utf8").toString("latin1") : line;
}
