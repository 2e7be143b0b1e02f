const VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: ";
const MAX_TOKEN = 256;

/** Says of bytes that are no JSON why, and where, in the words that Lambda has for it. */
export function jsonFault(bytes: Buffer): string {
  let at = 0;
  while (at < bytes.length && /[ \t\r\n]/.test(String.fromCharCode(bytes[at]!))) at++;
  const first = bytes[at];
  if (first === undefined) return `No content to map due to end-of-input${place(bytes, at)}`;
  const start = String.fromCharCode(first);
  if (/[A-Za-z_$]/.test(start)) return tokenFault(bytes, at);
  if (!/["[{\d-]/.test(start))
    return `Unexpected character (${named(first)}): expected a valid value ${VALUE}${place(bytes, at)}`;
  return insideFault(bytes);
}

/** A word that is none of JSON's. */
function tokenFault(bytes: Buffer, start: number): string {
  let end = start;
  while (end < bytes.length && end - start < MAX_TOKEN && /[\w$]/.test(String.fromCharCode(bytes[end]!))) end++;
  const next = bytes[end] ?? 0;
  if (next >= 0x80 && (next < 0xc2 || next > 0xf4))
    return `Invalid UTF-8 start byte 0x${next.toString(16)}${place(bytes, end + 1)}`;
  const token = bytes.toString("latin1", start, end);
  return `Unrecognized token '${token}': was expecting ${VALUE}${place(bytes, end)}`;
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The fault is within a string, a number, a list or an object. */
function insideFault(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  const { at, wanted, open } = firstFault(text);
  const offset = Buffer.byteLength(text.slice(0, at));
  if (at < text.length) {
    const word = /[A-Za-z_$][\w$]*/y;
    word.lastIndex = at;
    if (wanted === VALUE && word.test(text)) return tokenFault(bytes, offset);
    const what = wanted === VALUE ? `expected a valid value ${VALUE}` : `was expecting ${wanted}`;
    return `Unexpected character (${named(text.codePointAt(at) ?? 0)}): ${what}${place(bytes, offset)}`;
  }
  if (open === undefined) return `Unexpected end-of-input in a value${place(bytes, offset)}`;
  const kind = text[open] === "[" ? "Array" : "Object";
  const opened = place(bytes, Buffer.byteLength(text.slice(0, open))).slice("\n at ".length);
  return `Unexpected end-of-input: expected close marker for ${kind} (start marker at ${opened})${place(bytes, offset)}`;
}

/** Where a text stops to be JSON, what had to come there, and which object or list is open then. */
function firstFault(text: string): { at: number; wanted: string; open: number | undefined } {
  const open: number[] = [];
  let at = 0;
  const takes = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const fault = (wanted: string) => ({ at, wanted, open: open.at(-1) });
  let state: "value" | "first" | "name" | "after" = "value";
  for (;;) {
    takes(SPACE);
    const here = text[at];
    const isObject = text[open.at(-1) ?? -1] === "{";
    if (state === "after" || (state === "first" && here === (isObject ? "}" : "]"))) {
      if (open.length === 0) return fault(VALUE);
      if (here === (isObject ? "}" : "]")) open.pop();
      else if (here !== ",") return fault(`comma to separate ${isObject ? "Object" : "Array"} entries`);
      state = here === "," ? (isObject ? "name" : "value") : "after";
      at++;
    } else if (isObject && state !== "value") {
      if (!takes(STRING)) return fault(here === '"' ? "the end of a string" : "double-quote to start field name");
      takes(SPACE);
      if (text[at] !== ":") return fault("a colon to separate field name and value");
      at++;
      state = "value";
    } else if (here === "{" || here === "[") {
      open.push(at++);
      state = "first";
    } else if (takes(STRING) || takes(SCALAR)) state = "after";
    else return fault(VALUE);
  }
}

function named(code: number): string {
  const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
  return isControl ? `(CTRL-CHAR, code ${code})` : `'${String.fromCodePoint(code)}' (code ${code})`;
}

function place(bytes: Buffer, at: number): string {
  const before = bytes.toString("latin1", 0, at);
  const line = before.split("\n").length;
  return `\n at ${SOURCE}${line}, column: ${at - before.lastIndexOf("\n")}]`;
}
