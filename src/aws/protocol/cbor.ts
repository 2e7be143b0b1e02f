import type { ValueFormat } from "./value-codec.ts";
import { expected, MAX_DEPTH, parseTimestamp, serializationError, setKey, toBytes, tooDeep } from "./values.ts";

/** CBOR as `rpc-v2-cbor` speaks it. */
export const CBOR: ValueFormat = {
  id: "cbor",
  wireName: (member) => member.name,
  readBlob(value) {
    if (!(value instanceof Uint8Array)) throw expected("a byte string", value);
    return toBytes(value);
  },
  readTimestamp: parseTimestamp,
  writeBlob: toBytes,
  writeTimestamp: (date) => date,
  writeDouble: (value) => new Double(value),
  nonFiniteAsText: false,
};

/** A number that is written as one with a fraction, even where it has none. */
class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

const BREAK = Symbol("break");
const MALFORMED = "The request body is not valid CBOR.";

/** Decodes one CBOR value (RFC 8949) that fills `bytes`; tag 1 becomes a Date. An empty body is an empty map. */
export function decodeCbor(bytes: Buffer): unknown {
  if (bytes.length === 0) return {};
  const reader = new CborReader(bytes);
  const value = reader.value(0);
  if (value === BREAK || !reader.atEnd) throw serializationError(MALFORMED);
  return value;
}

class CborReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw tooDeep();
    const initial = this.#byte();
    const major = initial >> 5;
    const info = initial & 31;
    if (major === 7) return this.#simple(info);
    if (info === 31) return this.#indefinite(major, depth);
    const argument = this.#argument(info);
    switch (major) {
      case 0:
        return argument;
      case 1:
        return typeof argument === "bigint" ? -1n - argument : -1 - argument;
      case 2:
        return this.#take(argument);
      case 3:
        return this.#take(argument).toString("utf8");
      case 4:
        return this.#list(this.#count(argument, 1), depth);
      case 5:
        return this.#map(this.#count(argument, 2), depth);
      default:
        return this.#tagged(argument, depth);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#position++];
    if (byte === undefined) throw serializationError(MALFORMED);
    return byte;
  }

  #argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info > 27) throw serializationError(MALFORMED);
    const size = 1 << (info - 24);
    const at = this.#take(size);
    if (size < 8) return at.readUIntBE(0, size);
    const large = at.readBigUInt64BE();
    return large <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(large) : large;
  }

  #take(length: number | bigint): Buffer {
    const end = this.#position + Number(length);
    if (end > this.#bytes.length) throw serializationError(MALFORMED);
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  /** A claimed number of entries cannot exceed the bytes that are left, so nothing is allocated for a lie. */
  #count(argument: number | bigint, bytesEach: number): number {
    const count = Number(argument);
    if (count * bytesEach > this.#bytes.length - this.#position) throw serializationError(MALFORMED);
    return count;
  }

  #list(count: number, depth: number): unknown[] {
    const list: unknown[] = [];
    for (let index = 0; index < count; index++) list.push(this.#item(depth));
    return list;
  }

  #map(count: number, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let index = 0; index < count; index++) setKey(map, this.#key(this.#item(depth)), this.#item(depth));
    return map;
  }

  #item(depth: number): unknown {
    const item = this.value(depth + 1);
    if (item === BREAK) throw serializationError(MALFORMED);
    return item;
  }

  #key(key: unknown): string {
    if (typeof key !== "string") throw serializationError(MALFORMED);
    return key;
  }

  #indefinite(major: number, depth: number): unknown {
    if (major < 2 || major > 5) throw serializationError(MALFORMED);
    const items: unknown[] = [];
    for (let item = this.value(depth + 1); item !== BREAK; item = this.value(depth + 1)) items.push(item);
    if (major === 4) return items;
    if (major === 5) {
      if (items.length % 2 !== 0) throw serializationError(MALFORMED);
      const map: Record<string, unknown> = {};
      for (let index = 0; index < items.length; index += 2) setKey(map, this.#key(items[index]), items[index + 1]);
      return map;
    }
    if (major === 3) {
      if (!items.every((item) => typeof item === "string")) throw serializationError(MALFORMED);
      return items.join("");
    }
    if (!items.every((item) => item instanceof Uint8Array)) throw serializationError(MALFORMED);
    return Buffer.concat(items);
  }

  #tagged(tag: number | bigint, depth: number): unknown {
    const value = this.#item(depth);
    if (tag === 1) return parseTimestamp(typeof value === "bigint" ? Number(value) : value);
    if ((tag === 2 || tag === 3) && value instanceof Uint8Array) {
      const magnitude = value.length === 0 ? 0n : BigInt(`0x${toBytes(value).toString("hex")}`);
      return tag === 2 ? magnitude : -1n - magnitude;
    }
    return value;
  }

  #simple(info: number): unknown {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 23:
        return undefined;
      case 25:
        return halfFloat(this.#take(2).readUInt16BE());
      case 26:
        return this.#take(4).readFloatBE();
      case 27:
        return this.#take(8).readDoubleBE();
      case 31:
        return BREAK;
      default:
        throw serializationError(MALFORMED);
    }
  }
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Encodes plain values, byte strings and Dates (as tag 1). */
export function encodeCbor(value: unknown): Buffer {
  const parts: Buffer[] = [];
  write(value, parts);
  return Buffer.concat(parts);
}

function write(value: unknown, parts: Buffer[]): void {
  switch (typeof value) {
    case "string": {
      const text = Buffer.from(value, "utf8");
      parts.push(head(3, text.length), text);
      return;
    }
    case "number":
      parts.push(encodeNumber(value));
      return;
    case "bigint":
      parts.push(value >= 0n ? head(0, value) : head(1, -1n - value));
      return;
    case "boolean":
      parts.push(Buffer.from([value ? 0xf5 : 0xf4]));
      return;
    case "object":
      writeObject(value, parts);
      return;
    default:
      parts.push(Buffer.from([0xf6]));
  }
}

function writeObject(value: object | null, parts: Buffer[]): void {
  if (value === null) parts.push(Buffer.from([0xf6]));
  else if (value instanceof Uint8Array) parts.push(head(2, value.length), toBytes(value));
  else if (value instanceof Date) parts.push(Buffer.from([0xc1]), encodeNumber(value.getTime() / 1000));
  else if (value instanceof Double) parts.push(encodeDouble(value.value));
  else if (Array.isArray(value)) {
    parts.push(head(4, value.length));
    for (const item of value) write(item, parts);
  } else {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    parts.push(head(5, entries.length));
    for (const [key, item] of entries) {
      write(key, parts);
      write(item, parts);
    }
  }
}

function encodeNumber(value: number): Buffer {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return encodeDouble(value);
  return value >= 0 ? head(0, value) : head(1, -1 - value);
}

function encodeDouble(value: number): Buffer {
  const double = Buffer.allocUnsafe(9);
  double[0] = 0xfb;
  double.writeDoubleBE(value, 1);
  return double;
}

function head(major: number, argument: number | bigint): Buffer {
  const type = major << 5;
  if (argument < 24) return Buffer.from([type | Number(argument)]);
  if (argument <= 0xff) return Buffer.from([type | 24, Number(argument)]);
  if (argument <= 0xffff) return Buffer.from([type | 25, Number(argument) >> 8, Number(argument) & 0xff]);
  const wide = argument > 0xffffffff;
  const bytes = Buffer.allocUnsafe(wide ? 9 : 5);
  bytes[0] = type | (wide ? 27 : 26);
  if (wide) bytes.writeBigUInt64BE(BigInt(argument), 1);
  else bytes.writeUInt32BE(Number(argument), 1);
  return bytes;
}
