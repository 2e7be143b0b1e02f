import { compiled, type Member, type Shape, type Target } from "../model.ts";
import {
  MalformedValue,
  parseBase64,
  parseBigInteger,
  parseBoolean,
  parseNumber,
  parseTimestamp,
  reading,
  setKey,
} from "./values.ts";
import type { XmlElement } from "./xml-parser.ts";

export type XmlReader = (element: XmlElement) => unknown;

/** The function that turns an element into a value of the target; compiled once for each aggregate shape. */
export function xmlReader(target: Target): XmlReader {
  const { shape } = target;
  switch (shape.kind) {
    case "number":
      return (element) => parseNumber(element.text.trim());
    case "boolean":
      return (element) => parseBoolean(element.text.trim());
    case "bigInteger":
      return (element) => parseBigInteger(element.text.trim());
    case "timestamp":
      return (element) => parseTimestamp(element.text.trim());
    case "blob":
      return (element) => parseBase64(element.text);
    case "list":
    case "map":
    case "structure":
    case "union":
      return aggregateReader(shape);
    default:
      return (element) => element.text;
  }
}

function aggregateReader(shape: Shape): XmlReader {
  return compiled(shape, "read xml", () => {
    let reader: XmlReader | undefined;
    shape.compiled.set("read xml", (element: XmlElement) => reader!(element));
    if (shape.kind === "list") {
      const itemName = shape.value.traits.xmlName ?? "member";
      const read = xmlReader(shape.value);
      reader = (element) => readItems(element.children, itemName, read);
    } else if (shape.kind === "map") {
      const readEntry = entryReader(shape);
      reader = (element) =>
        readEntries(
          element.children.filter((child) => child.name === "entry"),
          readEntry,
        );
    } else {
      reader = xmlMembersReader(shape.members, shape.kind === "union");
    }
    return reader;
  });
}

/** Reads the given members of a structure out of its element. */
export function xmlMembersReader(members: readonly Member[], union = false): XmlReader {
  let readers: readonly ((element: XmlElement) => unknown)[] | undefined;
  return (element) => {
    readers ??= members.map(memberReader);
    const structure: Record<string, unknown> = {};
    let found = 0;
    members.forEach((member, index) => {
      const value = reading(member.name, () => readers![index]!(element));
      if (value === undefined) return;
      structure[member.name] = value;
      found++;
    });
    if (union && found !== 1) throw new MalformedValue(`Expected exactly one member of a union, found ${found}`);
    return structure;
  };
}

function memberReader(member: Member): (element: XmlElement) => unknown {
  const { shape, traits } = member;
  const name = traits.xmlName ?? member.name;
  if (traits.xmlAttribute) return (element) => element.attributes[name];
  if (traits.xmlFlattened && shape.kind === "list") {
    const read = xmlReader(shape.value);
    return (element) => {
      const items = readItems(element.children, name, read);
      return items.length > 0 ? items : undefined;
    };
  }
  if (traits.xmlFlattened && shape.kind === "map") {
    const readEntry = entryReader(shape);
    return (element) => {
      const entries = element.children.filter((child) => child.name === name);
      return entries.length > 0 ? readEntries(entries, readEntry) : undefined;
    };
  }
  const read = xmlReader(member);
  return (element) => {
    const child = element.children.find((candidate) => candidate.name === name);
    return child && read(child);
  };
}

function readItems(children: readonly XmlElement[], name: string, read: XmlReader): unknown[] {
  const items: unknown[] = [];
  for (const child of children) if (child.name === name) items.push(read(child));
  return items;
}

type EntryReader = (entry: XmlElement) => readonly [key: string, value: unknown];

function entryReader(shape: Shape): EntryReader {
  const keyName = shape.key.traits.xmlName ?? "key";
  const valueName = shape.value.traits.xmlName ?? "value";
  const read = xmlReader(shape.value);
  return (entry) => {
    const key = entry.children.find((child) => child.name === keyName);
    const value = entry.children.find((child) => child.name === valueName);
    return [key?.text ?? "", value && read(value)];
  };
}

function readEntries(entries: readonly XmlElement[], readEntry: EntryReader): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  for (const entry of entries) {
    const [key, value] = readEntry(entry);
    setKey(map, key, value);
  }
  return map;
}
