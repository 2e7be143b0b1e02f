import { compiled, type Member, type Shape, type Target } from "../model.ts";
import type { TimestampFormat } from "../model-pack.ts";
import {
  expected,
  isNothing,
  MalformedValue,
  MAX_DEPTH,
  parseBigInteger,
  setKey,
  timestampFormat,
  toDate,
  tooDeep,
} from "./values.ts";

/** How a self-describing format (JSON, CBOR) writes what it has no type for. */
export interface ValueFormat {
  /** Distinguishes the compiled readers and writers of each format. */
  readonly id: string;
  wireName(member: Member): string;
  readBlob(value: unknown): Buffer;
  readTimestamp(value: unknown): Date;
  writeBlob(value: unknown): unknown;
  writeTimestamp(value: Date, format: TimestampFormat): unknown;
  /** A finite number that clients are to read as one with a fraction. */
  writeDouble(value: number): unknown;
  readonly nonFiniteAsText: boolean;
}

export type ValueReader = (value: unknown, depth: number) => unknown;
export type ValueWriter = (value: unknown) => unknown;
type PlainObject = Record<string, unknown>;

/** The function that checks and converts a parsed value to what handlers get; compiled once for a shape. */
export function valueReader(format: ValueFormat, shape: Shape): ValueReader {
  return compiled(shape, `read ${format.id}`, () => {
    // Shapes may contain themselves: while this one is being compiled, its uses go through the cache.
    let reader: ValueReader | undefined;
    shape.compiled.set(`read ${format.id}`, (value: unknown, depth: number) => reader!(value, depth));
    reader = guarded(compileReader(format, { shape, traits: {} }));
    return replace(shape, `read ${format.id}`, reader);
  });
}

/** The function that turns what a handler returned into plain values of the format; compiled once for a shape. */
export function valueWriter(format: ValueFormat, shape: Shape): ValueWriter {
  return compiled(shape, `write ${format.id}`, () => {
    let writer: ValueWriter | undefined;
    shape.compiled.set(`write ${format.id}`, (value: unknown) => writer!(value));
    writer = compileWriter(format, { shape, traits: {} });
    return replace(shape, `write ${format.id}`, writer);
  });
}

/** A writer for some members of a structure only, for example those that do not travel in headers. */
export function membersWriter(format: ValueFormat, members: readonly Member[]): ValueWriter {
  return structureWriter(format, members);
}

/** A reader for some members of a structure only. */
export function membersReader(format: ValueFormat, members: readonly Member[]): ValueReader {
  return structureReader(format, members, false);
}

function replace<T>(shape: Shape, key: string, value: T): T {
  shape.compiled.set(key, value);
  return value;
}

function guarded(read: ValueReader): ValueReader {
  return (value, depth) => {
    if (depth > MAX_DEPTH) throw tooDeep();
    return read(value, depth);
  };
}

function isAggregate(shape: Shape): boolean {
  return shape.kind === "structure" || shape.kind === "union" || shape.kind === "list" || shape.kind === "map";
}

function readerOf(format: ValueFormat, target: Target): ValueReader {
  const { shape } = target;
  const sparse = target.traits.sparse === true;
  if (sparse && shape.kind === "list") return listReader(format, shape, true);
  if (sparse && shape.kind === "map") return mapReader(format, shape, true);
  return isAggregate(shape) ? valueReader(format, shape) : compileReader(format, target);
}

function writerOf(format: ValueFormat, target: Target): ValueWriter {
  return isAggregate(target.shape) ? valueWriter(format, target.shape) : compileWriter(format, target);
}

function compileReader(format: ValueFormat, target: Target): ValueReader {
  const { shape } = target;
  switch (shape.kind) {
    case "string":
      return readString;
    case "number":
      return readNumber;
    case "boolean":
      return readBoolean;
    case "bigInteger":
      return (value) => (typeof value === "bigint" ? value : parseBigInteger(String(value)));
    case "bigDecimal":
      return (value) => String(value);
    case "timestamp":
      return (value) => format.readTimestamp(value);
    case "blob":
      return (value) => format.readBlob(value);
    case "document":
      return readDocument;
    case "unit":
      return () => ({});
    case "list":
      return listReader(format, shape, false);
    case "map":
      return mapReader(format, shape, false);
    case "structure":
    case "union":
      return structureReader(format, shape.members, shape.kind === "union");
  }
}

function readString(value: unknown): string {
  if (typeof value !== "string") throw expected("a string", value);
  return value;
}

function readNumber(value: unknown): number {
  if (typeof value === "number") return value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity" || typeof value === "bigint")
    return Number(value);
  throw expected("a number", value);
}

function readBoolean(value: unknown): boolean {
  if (typeof value !== "boolean") throw expected("a boolean", value);
  return value;
}

function readDocument(value: unknown, depth: number): unknown {
  checkDepth(value, depth);
  return value;
}

function checkDepth(value: unknown, depth: number): void {
  if (value === null || typeof value !== "object") return;
  if (depth > MAX_DEPTH) throw tooDeep();
  for (const inner of Array.isArray(value) ? value : Object.values(value)) checkDepth(inner, depth + 1);
}

function listReader(format: ValueFormat, shape: Shape, sparse: boolean): ValueReader {
  const read = readerOf(format, shape.value);
  return (value, depth) => {
    if (!Array.isArray(value)) throw expected("a list", value);
    const list: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      try {
        if (!isNothing(item)) list[index] = read(item, depth + 1);
        else if (sparse) list[index] = null;
        else throw expected("a value", item);
      } catch (error) {
        throw error instanceof MalformedValue ? error.inside(`[${index}]`) : error;
      }
    }
    return list;
  };
}

function mapReader(format: ValueFormat, shape: Shape, sparse: boolean): ValueReader {
  const read = readerOf(format, shape.value);
  return (value, depth) => {
    const source = asObject(value, "a map");
    const map: PlainObject = {};
    for (const key of Object.keys(source)) {
      const item = source[key];
      try {
        if (!isNothing(item)) setKey(map, key, read(item, depth + 1));
        else if (sparse) setKey(map, key, null);
      } catch (error) {
        throw error instanceof MalformedValue ? error.inside(key.slice(0, 80)) : error;
      }
    }
    return map;
  };
}

function structureReader(format: ValueFormat, members: readonly Member[], union: boolean): ValueReader {
  const names = members.map((member) => member.name);
  const wireNames = members.map((member) => format.wireName(member));
  let readers: ValueReader[] | undefined; // made at first use, so that compiling one shape does not compile them all
  return (value, depth) => {
    readers ??= members.map((member) => readerOf(format, member));
    const source = asObject(value, "a structure");
    const structure: PlainObject = {};
    let found = 0;
    for (let index = 0; index < names.length; index++) {
      const item = source[wireNames[index]!];
      if (isNothing(item)) continue;
      found++;
      try {
        structure[names[index]!] = readers[index]!(item, depth + 1);
      } catch (error) {
        throw error instanceof MalformedValue ? error.inside(names[index]!) : error;
      }
    }
    if (union && found !== 1) throw new MalformedValue(`Expected exactly one member of a union, found ${found}`);
    return structure;
  };
}

function asObject(value: unknown, what: string): PlainObject {
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Uint8Array) {
    throw expected(what, value);
  }
  return value as PlainObject;
}

function compileWriter(format: ValueFormat, target: Target): ValueWriter {
  const { shape } = target;
  switch (shape.kind) {
    case "string":
    case "bigDecimal":
      return (value) => (typeof value === "string" ? value : String(value));
    case "number":
      if (target.traits.double) return doubleWriter(format);
      return format.nonFiniteAsText
        ? (value) => (Number.isFinite(value) ? value : String(value))
        : (value) => Number(value);
    case "bigInteger":
      return (value) => Number(value);
    case "timestamp": {
      const style = timestampFormat(target, "epoch-seconds");
      return (value) => format.writeTimestamp(toDate(value), style);
    }
    case "blob":
      return (value) => format.writeBlob(value);
    case "boolean":
    case "document":
      return (value) => value;
    case "unit":
      return () => ({});
    case "list":
      return listWriter(writerOf(format, shape.value));
    case "map":
      return mapWriter(writerOf(format, shape.value), target.traits.sparse === true);
    case "structure":
    case "union":
      return structureWriter(format, shape.members);
  }
}

function doubleWriter(format: ValueFormat): ValueWriter {
  return (value) => {
    const number = Number(value);
    return Number.isFinite(number) || !format.nonFiniteAsText ? format.writeDouble(number) : String(number);
  };
}

function listWriter(write: ValueWriter): ValueWriter {
  return (value) => {
    const list: unknown[] = [];
    for (const item of value as Iterable<unknown>) list.push(isNothing(item) ? null : write(item));
    return list;
  };
}

function mapWriter(write: ValueWriter, sparse: boolean): ValueWriter {
  return (value) => {
    const map: PlainObject = {};
    const source = value as PlainObject;
    for (const key of Object.keys(source)) {
      const item = source[key];
      if (!isNothing(item)) setKey(map, key, write(item));
      else if (sparse) setKey(map, key, null);
    }
    return map;
  };
}

function structureWriter(format: ValueFormat, members: readonly Member[]): ValueWriter {
  const names = members.map((member) => member.name);
  const wireNames = members.map((member) => format.wireName(member));
  let writers: ValueWriter[] | undefined;
  return (value) => {
    writers ??= members.map((member) => writerOf(format, member));
    const source = value as PlainObject;
    const structure: PlainObject = {};
    for (let index = 0; index < names.length; index++) {
      const item = source[names[index]!];
      if (!isNothing(item)) structure[wireNames[index]!] = writers[index]!(item);
    }
    return structure;
  };
}
