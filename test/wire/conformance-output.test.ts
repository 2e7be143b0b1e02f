import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { AwsError } from "../../src/kernel/aws-error.ts";
import type { ServiceModel } from "../../src/aws/model.ts";
import { decodeCbor } from "../../src/aws/protocol/cbor.ts";
import { encodeError, encodeResponse, type HttpResponse } from "../../src/aws/protocol/index.ts";
import { parseXml, type XmlElement } from "../../src/aws/protocol/xml-parser.ts";
import { comparable, withoutEmpty } from "./compare-values.ts";
import { absent, CONFORMANCE, conformanceCases, handlerValue, type OutputCase } from "./conformance-data.ts";

/* Responses that others published for each protocol: what a server must produce for a result or an error. */

/** Cases about what clients must tolerate, which we do not write, with the reason. */
const CLIENT_TOLERANCE: readonly (readonly [id: RegExp, reason: string])[] = [
  [/DateTimeWith(Negative|Positive)Offset$/, "we write UTC"],
  [/FooErrorUsingXAmznErrorType/, "the type of an RPC error is in its body"],
  [/DeserializeIgnoreType$/, "we add no __type to structures"],
  [/DeserializeAllowNulls|NullStructureValues|DeserializeNullValues|SkipsNull$/, "we write no nulls"],
  [/unexpected_json_output|UnexpectedJsonOutput|ExtraFieldsInTheBody/, "we write no members that the model lacks"],
  [/IntEnums$/, "the response repeats a header of the request"],
  [/request_id_from_the_response/, "the case has a request id of its own"],
  [/^(Query|Ec2)?ComplexError|^InvalidGreetingError$/, "the message or another member is not in the case's members"],
  [/CustomCodeError$/, "the status in the model is that of the query protocol"],
  [
    /^Query(EmptyInputAndEmptyOutput|NoInputAndNoOutput|NoInputAndOutput)$/,
    "the case has no body; AWS sends request ids",
  ],
  [/^QueryXmlEmptyMaps$/, "white space alone"],
  [/^RestXmlHttpResponseCode$/, "an empty body has no type"],
  [/PayloadWithUnsetUnion$/, "the case's body has other members than its result"],
];

const skip = absent("protocols");

describe("published responses of each protocol", { skip }, () => {
  if (skip) return;
  for (const file of readdirSync(join(CONFORMANCE, "protocols/output")).filter((name) => name.endsWith(".json"))) {
    test(file, async () => {
      const faults: string[] = [];
      for (const { case: each, model } of conformanceCases<OutputCase>(`output/${file}`)) {
        if (CLIENT_TOLERANCE.some(([id]) => id.test(each.id))) continue;
        await check(each, model).catch((error: unknown) => faults.push(`${each.id}: ${String(error).slice(0, 1200)}`));
      }
      assert.equal(faults.length, 0, `\n${faults.join("\n")}`);
    });
  }
});

async function check(each: OutputCase, model: ServiceModel): Promise<void> {
  const response = respond(each, model);
  assert.equal(response.status, each.response.status_code);
  checkHeaders(each, response);
  const expected = Buffer.from(each.response.body ?? "", model.protocol === "rpcv2Cbor" ? "base64" : "utf8");
  const actual = await bytesOf(response);
  assert.deepEqual(await readable(actual, model, each), await readable(expected, model, each));
}

function respond(each: OutputCase, model: ServiceModel): HttpResponse {
  const operation = model.operation(each.given.name)!;
  if (each.errorCode === undefined) {
    const result = handlerValue({ shape: operation.output, traits: {} }, each.result ?? {}) as Record<string, unknown>;
    return encodeResponse({ model, operation, protocol: model.protocol }, result, "foo-id");
  }
  const shape = model.error(each.errorCode);
  const fields = shape ? (handlerValue({ shape, traits: {} }, each.error ?? {}) as Record<string, unknown>) : {};
  const error = new AwsError(each.errorCode, each.errorMessage ?? "", each.response.status_code, fields);
  return encodeError(model, model.protocol, error, "foo-id");
}

function checkHeaders(each: OutputCase, response: HttpResponse): void {
  for (const [name, value] of Object.entries(each.response.headers ?? {})) {
    const actual = response.headers[name.toLowerCase()];
    const wanted = name.toLowerCase() === "x-amzn-errortype" ? value.split(":")[0]!.split("#").at(-1) : value;
    const plain = (text: string | undefined): string | undefined => text?.split(";")[0];
    if (name.toLowerCase() === "content-type")
      assert.equal(
        plain(actual)?.replace("text/xml", "application/xml"),
        plain(wanted)?.replace("text/xml", "application/xml"),
      );
    else if (name.toLowerCase() !== "content-length")
      assert.equal(actual?.replaceAll(", ", ","), wanted?.replaceAll(", ", ","), name);
  }
}

async function bytesOf({ body }: HttpResponse): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  if (typeof body === "string") return Buffer.from(body, "utf8");
  if (body instanceof Uint8Array) return Buffer.from(body);
  const parts: Buffer[] = [];
  for await (const part of Readable.from(body)) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts);
}

/** A body in a form that can be compared: what does not matter (order of keys, white space, request ids) is gone. */
async function readable(bytes: Buffer, model: ServiceModel, each: OutputCase): Promise<unknown> {
  const text = bytes.toString("utf8");
  const hasPayload = Object.keys(model.operation(each.given.name)!.output.members).length > 0;
  try {
    switch (model.protocol) {
      case "rpcv2Cbor":
        return withoutEmpty(await comparable(withoutType(decodeCbor(bytes))));
      case "restXml":
      case "awsQuery":
      case "ec2Query": {
        const element = parseXml(text);
        return element && withoutEmpty(plainXml(element));
      }
      default:
        return withoutEmpty(withoutType(text === "" ? {} : (JSON.parse(text) as unknown)));
    }
  } catch (error) {
    if (!hasPayload) throw error;
    return text; // a payload of bytes or text
  }
}

function withoutType(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { __type, message, Message, code, ...rest } = value as Record<string, unknown>;
  const type = typeof __type === "string" ? __type.split("#").at(-1)!.split(":")[0] : undefined;
  return {
    ...rest,
    ...((message ?? Message) ? { message: message ?? Message } : {}),
    ...(type && code === undefined ? {} : {}),
  };
}

function plainXml(element: XmlElement): unknown {
  if (element.name === "requestId" || element.name === "RequestId" || element.name === "RequestID") return undefined;
  if (element.name === "Type" || element.name === "HostId") return undefined;
  if (element.name === "ResponseMetadata") return undefined;
  if (element.children.length === 0) return [element.name, element.text];
  return [
    element.name,
    element.children
      .map(plainXml)
      .filter((child) => child !== undefined)
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  ];
}
