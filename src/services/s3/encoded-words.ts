import { isUtf8 } from "node:buffer";

/*
 * Headers carry ASCII. Metadata that holds more travels as a word of RFC 2047:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
 */

const WORD = /^=\?utf-8\?([qb])\?([^?]*)\?=$/i;

/** The text of an encoded word; any other text as it is. */
export function decodedWord(text: string): string {
  const [, kind, content = ""] = WORD.exec(text) ?? [];
  if (kind === undefined) return fromUtf8(text);
  if (kind.toLowerCase() === "b") return Buffer.from(content, "base64").toString("utf8");
  const bytes = content
    .replaceAll("_", " ")
    .replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The text itself where a header can carry it, else an encoded word. */
export function encodedWord(text: string): string {
  if (/^[\t\u0020-\u007e]*$/.test(text)) return text;
  // As many mailers choose: letters that can be read stay so, unless most cannot.
  const plain = [...text].filter((char) => /[\t\n\r\u0020-\u007e]/.test(char)).length;
  if (plain <= [...text].length - plain) return `=?UTF-8?B?${Buffer.from(text, "utf8").toString("base64")}?=`;
  let content = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const char = String.fromCharCode(byte);
    if (char === " ") content += "_";
    else if (/[!-~]/.test(char) && !/[=?_]/.test(char)) content += char;
    else content += `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return `=?UTF-8?Q?${content}?=`;
}

/** Some clients send UTF-8 as it is, which arrives as Latin-1. */
function fromUtf8(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  return bytes.toString("latin1") === text && isUtf8(bytes) ? bytes.toString("utf8") : text;
}
