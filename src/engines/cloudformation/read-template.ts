import type { JsonObject, JsonValue, TextFault } from "../yaml/index.ts";
import { DEFAULT_LIMITS, isObject, readJson, readYaml } from "../yaml/index.ts";
import type { Diagnostic } from "./diagnostic.ts";

/** A template's text turned into data; not checked yet, transforms not applied. */
export interface SourceTemplate {
  readonly format: "json" | "yaml";
  readonly value: JsonObject;
  /** The line of a pointer such as `/Resources/Fn`, or of its nearest parent. */
  readonly lineOf: (pointer: string) => number | undefined;
}

/** Sizes in bytes: a template in the request, and one in a bucket. */
export const MAX_INLINE_BYTES = 51_200;
export const MAX_TEMPLATE_BYTES = 1_048_576;

const SHORT_FORMS = new Set(
  (
    "And Base64 Cidr Equals FindInMap GetAtt GetAZs If ImportValue Join Length Not Or Select Split Sub ToJsonString " +
    "Transform"
  ).split(" "),
);

/** Reads a template, JSON or YAML with short forms. The fault is worded as CloudFormation words it. */
export function readTemplate(
  text: string,
  options: { readonly maxBytes?: number } = {},
): { source: SourceTemplate; diagnostics: [] } | { source?: undefined; diagnostics: [Diagnostic] } {
  const maxBytes = options.maxBytes ?? MAX_TEMPLATE_BYTES;
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    const where = maxBytes === MAX_INLINE_BYTES ? "templateBody" : "template";
    return refuse(`Template may not exceed ${maxBytes} bytes in size.`, where);
  }
  const json = /^\s*\{/.test(text);
  const limits = { ...DEFAULT_LIMITS, maxCharacters: maxBytes };
  let read = json ? readJson(text, limits) : readYaml(text, shortForm, limits);
  // A text that begins with "{" may still be YAML in flow style, with tags.
  if (json && "fault" in read && /[:\s[,]!/.test(text)) {
    const flow = readYaml(text, shortForm, limits);
    if (!("fault" in flow)) read = flow;
  }
  if ("fault" in read) return refuse(notWellFormed(text, json ? "JSON" : "YAML", read.fault), "", read.fault.line);
  if (!isObject(read.value)) return refuse("Template format error: unsupported structure.", "");
  return { source: { format: json ? "json" : "yaml", value: read.value, lineOf: read.lineOf }, diagnostics: [] };
}

function notWellFormed(text: string, language: string, fault: TextFault): string {
  // AWS's reader of JSON has read the character that is wrong already.
  const isRead = language === "JSON" && fault.column <= (text.split("\n")[fault.line - 1]?.length ?? 0);
  const at = `(line ${fault.line}, column ${fault.column + (isRead ? 1 : 0)})`;
  const reason = language === "YAML" ? `: ${fault.message}` : "";
  return `Template format error: ${language} not well-formed. ${at}${reason}`;
}

function refuse(message: string, path: string, line?: number): { diagnostics: [Diagnostic] } {
  return { diagnostics: [{ path, message, ...(line !== undefined && { line }) }] };
}

/** `!Ref x` is `{Ref: x}`, `!GetAtt a.b` is `{"Fn::GetAtt": [a, b]}`, any other `!X` is `{"Fn::X": ...}`. */
function shortForm(tag: string, value: JsonValue): JsonValue | undefined {
  const name = tag.slice(1);
  if (name === "Ref" || name === "Condition") return { [name]: value };
  if (!SHORT_FORMS.has(name)) return undefined;
  if (name === "GetAtt" && typeof value === "string") {
    const dot = value.indexOf(".");
    return { "Fn::GetAtt": dot < 0 ? [value] : [value.slice(0, dot), value.slice(dot + 1)] };
  }
  return { [`Fn::${name}`]: value };
}
