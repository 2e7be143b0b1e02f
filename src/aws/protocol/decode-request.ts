import { Readable } from "node:stream";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Protocol } from "../model-pack.ts";
import { compiled, type Member, type OperationModel, type Shape } from "../model.ts";
import { CBOR, decodeCbor } from "./cbor.ts";
import { plainBody } from "./content-encoding.ts";
import { bindingsOf, valueFromText, type HttpBindings } from "./http-bindings.ts";
import { headerOf, type HttpRequest } from "./http-message.ts";
import { parseJson, REST_JSON, RPC_JSON } from "./json.ts";
import { readQueryInput } from "./query.ts";
import { membersReader, valueReader } from "./value-codec.ts";
import { decodingError, MalformedValue, reading, serializationError, setKey } from "./values.ts";
import { parseXml } from "./xml-parser.ts";
import { xmlMembersReader, xmlReader } from "./xml-reader.ts";

/** What `routeOperation` found out about a request, as far as decoding needs it. */
export interface DecodeRoute {
  readonly model: { readonly name: string };
  readonly operation: OperationModel;
  readonly protocol: Protocol;
  /** Values of the labels in the path, decoded. */
  readonly labels: Readonly<Record<string, string>>;
}

type Input = Record<string, unknown>;

/**
 * The operation's input as handlers get it: blobs are Buffers, timestamps are Dates, a streaming payload is a Readable.
 * Throws `SerializationException` where the request does not fit the model; call `validateInput` for constraints.
 */
export async function decodeRequest(route: DecodeRoute, request: HttpRequest): Promise<Input> {
  try {
    return await decode(route, request);
  } catch (error) {
    throw route.model.name === "s3" ? s3DecodingError(error) : decodingError(error);
  }
}

/** S3 has words of its own for numbers that are none, by the names of the parameters: `MaxKeys` is `max-keys`. */
function s3DecodingError(error: unknown): unknown {
  const name = error instanceof MalformedValue && /^Max[A-Z]/.test(error.path[0] ?? "") ? error.path[0]! : undefined;
  if (name === undefined) return decodingError(error);
  const parameter = name.replace(/\B[A-Z]/g, (c) => `-${c}`).toLowerCase();
  return new AwsError("InvalidArgument", `Provided ${parameter} not an integer or within integer range`, 400);
}

async function decode(route: DecodeRoute, request: HttpRequest): Promise<Input> {
  const { input } = route.operation;
  switch (route.protocol) {
    case "restJson1":
    case "restXml":
      return decodeRest(route, request);
    case "awsQuery":
    case "ec2Query":
      if (input.kind === "unit") return {};
      return { ...route.labels, ...(readQueryInput(input, await formOf(request), route.protocol) as Input) };
    case "rpcv2Cbor":
      if (input.kind === "unit") return {};
      return valueReader(CBOR, input)(decodeCbor(await plainBody(request)), 0) as Input;
    default:
      if (input.kind === "unit") return {};
      return valueReader(RPC_JSON, input)(parseJson(await plainBody(request)), 0) as Input;
  }
}

/** The parameters of a query request: the form in the body, or the query of the URL. */
export async function formOf(request: HttpRequest): Promise<URLSearchParams> {
  if (request.method !== "POST") return request.query;
  const body = await plainBody(request);
  return body.length === 0 ? request.query : new URLSearchParams(body.toString("utf8"));
}

async function decodeRest(route: DecodeRoute, request: HttpRequest): Promise<Input> {
  const { operation } = route;
  const bindings = bindingsOf(operation.input, "request");
  const input: Input = {};
  readLabels(bindings, route.labels, input);
  readQuery(bindings, route, request, input);
  readHeaders(bindings, request, input);
  if (bindings.payload) await readPayload(route, bindings.payload, request, input);
  else if (bindings.body.length > 0) await readBody(route, operation.input, request, input);
  return input;
}

function readLabels(bindings: HttpBindings, labels: DecodeRoute["labels"], input: Input): void {
  for (const member of bindings.labels) {
    const text =
      labels[member.name] ?? (member.traits.jsonName === undefined ? undefined : labels[member.traits.jsonName]);
    if (text !== undefined) input[member.name] = reading(member.name, () => valueFromText(member, text, "label"));
  }
}

const isNumberOfS3 = ({ model }: DecodeRoute, { shape, name }: Member): boolean =>
  model.name === "s3" && (shape.kind === "number" || name === "PartNumberMarker");

function readQuery(bindings: HttpBindings, route: DecodeRoute, request: HttpRequest, input: Input): void {
  const { query } = request;
  if (query.size === 0) return;
  for (const [name, member] of bindings.query) {
    // S3 passes over numbers without digits, as if they were not there.
    if (!query.has(name) || (query.get(name) === "" && isNumberOfS3(route, member))) continue;
    input[member.name] = reading(member.name, () => {
      if (member.shape.kind !== "list") return valueFromText(member, query.get(name)!, "query");
      return query.getAll(name).map((text) => valueFromText(member.shape.value, text, "query"));
    });
  }
  const rest = bindings.queryParams;
  if (!rest) return;
  const taken = namedParameters(route.operation, bindings);
  const lists = rest.shape.kind === "map" && rest.shape.value.shape.kind === "list";
  const others: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    if (!taken.has(name)) setKey(others, name, lists ? query.getAll(name) : query.get(name));
  }
  if (Object.keys(others).length > 0) input[rest.name] = others;
}

/** Parameters that mean something else: those of other members, and those that are part of the operation's URI. */
function namedParameters(operation: OperationModel, bindings: HttpBindings): ReadonlySet<string> {
  return compiled(operation.input, "named parameters", () => {
    const fixed = new URLSearchParams(operation.http?.uri.split("?")[1] ?? "").keys();
    return new Set([...bindings.query.map(([name]) => name), ...fixed]);
  });
}

/** Empty headers mean nothing, but S3 wants to know which ownership was meant. */
function readHeaders(bindings: HttpBindings, request: HttpRequest, input: Input): void {
  for (const [name, member] of bindings.headers) {
    const text = name === "content-encoding" ? storedEncoding(request) : textOfHeader(request, name);
    if (text !== undefined && (text !== "" || name === "x-amz-object-ownership")) {
      input[member.name] = reading(member.name, () => valueFromText(member, text, "header"));
    }
  }
  for (const [prefix, member] of bindings.prefixHeaders) {
    const found: Record<string, unknown> = {};
    for (const name of Object.keys(request.headers)) {
      if (name.startsWith(prefix)) setKey(found, name.slice(prefix.length), textOfHeader(request, name));
    }
    if (Object.keys(found).length > 0) input[member.name] = found;
  }
}

/** What encoding the content itself has: `aws-chunked` is gone when a handler reads it. */
function storedEncoding(request: HttpRequest): string | undefined {
  const encodings = textOfHeader(request, "content-encoding")
    ?.split(",")
    .map((each) => each.trim());
  return encodings?.filter((each) => each !== "aws-chunked").join(", ");
}

function textOfHeader(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

async function readPayload(route: DecodeRoute, member: Member, request: HttpRequest, input: Input): Promise<void> {
  const { shape, traits } = member;
  if (shape.kind === "blob" && traits.streaming) {
    // Only S3's bodies stream: elsewhere the signature covers the whole body, which has been read for it.
    input[member.name] = route.protocol === "restXml" ? request.stream : Readable.from([await request.body()]);
    return;
  }
  const body = await request.body();
  if (body.length === 0) return;
  if (shape.kind === "blob") input[member.name] = body;
  else if (shape.kind === "string") input[member.name] = body.toString("utf8");
  else if (route.protocol === "restXml") {
    const element = parseXml(body.toString("utf8"));
    if (element) input[member.name] = reading(member.name, () => xmlReader(member)(element));
  } else {
    input[member.name] = reading(member.name, () => valueReader(REST_JSON, shape)(parseJson(body), 0));
  }
}

async function readBody(route: DecodeRoute, shape: Shape, request: HttpRequest, input: Input): Promise<void> {
  const body = route.protocol === "restXml" ? await request.body() : await plainBody(request);
  if (body.length === 0) return;
  const { body: members } = bindingsOf(shape, "request");
  if (route.protocol === "restXml") {
    const element = parseXml(body.toString("utf8"));
    const read = compiled(shape, "read xml body", () => xmlMembersReader(members));
    if (element) Object.assign(input, read(element));
    return;
  }
  if (isForm(request)) throw serializationError("The request body must be JSON, not a form.");
  const read = compiled(shape, "read json body", () => membersReader(REST_JSON, members));
  const values = read(parseJson(body), 0);
  if (!isPlainObject(values)) throw new MalformedValue("Expected a structure");
  Object.assign(input, values);
}

function isForm(request: HttpRequest): boolean {
  return headerOf(request, "content-type")?.startsWith("application/x-www-form-urlencoded") === true;
}

function isPlainObject(value: unknown): value is Input {
  return typeof value === "object" && value !== null;
}
