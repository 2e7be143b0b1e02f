import type { AwsError } from "../../kernel/aws-error.ts";
import { MAX_DEPTH, serializationError } from "./values.ts";

export interface XmlElement {
  /** Without its namespace prefix. */
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: XmlElement[];
  text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
// A name starts where none goes on: without that, a long one would be tried from each of its letters.
const ATTRIBUTE = /(?<![\w.\-:])([A-Za-z_][\w.\-:]*)\s*=\s*("([^"]*)"|'([^']*)')/g;

/**
 * Parses an XML 1.0 document without validating it; `undefined` where there is no element. A document type declaration
 * is refused, so no entity is ever defined or fetched.
 */
export function parseXml(source: string): XmlElement | undefined {
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  let position = source.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (position < source.length) {
    const tagStart = source.indexOf("<", position);
    const text = source.slice(position, tagStart < 0 ? source.length : tagStart);
    if (text) addText(open.at(-1), text);
    if (tagStart < 0) break;

    const skipped = skipNonElement(source, tagStart, open.at(-1));
    if (skipped !== undefined) {
      position = skipped;
      continue;
    }
    const tagEnd = endOfTag(source, tagStart);
    position = tagEnd + 1;
    if (source[tagStart + 1] === "/") {
      const name = localName(source.slice(tagStart + 2, tagEnd).trim());
      if (open.pop()?.name !== name) throw malformed("an end tag does not match its start");
      continue;
    }
    const selfClosing = source[tagEnd - 1] === "/";
    const element = parseTag(source.slice(tagStart + 1, selfClosing ? tagEnd - 1 : tagEnd));
    const parent = open.at(-1);
    if (parent) parent.children.push(element);
    else if (root) throw malformed("it has two root elements");
    else root = element;
    if (!selfClosing) {
      open.push(element);
      if (open.length > MAX_DEPTH) throw malformed("its elements are nested too deeply");
    }
  }
  if (open.length > 0) throw malformed("an element is not closed");
  return root;
}

function addText(element: XmlElement | undefined, text: string): void {
  if (element) element.text += decodeEntities(text);
  else if (text.trim()) throw malformed("there is text outside of the root element");
}

/** Where a comment, CDATA section or instruction at `start` ends; `undefined` where an element's tag starts. */
function skipNonElement(source: string, start: number, parent: XmlElement | undefined): number | undefined {
  const endAt = (mark: string, from: number): number => {
    const end = source.indexOf(mark, from);
    if (end < 0) throw malformed("it ends inside of a comment, CDATA section or instruction");
    return end;
  };
  if (source.startsWith("<!--", start)) return endAt("-->", start + 4) + 3;
  if (source.startsWith("<![CDATA[", start)) {
    const end = endAt("]]>", start + 9);
    if (!parent) throw malformed("there is text outside of the root element");
    parent.text += source.slice(start + 9, end);
    return end + 3;
  }
  if (source[start + 1] === "?") return endAt("?>", start + 2) + 2;
  if (source[start + 1] === "!") throw malformed("document type declarations are not accepted");
  return undefined;
}

function endOfTag(source: string, start: number): number {
  let quote = "";
  for (let index = start; index < source.length; index++) {
    const character = source[index]!;
    if (quote) {
      if (character === quote) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if (character === ">") return index;
  }
  throw malformed("it ends inside of a tag");
}

function parseTag(tag: string): XmlElement {
  const match = /^([A-Za-z_][\w.\-:]*)([\s\S]*)$/.exec(tag);
  if (!match) throw malformed("a tag has no valid name");
  const attributes: Record<string, string> = {};
  const rest = match[2]!;
  if (rest.trim()) {
    for (const [, name, , double, single] of rest.matchAll(ATTRIBUTE)) {
      attributes[name!] = decodeEntities(double ?? single ?? "");
    }
  }
  return { name: localName(match[1]!), attributes, children: [], text: "" };
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(#x[0-9a-fA-F]{1,8}|#\d{1,8}|\w{1,16});/g, (_, entity: string) => {
    if (entity.startsWith("#")) {
      const code = entity[1] === "x" ? parseInt(entity.slice(2), 16) : parseInt(entity.slice(1), 10);
      if (code > 0 && code <= 0x10ffff) return String.fromCodePoint(code);
      throw malformed("a character reference is not valid");
    }
    const character = Object.hasOwn(ENTITIES, entity) ? ENTITIES[entity] : undefined;
    if (character === undefined) throw malformed("an entity is not defined");
    return character;
  });
}

function malformed(why: string): AwsError {
  return serializationError(`The XML you provided was not well-formed: ${why}.`);
}
