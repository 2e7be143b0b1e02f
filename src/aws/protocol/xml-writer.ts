import { compiled, type Member, type Shape, type Target } from "../model.ts";
import { formatDouble, formatTimestamp, isNothing, timestampFormat, toBytes, toDate } from "./values.ts";

export type XmlWriter = (tag: string, value: unknown) => string;
type PlainObject = Readonly<Record<string, unknown>>;

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\r": "&#xD;",
};
// Characters that XML 1.0 cannot hold, not even escaped.
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const SPECIAL = /[&<>"\r]/;

export function escapeXml(text: string): string {
  const clean = text.replace(FORBIDDEN, "");
  return SPECIAL.test(clean) ? clean.replace(/[&<>"\r]/g, (character) => ESCAPES[character]!) : clean;
}

/** Elements of the given members of a structure, without the structure's own. */
export function xmlMembersWriter(members: readonly Member[]): (value: unknown) => string {
  let writers: readonly ((value: unknown) => string)[] | undefined;
  const elements = members.filter((member) => !member.traits.xmlAttribute);
  return (value) => {
    writers ??= elements.map(memberWriter);
    const source = value as PlainObject;
    let text = "";
    for (let index = 0; index < elements.length; index++) {
      const item = source[elements[index]!.name];
      if (!isNothing(item)) text += writers[index]!(item);
    }
    return text;
  };
}

function memberWriter(member: Member): (value: unknown) => string {
  const { shape, traits } = member;
  const tag = traits.xmlName ?? member.name;
  if (traits.xmlFlattened && shape.kind === "list") {
    const write = xmlWriter(shape.value);
    return (value) => writeItems(tag, value, write);
  }
  if (traits.xmlFlattened && shape.kind === "map") {
    const writeEntry = entryWriter(shape);
    return (value) => writeEntries(tag, value, writeEntry);
  }
  const write = xmlWriter(member);
  return (value) => write(tag, value);
}

/** The function that writes a value of the target as an element. */
export function xmlWriter(target: Target): XmlWriter {
  const { shape } = target;
  const attributes = namespaceAttribute(target);
  switch (shape.kind) {
    case "structure":
    case "union": {
      const write = structureParts(shape);
      return (tag, value) => `<${tag}${attributes}${write.attributes(value)}>${write.elements(value)}</${tag}>`;
    }
    case "list": {
      const itemTag = shape.value.traits.xmlName ?? "member";
      const write = lazily(shape, () => xmlWriter(shape.value));
      return (tag, value) => `<${tag}${attributes}>${writeItems(itemTag, value, write())}</${tag}>`;
    }
    case "map": {
      const writeEntry = lazily(shape, () => entryWriter(shape));
      return (tag, value) => `<${tag}${attributes}>${writeEntries("entry", value, writeEntry())}</${tag}>`;
    }
    default: {
      const write = scalarWriter(target);
      return (tag, value) => `<${tag}${attributes}>${write(value)}</${tag}>`;
    }
  }
}

/** Shapes may contain themselves, so what is inside of one is compiled when first used. */
function lazily<T>(shape: Shape, build: () => T): () => T {
  return () => compiled(shape, "write xml", build);
}

interface StructureParts {
  attributes(value: unknown): string;
  elements(value: unknown): string;
}

function structureParts(shape: Shape): StructureParts {
  return compiled(shape, "write xml", () => {
    const attributes = shape.members.filter((member) => member.traits.xmlAttribute);
    return {
      elements: xmlMembersWriter(shape.members),
      attributes: (value) => {
        let text = "";
        for (const member of attributes) {
          const item = (value as PlainObject)[member.name];
          if (!isNothing(item)) text += ` ${member.traits.xmlName ?? member.name}="${escapeXml(String(item))}"`;
        }
        return text;
      },
    };
  });
}

function writeItems(tag: string, value: unknown, write: XmlWriter): string {
  let text = "";
  for (const item of value as Iterable<unknown>) if (!isNothing(item)) text += write(tag, item);
  return text;
}

type EntryWriter = (tag: string, key: string, value: unknown) => string;

function entryWriter(shape: Shape): EntryWriter {
  const keyTag = shape.key.traits.xmlName ?? "key";
  const valueTag = shape.value.traits.xmlName ?? "value";
  const keyAttributes = namespaceAttribute(shape.key);
  const write = xmlWriter(shape.value);
  return (tag, key, value) =>
    `<${tag}><${keyTag}${keyAttributes}>${escapeXml(key)}</${keyTag}>${write(valueTag, value)}</${tag}>`;
}

function writeEntries(tag: string, value: unknown, write: EntryWriter): string {
  let text = "";
  for (const [key, item] of Object.entries(value as PlainObject)) if (!isNothing(item)) text += write(tag, key, item);
  return text;
}

/** The text of a value without an element around it. */
function scalarWriter(target: Target): (value: unknown) => string {
  switch (target.shape.kind) {
    case "timestamp": {
      const format = timestampFormat(target, "date-time");
      if (target.shape.milliseconds && format === "date-time") return (value) => toDate(value).toISOString();
      return (value) => String(formatTimestamp(value, format));
    }
    case "blob":
      return (value) => toBytes(value).toString("base64");
    case "number":
      return target.traits.double ? (value) => formatDouble(Number(value)) : (value) => escapeXml(String(value));
    default:
      return (value) => escapeXml(String(value));
  }
}

function namespaceAttribute(of: Pick<Target, "traits" | "shape">): string {
  return namespaceText(of.traits.xmlNamespace ?? of.shape.xmlNamespace);
}

export function namespaceText(namespace: readonly [prefix: string, uri: string] | undefined): string {
  if (!namespace) return "";
  const [prefix, uri] = namespace;
  return ` xmlns${prefix && `:${prefix}`}="${escapeXml(uri)}"`;
}
