import { AwsError } from "../../kernel/aws-error.ts";
import { hostIdOf } from "../host-id.ts";
import type { Protocol } from "../model-pack.ts";
import { compiled, type ServiceModel, type Shape } from "../model.ts";
import { CBOR, encodeCbor } from "./cbor.ts";
import { addRequestId, headersOf, rpcContentType } from "./encode-response.ts";
import { bindingsOf } from "./http-bindings.ts";
import type { HttpResponse } from "./http-message.ts";
import { REST_JSON, RPC_JSON } from "./json.ts";
import { S3_ERROR_STATUS } from "./s3-error-status.ts";
import { membersWriter, valueWriter } from "./value-codec.ts";
import { escapeXml, xmlMembersWriter } from "./xml-writer.ts";

/** What an error's answer depends on of its request. */
export interface ErrorContext {
  readonly method?: string;
}

/** An error in the terms that every protocol needs. */
interface WireError {
  readonly model: ServiceModel | undefined;
  readonly protocol: Protocol;
  readonly shape: Shape | undefined;
  /** The name of the error's shape, or the code as thrown where the model has none. */
  readonly name: string;
  /** The code in XML answers. */
  readonly queryCode: string;
  readonly status: number;
  readonly message: string;
  /** Modelled members and the message under its own name. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly requestId: string;
}

/**
 * The response for anything thrown, as the protocol spells errors. What is no `AwsError` becomes an internal failure
 * whose message tells the client nothing.
 */
export function encodeError(
  model: ServiceModel | undefined,
  protocol: Protocol,
  thrown: unknown,
  requestId: string,
  context: ErrorContext = {},
): HttpResponse {
  const error = toWireError(model, protocol, thrown, requestId);
  const response = encode(error, thrown);
  addRequestId(response, model, requestId);
  const noBody = context.method === "HEAD" || response.status === 304;
  if (noBody) delete response.body;
  return response;
}

function toWireError(
  model: ServiceModel | undefined,
  protocol: Protocol,
  thrown: unknown,
  requestId: string,
): WireError {
  const known = thrown instanceof AwsError ? thrown : internalFailure(model);
  const shape = model && errorShape(model, known.code);
  const messageName = shape?.members.find((member) => member.name.toLowerCase() === "message")?.name ?? "message";
  const members: Record<string, unknown> = {};
  for (const member of shape?.members ?? []) {
    if (known.fields[member.name] !== undefined) members[member.name] = known.fields[member.name];
  }
  if (known.message) members[messageName] = known.message;
  if (model?.name === "lambda" && shape?.members.some((member) => member.name === "Type")) {
    members.Type ??= shape.error === "server" ? "Service" : "User";
  }
  const query = protocol === "awsQuery" ? shape?.awsQueryError : undefined;
  return {
    model,
    protocol,
    shape,
    name: shape?.name ?? known.code,
    queryCode: shape?.awsQueryError?.[0] ?? String(known.fields["QueryCode"] ?? known.code),
    status: query?.[1] ?? statusOf(model, known, shape),
    message: wordsOf(known, protocol),
    members,
    requestId,
  };
}

/** SQS's query protocol has words of its own for the one error that old clients look for. */
function wordsOf({ code, message }: AwsError, protocol: WireError["protocol"]): string {
  const isOld = protocol === "awsQuery" && code === "QueueDoesNotExist";
  return isOld ? "The specified queue does not exist for this wsdl version." : message;
}

function internalFailure(model: ServiceModel | undefined): AwsError {
  return model?.name === "s3"
    ? new AwsError("InternalError", "We encountered an internal error. Please try again.", 500)
    : new AwsError("InternalFailure", "The request processing has failed because of an internal failure.", 500);
}

/** Handlers may throw either the shape's name or its code in the query protocol. */
function errorShape(model: ServiceModel, code: string): Shape | undefined {
  return model.error(code) ?? errorsByQueryCode(model).get(code);
}

function errorsByQueryCode(model: ServiceModel): ReadonlyMap<string, Shape> {
  return compiled(model, "errors by query code", () => {
    const byCode = new Map<string, Shape>();
    for (const name of model.errorNames()) {
      const shape = model.error(name)!;
      if (shape.awsQueryError) byCode.set(shape.awsQueryError[0], shape);
    }
    return byCode;
  });
}

function statusOf(model: ServiceModel | undefined, error: AwsError, shape: Shape | undefined): number {
  if (model?.name === "s3" && error.status === 400) return S3_ERROR_STATUS[error.code] ?? shape?.httpError ?? 400;
  return shape?.httpError ?? error.status;
}

function encode(error: WireError, thrown: unknown): HttpResponse {
  switch (error.protocol) {
    case "awsQuery":
      return xmlResponse(error, "text/xml", queryErrorDocument(error));
    case "ec2Query":
      return xmlResponse(error, "text/xml;charset=UTF-8", ec2ErrorDocument(error));
    case "restXml":
      if (!error.model || error.model.name === "s3") {
        const response = xmlResponse(error, "application/xml", s3ErrorDocument(error, thrown));
        Object.assign(response.headers, s3ErrorHeaders(thrown));
        return response;
      }
      return xmlResponse(error, "text/xml", queryErrorDocument(error));
    case "rpcv2Cbor":
      return cborError(error);
    case "restJson1":
      return restJsonError(error);
    default:
      return rpcJsonError(error);
  }
}

function xmlResponse(error: WireError, contentType: string, body: string): HttpResponse {
  const headers = error.shape ? headersOf(error.shape, error.members) : {};
  return { status: error.status, headers: { ...headers, "content-type": contentType }, body };
}

/** Fields of S3's errors whose names are in lower case are headers: `etag`, `x-amz-delete-marker`. The others stand in the body. */
const isHeaderField = (name: string): boolean => /^[a-z][a-z-]*$/.test(name);

function s3ErrorHeaders(thrown: unknown): Record<string, string> {
  const fields = thrown instanceof AwsError ? Object.entries(thrown.fields) : [];
  return Object.fromEntries(
    fields.filter(([name]) => isHeaderField(name)).map(([name, value]) => [name, String(value)]),
  );
}

function faultOf(error: WireError): "Sender" | "Receiver" {
  return error.status < 500 ? "Sender" : "Receiver";
}

function queryErrorDocument(error: WireError): string {
  const { model, shape } = error;
  const namespace = model?.xmlNamespace ?? "http://webservices.amazon.com/AWSFault/2005-15-09";
  const others = shape
    ? compiled(shape, "write xml error", () => {
        const rest = bindingsOf(shape, "response").body.filter((member) => member.name.toLowerCase() !== "message");
        return xmlMembersWriter(rest);
      })(error.members)
    : "";
  const code = `<Type>${faultOf(error)}</Type><Code>${escapeXml(error.queryCode)}</Code>`;
  const message = error.message && `<Message>${escapeXml(error.message)}</Message>`;
  const detail = `${code}${message}${others}${model?.name === "sqs" ? "<Detail/>" : ""}`;
  const id = `<RequestId>${escapeXml(error.requestId)}</RequestId>`;
  return `<ErrorResponse xmlns="${escapeXml(namespace)}"><Error>${detail}</Error>${id}</ErrorResponse>`;
}

function ec2ErrorDocument(error: WireError): string {
  const detail = `<Code>${escapeXml(error.queryCode)}</Code><Message>${escapeXml(error.message)}</Message>`;
  const id = `<RequestID>${escapeXml(error.requestId)}</RequestID>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>${detail}</Error></Errors>${id}</Response>`;
}

/** S3's errors have no envelope, and carry whatever else the error knows as elements of their own. */
function s3ErrorDocument(error: WireError, thrown: unknown): string {
  const fields = thrown instanceof AwsError ? Object.entries(thrown.fields) : [];
  const extra = fields
    .filter(
      ([name, value]) =>
        /^[A-Za-z][\w-]*$/.test(name) &&
        !isHeaderField(name) &&
        (typeof value === "string" || typeof value === "number"),
    )
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join("");
  const id = escapeXml(error.requestId);
  const detail = `<Code>${escapeXml(error.queryCode)}</Code><Message>${escapeXml(error.message)}</Message>${extra}`;
  const ids = `<RequestId>${id}</RequestId><HostId>${hostIdOf(error.requestId)}</HostId>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${detail}${ids}</Error>`;
}

function queryCompatibleHeaders(error: WireError): Record<string, string> {
  return error.model?.queryCompatible ? { "x-amzn-query-error": `${error.queryCode};${faultOf(error)}` } : {};
}

function cborError(error: WireError): HttpResponse {
  const { shape, members } = error;
  const document = shape ? (valueWriter(CBOR, shape)(members) as object) : members;
  return {
    status: error.status,
    headers: {
      "content-type": rpcContentType("rpcv2Cbor"),
      "smithy-protocol": "rpc-v2-cbor",
      ...queryCompatibleHeaders(error),
    },
    body: encodeCbor({ __type: typeOf(error), ...document }),
  };
}

function restJsonError(error: WireError): HttpResponse {
  const { shape, members } = error;
  const write =
    shape && compiled(shape, "write json error", () => membersWriter(REST_JSON, bindingsOf(shape, "response").body));
  const headers = shape ? headersOf(shape, members) : {};
  return {
    status: error.status,
    headers: { ...headers, "content-type": "application/json", "x-amzn-errortype": error.name },
    body: JSON.stringify(withMessage(write ? (write(members) as object) : members, error.message)),
  };
}

function rpcJsonError(error: WireError): HttpResponse {
  const { shape, members } = error;
  const document = shape ? (valueWriter(RPC_JSON, shape)(members) as object) : members;
  return {
    status: error.status,
    headers: { "content-type": rpcContentType(error.protocol), ...queryCompatibleHeaders(error) },
    body: JSON.stringify({ __type: typeOf(error), ...withMessage(document, error.message) }),
  };
}

/** Some shapes have no message, but clients show one; where there is none, AWS sends none. */
function withMessage(document: object, message: string): object {
  return !message || "message" in document || "Message" in document ? document : { ...document, message };
}

/** DynamoDB writes its own namespace and those of its frameworks; clients read what follows the `#`. */
function typeOf(error: WireError): string {
  const { model, shape, name } = error;
  if (model?.name === "dynamodb") {
    if (shape) return `com.amazonaws.dynamodb.v20120810#${name}`;
    if (name === "ValidationException") return `com.amazon.coral.validate#${name}`;
    return `com.amazon.coral.service#${name}`;
  }
  return shape && model && error.protocol !== "awsJson1_1" ? `${model.namespace}#${name}` : name;
}
