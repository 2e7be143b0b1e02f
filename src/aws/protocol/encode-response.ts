import { Readable } from "node:stream";
import { hostIdOf } from "../host-id.ts";
import type { Protocol } from "../model-pack.ts";
import { compiled, isRest, type Member, type OperationModel, type ServiceModel, type Shape } from "../model.ts";
import { CBOR, encodeCbor } from "./cbor.ts";
import { encodeEvents, EVENT_STREAM_TYPE, eventStreamMember } from "./encode-events.ts";
import { bindingsOf, safeHeader, valueToHeader } from "./http-bindings.ts";
import type { HttpResponse } from "./http-message.ts";
import { REST_JSON, RPC_JSON } from "./json.ts";
import { membersWriter, valueWriter } from "./value-codec.ts";
import { isNothing, toBytes } from "./values.ts";
import { escapeXml, namespaceText, xmlMembersWriter } from "./xml-writer.ts";

/** What encoding needs to know of a route. */
export interface EncodeRoute {
  readonly model: ServiceModel;
  readonly operation: OperationModel;
  readonly protocol: Protocol;
}

type Output = Readonly<Record<string | symbol, unknown>>;

/** An output's member with the status of the answer, where the model has no place for it. */
export const ANSWER_STATUS: unique symbol = Symbol("status of the answer");

/** The response for what a handler returned; a streaming payload or event stream becomes a streaming body. */
export function encodeResponse(route: EncodeRoute, output: Output | undefined | void, requestId: string): HttpResponse {
  const response = encode(route, output ?? {}, requestId);
  addRequestId(response, route.model, requestId);
  const status = output?.[ANSWER_STATUS];
  if (typeof status === "number") response.status = status;
  // Part of an object: the model has no place for the status.
  if (route.model.name === "s3" && typeof output?.["ContentRange"] === "string" && response.status === 200)
    response.status = 206;
  if (route.operation.http?.method === "HEAD") delete response.body;
  return response;
}

/** The headers by which clients report a request to us. */
export function addRequestId(response: HttpResponse, model: ServiceModel | undefined, requestId: string): void {
  if (model?.name === "s3") {
    response.headers["x-amz-request-id"] ??= requestId;
    response.headers["x-amz-id-2"] ??= hostIdOf(requestId);
  } else {
    response.headers["x-amzn-requestid"] ??= requestId;
  }
}

/** The content type of an RPC protocol's messages. */
export function rpcContentType(protocol: Protocol): string {
  switch (protocol) {
    case "awsJson1_0":
      return "application/x-amz-json-1.0";
    case "awsJson1_1":
      return "application/x-amz-json-1.1";
    case "rpcv2Cbor":
      return "application/cbor";
    case "ec2Query":
      return "text/xml;charset=UTF-8";
    default:
      return "text/xml";
  }
}

function encode(route: EncodeRoute, output: Output, requestId: string): HttpResponse {
  const { operation, protocol } = route;
  const shape = operation.output;
  const headers = { "content-type": rpcContentType(protocol) };
  if (eventStreamMember(shape)) return eventStreamResponse(route, output);
  switch (protocol) {
    case "restJson1":
    case "restXml":
      return encodeRest(route, output);
    case "rpcv2Cbor": {
      const document = shape.kind === "unit" ? {} : valueWriter(CBOR, shape)(output);
      return { status: 200, headers: { ...headers, "smithy-protocol": "rpc-v2-cbor" }, body: encodeCbor(document) };
    }
    case "awsQuery":
    case "ec2Query":
      return { status: 200, headers, body: queryDocument(route, output, requestId) };
    default: {
      const body = shape.kind === "unit" ? "{}" : JSON.stringify(valueWriter(RPC_JSON, shape)(output));
      return { status: 200, headers, body };
    }
  }
}

function eventStreamResponse(route: EncodeRoute, output: Output): HttpResponse {
  const { operation, protocol } = route;
  const stream = eventStreamMember(operation.output)!;
  const response: HttpResponse = isRest(protocol)
    ? encodeRest(route, { ...output, [stream.name]: undefined })
    : { status: 200, headers: {} };
  response.headers["content-type"] = EVENT_STREAM_TYPE;
  response.body = Readable.from(encodeEvents(output, operation.output, protocol), { objectMode: false });
  return response;
}

function queryDocument(route: EncodeRoute, output: Output, requestId: string): string {
  const { model, operation } = route;
  const { name, output: shape } = operation;
  const namespace = model.xmlNamespace ?? `http://${model.signingName}.amazonaws.com/doc/${model.version}/`;
  const write = compiled(shape, "write query result", () => xmlMembersWriter(shape.members));
  const members = shape.kind === "unit" ? "" : write(output);
  const attribute = namespaceText(["", namespace]);
  if (route.protocol === "ec2Query") {
    const id = `<requestId>${escapeXml(requestId)}</requestId>`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}Response${attribute}>${id}${members}</${name}Response>`;
  }
  const result = shape.kind === "unit" ? "" : `<${name}Result>${members}</${name}Result>`;
  const metadata = `<ResponseMetadata><RequestId>${escapeXml(requestId)}</RequestId></ResponseMetadata>`;
  return `<${name}Response${attribute}>${result}${metadata}</${name}Response>`;
}

/** Operations that answer 204 although their model says 200. */
const NO_CONTENT: ReadonlySet<string> = new Set(["s3.PutBucketPolicy", "s3.PutBucketTagging"]);

function encodeRest(route: EncodeRoute, output: Output): HttpResponse {
  const { model, operation, protocol } = route;
  const shape = operation.output;
  const bindings = bindingsOf(shape, "response");
  const status = NO_CONTENT.has(`${model.name}.${operation.name}`) ? 204 : (operation.http?.status ?? 200);
  const response: HttpResponse = { status, headers: headersOf(shape, output) };
  const code = bindings.statusCode && output[bindings.statusCode.name];
  if (typeof code === "number") response.status = code;

  if (bindings.payload) {
    writePayload(route, output, response);
  } else if (bindings.body.length > 0) {
    if (protocol === "restXml") {
      const write = compiled(shape, "write xml body", () => xmlMembersWriter(bindings.body.toSorted(listsLast)));
      setBody(
        response,
        "application/xml",
        xmlDocument(model, shape, shape.xmlName ?? shape.name, bodyText(route, output, write)),
      );
    } else {
      const write = compiled(shape, "write json body", () => membersWriter(REST_JSON, bindings.body));
      setBody(response, "application/json", JSON.stringify(write(output)));
    }
  } else if (protocol === "restJson1" && response.status !== 204 && response.status !== 304) {
    setBody(response, "application/json", "{}");
  }
  return response;
}

/** Lists come last: clients that read an answer as it comes want the bucket's name before its keys. */
function listsLast(a: Member, b: Member): number {
  return Number(a.shape.kind === "list") - Number(b.shape.kind === "list");
}

/** GetBucketLocation's answer is the text of the root element itself. */
function bodyText(route: EncodeRoute, output: Output, write: (value: unknown) => string): string {
  if (route.model.name === "s3" && route.operation.name === "GetBucketLocation") {
    return escapeXml(String(output.LocationConstraint ?? ""));
  }
  return write(output);
}

/** Members of an output, or of an error, that travel in headers. */
export function headersOf(shape: Shape, value: Output): Record<string, string> {
  const bindings = bindingsOf(shape, "response");
  const headers: Record<string, string> = {};
  for (const [name, member] of bindings.headers) {
    const item = value[member.name];
    // The SDK's name for the same header, where the value need not be a date.
    if (!isNothing(item))
      headers[name.toLowerCase() === "expiresstring" ? "expires" : name] = valueToHeader(member, item);
  }
  for (const [prefix, member] of bindings.prefixHeaders) {
    const map = value[member.name];
    if (isNothing(map)) continue;
    for (const [key, item] of Object.entries(map as Output)) {
      // A key that is no header name cannot be sent; the service that stored it has checked it.
      if (/^[\w!#$%&'*+.^`|~-]*$/.test(key)) headers[prefix + key] = safeHeader(String(item));
    }
  }
  // Node writes this one as bytes once it knows the content's length, and those beyond ASCII then are no characters of a header.
  const disposition = headers["content-disposition"];
  return disposition === undefined ? headers : { "content-disposition": disposition, ...headers };
}

/** Lambda answers what its function returned, which is JSON; other blobs are bytes. */
const PAYLOAD_TYPES: Readonly<Record<string, string>> = { "lambda.Invoke": "application/json" };

function writePayload(route: EncodeRoute, output: Output, response: HttpResponse): void {
  const { model, operation, protocol } = route;
  const member = bindingsOf(operation.output, "response").payload!;
  const value = output[member.name];
  if (isNothing(value)) return;
  const { shape } = member;
  if (shape.kind === "blob") {
    const type = PAYLOAD_TYPES[`${model.name}.${operation.name}`] ?? "application/octet-stream";
    setBody(response, type, isBody(value) ? value : toBytes(value));
  } else if (shape.kind === "string") {
    setBody(response, "text/plain", String(value));
  } else if (protocol === "restXml") {
    const write = compiled(shape, "write xml payload", () => xmlMembersWriter(shape.members));
    const root = member.traits.xmlName ?? shape.xmlName ?? shape.name;
    setBody(response, "application/xml", xmlDocument(model, shape, root, write(value)));
  } else {
    setBody(response, "application/json", JSON.stringify(valueWriter(REST_JSON, shape)(value)));
  }
}

function isBody(value: unknown): value is NonNullable<HttpResponse["body"]> {
  if (typeof value === "string" || value instanceof Uint8Array || value instanceof Readable) return true;
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function setBody(response: HttpResponse, contentType: string, body: NonNullable<HttpResponse["body"]>): void {
  response.headers["content-type"] ??= contentType;
  response.body = body;
}

function xmlDocument(model: ServiceModel, shape: Shape, root: string, content: string): string {
  const namespace = shape.xmlNamespace ?? (model.xmlNamespace ? (["", model.xmlNamespace] as const) : undefined);
  const start = `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespaceText(namespace)}`;
  return content === "" ? `${start}/>` : `${start}>${content}</${root}>`;
}
