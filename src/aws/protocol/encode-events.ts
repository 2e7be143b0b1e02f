import { AwsError } from "../../kernel/aws-error.ts";
import type { Protocol } from "../model-pack.ts";
import { isRest, type Member, type Shape } from "../model.ts";
import { CBOR, encodeCbor } from "./cbor.ts";
import { encodeEventMessage } from "./event-stream.ts";
import { REST_JSON, RPC_JSON } from "./json.ts";
import { membersWriter, valueWriter, type ValueFormat } from "./value-codec.ts";
import { isNothing, toBytes } from "./values.ts";
import { xmlWriter } from "./xml-writer.ts";

export const EVENT_STREAM_TYPE = "application/vnd.amazon.eventstream";

/** The member of an output that is an event stream. */
export function eventStreamMember(shape: Shape): Member | undefined {
  return shape.members.find((member) => member.shape.kind === "union" && member.traits.streaming);
}

/** What a handler yields: one member of the union, `{ PayloadChunk: { Payload } }`. */
type Events = AsyncIterable<Readonly<Record<string, Record<string, unknown>>>>;

/**
 * The frames of an output's event stream. RPC protocols send the other members of the output first, in an
 * `initial-response` message. What the handler throws while it streams becomes an exception message.
 */
export async function* encodeEvents(
  output: Readonly<Record<string, unknown>>,
  shape: Shape,
  protocol: Protocol,
): AsyncGenerator<Uint8Array> {
  const stream = eventStreamMember(shape)!;
  const contentType = contentTypeOf(protocol);
  if (!isRest(protocol)) {
    const others = shape.members.filter((member) => member !== stream);
    const payload = encodeDocument(membersWriter(formatOf(protocol), others)(output), protocol);
    yield event("initial-response", payload, contentType);
  }
  try {
    for await (const item of output[stream.name] as Events) {
      const [name] = Object.keys(item);
      const member = stream.shape.members.find((candidate) => candidate.name === name);
      if (!member) throw new Error(`The stream ${stream.name} has no event ${name}`);
      yield encodeEvent(member, item[member.name]!, protocol);
    }
  } catch (error) {
    yield exception(error, stream, protocol);
  }
}

function encodeEvent(member: Member, value: Readonly<Record<string, unknown>>, protocol: Protocol): Buffer {
  const headers: Record<string, string> = {};
  for (const { name, traits } of member.shape.members) {
    if (traits.eventHeader && !isNothing(value[name])) headers[name] = String(value[name]);
  }
  const payload = member.shape.members.find((candidate) => candidate.traits.eventPayload);
  if (!payload) {
    const body = member.shape.members.filter((candidate) => !candidate.traits.eventHeader);
    if (protocol === "restXml") {
      const text = xmlWriter(member)(member.shape.name, value);
      return event(member.name, Buffer.from(text), contentTypeOf(protocol), headers);
    }
    const document = membersWriter(formatOf(protocol), body)(value);
    return event(member.name, encodeDocument(document, protocol), contentTypeOf(protocol), headers);
  }
  const content = value[payload.name];
  if (payload.shape.kind === "blob") {
    return event(member.name, toBytes(content ?? ""), "application/octet-stream", headers);
  }
  if (payload.shape.kind === "string") return event(member.name, toBytes(content ?? ""), "text/plain", headers);
  const document = valueWriter(formatOf(protocol), payload.shape)(content ?? {});
  return event(member.name, encodeDocument(document, protocol), contentTypeOf(protocol), headers);
}

function event(type: string, payload: Buffer, contentType: string, more: Record<string, string> = {}): Buffer {
  const headers = { ":message-type": "event", ":event-type": type, ":content-type": contentType, ...more };
  return encodeEventMessage({ headers, payload });
}

/** A modelled exception carries the name of the union's member; anything else is an error without a shape. */
function exception(error: unknown, stream: Member, protocol: Protocol): Buffer {
  const known = error instanceof AwsError;
  const code = known ? error.code : "InternalFailure";
  const message = known ? error.message : "The service had an internal failure while it was streaming.";
  const member = stream.shape.members.find((candidate) => candidate.name === code || candidate.shape.name === code);
  if (!member) {
    const headers = { ":message-type": "error", ":error-code": code, ":error-message": message };
    return encodeEventMessage({ headers, payload: Buffer.alloc(0) });
  }
  const headers = {
    ":message-type": "exception",
    ":exception-type": member.name,
    ":content-type": contentTypeOf(protocol),
  };
  const payload = encodeDocument({ message, ...(known && error.fields) }, protocol);
  return encodeEventMessage({ headers, payload });
}

function formatOf(protocol: Protocol): ValueFormat {
  if (protocol === "rpcv2Cbor") return CBOR;
  return protocol === "restJson1" ? REST_JSON : RPC_JSON;
}

function contentTypeOf(protocol: Protocol): string {
  if (protocol === "rpcv2Cbor") return "application/cbor";
  return protocol === "restXml" ? "text/xml" : "application/json";
}

function encodeDocument(document: unknown, protocol: Protocol): Buffer {
  return protocol === "rpcv2Cbor" ? encodeCbor(document) : Buffer.from(JSON.stringify(document), "utf8");
}
