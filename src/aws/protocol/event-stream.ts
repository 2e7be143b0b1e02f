import { crc32 } from "node:zlib";
import { AwsError } from "../../kernel/aws-error.ts";

/** Most bytes of one message, headers included: AWS's own limit is 16 MB of payload. */
const MAX_MESSAGE = 17 * 1024 * 1024;

export interface EventMessage {
  /** Text headers, for example `:event-type`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** One message in the framing `application/vnd.amazon.eventstream`. */
export function encodeEventMessage(message: EventMessage): Buffer {
  const headers = Buffer.concat(Object.entries(message.headers).map(([name, value]) => encodeHeader(name, value)));
  const total = 16 + headers.length + message.payload.length;
  const frame = Buffer.allocUnsafe(total);
  frame.writeUInt32BE(total, 0);
  frame.writeUInt32BE(headers.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  frame.set(headers, 12);
  frame.set(message.payload, 12 + headers.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, total - 4)), total - 4);
  return frame;
}

const TEXT = 7;

function encodeHeader(name: string, value: string): Buffer {
  const nameBytes = Buffer.from(name, "utf8");
  const valueBytes = Buffer.from(value, "utf8").subarray(0, 0xffff);
  const header = Buffer.allocUnsafe(4 + nameBytes.length + valueBytes.length);
  header.writeUInt8(nameBytes.length, 0);
  header.set(nameBytes, 1);
  header.writeUInt8(TEXT, 1 + nameBytes.length);
  header.writeUInt16BE(valueBytes.length, 2 + nameBytes.length);
  header.set(valueBytes, 4 + nameBytes.length);
  return header;
}

/** Reads the first message of `bytes` and says how many bytes it took; `undefined` where it is not complete yet. */
export function decodeEventMessage(bytes: Buffer): { message: EventMessage; length: number } | undefined {
  if (bytes.length < 12) return undefined;
  const total = bytes.readUInt32BE(0);
  const headersLength = bytes.readUInt32BE(4);
  if (bytes.readUInt32BE(8) !== crc32(bytes.subarray(0, 8))) throw malformed("the checksum of its prelude is wrong");
  if (total > MAX_MESSAGE || total < 16 + headersLength) throw malformed("its length is not valid");
  if (bytes.length < total) return undefined;
  if (bytes.readUInt32BE(total - 4) !== crc32(bytes.subarray(0, total - 4))) throw malformed("its checksum is wrong");
  const headers = decodeHeaders(bytes.subarray(12, 12 + headersLength));
  return { message: { headers, payload: bytes.subarray(12 + headersLength, total - 4) }, length: total };
}

/** Bytes of each header type's value; -1 where a length precedes it. */
const VALUE_SIZES = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16];

function decodeHeaders(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw malformed("a header is cut off");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const name = take(take(1)[0]!).toString("utf8");
    const type = take(1)[0]!;
    const size = VALUE_SIZES[type];
    if (size === undefined) throw malformed("a header has an unknown type");
    const value = take(size >= 0 ? size : take(2).readUInt16BE());
    if (type === TEXT) headers[name] = value.toString("utf8");
  }
  return headers;
}

function malformed(why: string): AwsError {
  return new AwsError("SerializationException", `An event stream message is malformed: ${why}.`, 400);
}
