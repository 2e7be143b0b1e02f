import { AwsError } from "../../kernel/aws-error.ts";
import type { Member, Shape, Target } from "../model.ts";
import {
  MAX_DEPTH,
  MalformedValue,
  parseBase64,
  parseBigInteger,
  parseBoolean,
  parseNumber,
  parseTimestamp,
  reading,
  setKey,
  tooDeep,
} from "./values.ts";

/** Most parameters of one request. */
const MAX_PARAMETERS = 20_000;

/** `A.member.1.B=x` as a tree of names. */
interface Parameter {
  value?: string;
  parts?: Map<string, Parameter>;
}

function parameterTree(parameters: URLSearchParams): Parameter {
  if (parameters.size > MAX_PARAMETERS) {
    throw new AwsError("MalformedQueryString", `The request has more than ${MAX_PARAMETERS} parameters.`, 400);
  }
  const root: Parameter = {};
  for (const [name, value] of parameters) {
    let node = root;
    const parts = name.split(".", MAX_DEPTH + 1);
    if (parts.length > MAX_DEPTH) throw tooDeep();
    for (const part of parts) {
      node.parts ??= new Map();
      let next = node.parts.get(part);
      if (!next) node.parts.set(part, (next = {}));
      node = next;
    }
    node.value = value;
  }
  return root;
}

/** Which of the two spellings of the query protocol a request uses. */
export type QueryDialect = "awsQuery" | "ec2Query";

/** Reads an operation's input out of its parameters. */
export function readQueryInput(shape: Shape, parameters: URLSearchParams, dialect: QueryDialect): unknown {
  return read({ shape, traits: {} }, parameterTree(parameters), dialect);
}

function read(target: Target, node: Parameter, dialect: QueryDialect): unknown {
  const { shape } = target;
  const text = node.value ?? "";
  switch (shape.kind) {
    case "structure":
    case "union":
      return readStructure(shape, node, dialect);
    case "list":
      return readList(target, node, dialect);
    case "map":
      return readMap(target, node, dialect);
    case "number":
      return parseNumber(text);
    case "boolean":
      return parseBoolean(text);
    case "bigInteger":
      return parseBigInteger(text);
    case "timestamp":
      return parseTimestamp(text);
    case "blob":
      return parseBase64(text);
    default:
      return text;
  }
}

function readStructure(shape: Shape, node: Parameter, dialect: QueryDialect): unknown {
  const structure: Record<string, unknown> = {};
  let found = 0;
  for (const member of shape.members) {
    // AWS takes a list by the member's own name, too.
    const part = node.parts?.get(memberName(member, dialect)) ?? node.parts?.get(member.name);
    if (!part) continue;
    structure[member.name] = reading(member.name, () => read(member, part, dialect));
    found++;
  }
  if (shape.kind === "union" && found !== 1) {
    throw new MalformedValue(`Expected exactly one member of a union, found ${found}`);
  }
  return structure;
}

function memberName(member: Member, dialect: QueryDialect): string {
  const { traits } = member;
  if (dialect === "awsQuery") return traits.xmlName ?? member.name;
  if (traits.ec2QueryName !== undefined) return traits.ec2QueryName;
  const name = traits.xmlName ?? member.name;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function readList(target: Target, node: Parameter, dialect: QueryDialect): unknown[] {
  const { value } = target.shape;
  if (!node.parts) {
    if (node.value === "") return []; // how an empty list is spelled
    throw new MalformedValue("Expected a list");
  }
  let items = node;
  if (dialect === "awsQuery") {
    // Clients differ in whether a flattened list carries the member's name, so both spellings are read.
    const wrapped = node.parts.get(value.traits.xmlName ?? "member") ?? node.parts.get("member");
    if (wrapped && (!target.traits.xmlFlattened || !hasIndexes(node))) items = wrapped;
  }
  return numbered(items).map((item, index) => reading(`[${index}]`, () => read(value, item, dialect)));
}

function readMap(target: Target, node: Parameter, dialect: QueryDialect): Record<string, unknown> {
  const { key, value } = target.shape;
  const keyName = key.traits.xmlName ?? "key";
  const valueName = value.traits.xmlName ?? "value";
  const entries = target.traits.xmlFlattened ? node : (node.parts?.get("entry") ?? node);
  const map: Record<string, unknown> = {};
  for (const entry of numbered(entries)) {
    const name = entry.parts?.get(keyName)?.value;
    const item = entry.parts?.get(valueName);
    if (name !== undefined && item)
      setKey(
        map,
        name,
        reading(name.slice(0, 80), () => read(value, item, dialect)),
      );
  }
  return map;
}

function hasIndexes(node: Parameter): boolean {
  for (const name of node.parts?.keys() ?? []) if (/^\d+$/.test(name)) return true;
  return false;
}

/** The parts that are named by number, in order; gaps close. */
function numbered(node: Parameter): Parameter[] {
  const items: [number, Parameter][] = [];
  for (const [name, part] of node.parts ?? []) if (/^\d{1,9}$/.test(name)) items.push([Number(name), part]);
  return items.sort((a, b) => a[0] - b[0]).map(([, part]) => part);
}
