import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { Readable as ReadableStream } from "node:stream";
import { authenticate } from "../aws/authenticate.ts";
import { createContext, type HttpFacts } from "../aws/context.ts";
import { dispatch } from "../aws/dispatch.ts";
import type { Protocol } from "../aws/model-pack.ts";
import type { ServiceModel } from "../aws/model.ts";
import {
  decodeRequest,
  encodeError,
  encodeResponse,
  type HttpRequest,
  type HttpResponse,
} from "../aws/protocol/index.ts";
import { decodedBody } from "../aws/request-body.ts";
import { likelyProtocol, routeOperation, type OperationRoute } from "../aws/route-operation.ts";
import { missingSignature } from "../aws/sigv4-errors.ts";
import { parseSignature, type VerifiedSignature } from "../aws/sigv4.ts";
import { leaveUnread } from "../aws/unread-body.ts";
import { AwsError } from "../kernel/aws-error.ts";
import { sendStream } from "../kernel/send-stream.ts";
import type { Exchange, Gateway } from "./gateway.ts";
import { spelled } from "./header-case.ts";
import { wireRequest } from "./request.ts";
import { httpFacts } from "./routes.ts";

/** Longest content that is copied to be sent in one piece with its head. */
const MAX_TOGETHER = 16 * 1024;

/** Serves a call of an AWS API. */
export async function serveApi(gateway: Gateway, exchange: Exchange): Promise<boolean> {
  const { request, response, requestId, head } = exchange;
  let continued = !exchange.expectsContinue;
  const reading: Reading = { isS3: false, checksumsOfObject: false };
  const body = (): Readable => {
    const stream = reading.isS3
      ? decodedBody(request.headers, request, reading.signature, { checksumsOfObject: reading.checksumsOfObject })
          .stream
      : request;
    if (!continued) continueWhenRead(stream, response);
    continued = true;
    return stream;
  };
  const call: ApiCall = {
    wire: wireRequest(head, request, body),
    requestId,
    http: httpFacts(request.headers, exchange),
    closed: () => whileConnected(response),
    reading,
  };
  // Where the client went away with its body half sent, nobody reads an answer.
  const isGone = (): boolean => request.destroyed && !request.complete;
  const made = await answerApi(gateway, call, isGone);
  try {
    if (!isGone() || !made.failed) await send(exchange, made.answer, made);
  } catch (error) {
    if (isGone()) return true;
    if (!(error instanceof AwsError)) logFailure(gateway, call, undefined, error);
    if (response.headersSent) response.destroy();
    else await send(exchange, encodeError(undefined, likelyProtocol(call.wire), error, requestId, head), made);
  }
  return true;
}

/** What is found out of a call on its way, and says how its body is to be read. */
interface Reading {
  isS3: boolean;
  checksumsOfObject: boolean;
  signature?: VerifiedSignature | undefined;
}

/** A call of an AWS API, whatever server received it. */
export interface ApiCall {
  readonly wire: HttpRequest;
  readonly requestId: string;
  readonly http: HttpFacts;
  /** Aborts when the client goes away before its answer is sent; asked for by calls that wait. */
  closed(): AbortSignal;
  readonly reading: Reading;
}

interface Answered {
  readonly answer: HttpResponse;
  /** What the service adds to the headers of the answer, whatever that is. */
  readonly also: Readonly<Record<string, string>>;
  readonly isS3: boolean;
  readonly failed: boolean;
}

/** Answers a call: route, authenticate, decode, dispatch (validate, authorize, run), encode. */
export async function answerApi(gateway: Gateway, call: ApiCall, isGone: () => boolean): Promise<Answered> {
  const { wire, requestId, reading } = call;
  const also: Record<string, string> = {};
  let model: ServiceModel | undefined;
  let protocol: Protocol = likelyProtocol(wire);
  try {
    const claimed = parseSignature(wire, protocol);
    const route = await routeOperation(gateway.registry.models, wire, {
      signingName: claimed?.service,
      publicHost: gateway.publicHost,
    });
    ({ model, protocol } = route);
    if (!route.found) throw route.error;
    reading.isS3 = route.model.name === "s3";
    reading.checksumsOfObject = route.operation.name === "CompleteMultipartUpload";
    const who = await authenticate(gateway.platform, wire, {
      protocol,
      signingName: route.model.signingName,
      body: wire.body,
      keys: gateway.keys,
      claimed,
    });
    reading.signature = who.signature;
    // S3 alone serves strangers, by its policies and ACLs; elsewhere an unsigned call is answered as AWS answers it.
    if (!who.signature && !reading.isS3 && !route.operation.unsigned)
      throw missingSignature({ protocol, service: route.model.signingName });
    const output = await callOperation(gateway, call, { route, who, also });
    const answer = encodeResponse(route, output as Record<string, unknown>, requestId);
    return { answer, also, isS3: reading.isS3, failed: false };
  } catch (error) {
    if (!(error instanceof AwsError) && !isGone()) logFailure(gateway, call, model, error);
    const answer = encodeError(model, protocol, error, requestId, { method: wire.method });
    return { answer, also, isS3: reading.isS3, failed: true };
  }
}

/** A client that waits for `100 Continue` is told so by the first reading of its body: a refusal comes before. */
function continueWhenRead(stream: Readable, response: ServerResponse): void {
  const read = stream._read;
  stream._read = function (size) {
    stream._read = read;
    if (!response.headersSent) response.writeContinue(); // what is read after an answer is only drained
    read.call(stream, size);
  };
}

interface Caller {
  readonly route: OperationRoute;
  readonly who: Awaited<ReturnType<typeof authenticate>>;
  readonly also: Record<string, string>;
}

async function callOperation(
  { platform, registry }: Gateway,
  { wire, requestId, http, closed }: ApiCall,
  { route, who, also }: Caller,
): Promise<object> {
  const input = await decodeRequest(route, who.signature?.presigned ? withPresignedHeaders(wire) : wire);
  let signal: AbortSignal | undefined;
  const ctx = createContext(platform, registry, {
    service: route.model.name,
    account: platform.settings.account,
    region: regionOf(who.signature?.region, platform.settings.region),
    principal: who.principal,
    requestId,
    signal: () => (signal ??= AbortSignal.any([platform.signal, closed()])),
    http,
  });
  const { answerHeaders } = registry.service(route.model.name) ?? {};
  if (answerHeaders) Object.assign(also, await answerHeaders(ctx, wire.method, input));
  return dispatch(ctx, route.operation.name, input);
}

/** Aborts when the client goes away before its answer is sent. */
function whileConnected(response: ServerResponse): AbortSignal {
  const aborted = new AbortController();
  const closed = (): void => {
    if (!response.writableFinished) aborted.abort(new Error("the client went away"));
  };
  if (response.closed) closed();
  else response.once("close", closed);
  return aborted.signal;
}

const OF_SIGNATURES =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)$/;

/** A presigned URL says in its query what a client would send as headers: metadata, an ACL, a checksum, a condition. */
function withPresignedHeaders(wire: HttpRequest): HttpRequest {
  const said = [...wire.query]
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => /^(?:x-amz-|if-(?:none-)?match$)/.test(name) && !OF_SIGNATURES.test(name));
  if (said.length === 0) return wire;
  return Object.create(wire, { headers: { value: { ...Object.fromEntries(said), ...wire.headers } } }) as HttpRequest;
}

/** Global services are signed for `aws-global` or the like by some clients. */
function regionOf(signed: string | undefined, fallback: string): string {
  return signed && /^[a-z]{2}(-[a-z]+)+-\d+$/.test(signed) ? signed : fallback;
}

async function send(
  { request, response }: Exchange,
  answer: HttpResponse,
  { also, isS3 }: { also: Readonly<Record<string, string>>; isS3: boolean },
): Promise<void> {
  const { status, body } = answer;
  const spell = isS3 ? spelled : (named: Record<string, string>) => named;
  const headers = Object.assign(answer.headers, also);
  // What the client still sends after a refusal would be taken for the next request.
  const early = !request.complete && status >= 400;
  if (early) headers["connection"] = "close";
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    if (headers["content-length"] === undefined && request.method !== "HEAD")
      headers["content-length"] = String(body === undefined ? 0 : Buffer.byteLength(body));
    if (status === 204 || status === 304) delete headers["content-length"];
    response.writeHead(status, spell(headers));
    if (!early) return void endWith(response, body);
    response.write(body ?? "");
    await leaveUnread(request);
    response.end();
    return;
  }
  response.writeHead(status, spell(headers));
  const stream = body instanceof ReadableStream ? body : ReadableStream.from(body);
  // A pipeline costs more than a small content that is all here.
  if (stream.readableLength > 0 && String(stream.readableLength) === headers["content-length"]) {
    response.end(stream.read());
    return;
  }
  await sendStream(stream, response).catch((error: unknown) => {
    response.destroy();
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  });
}

/** Small contents go as text, byte by byte, because Node sends text together with the head, and bytes apart from it. */
function endWith(response: ServerResponse, body: string | Uint8Array | undefined): void {
  if (!Buffer.isBuffer(body) || body.length > MAX_TOGETHER) response.end(body);
  else response.end(body.toString("latin1"), "latin1");
}

function logFailure(
  { platform }: Gateway,
  { wire, requestId }: ApiCall,
  model: ServiceModel | undefined,
  error: unknown,
): void {
  platform.log.error("an operation failed", {
    service: model?.name,
    method: wire.method,
    path: wire.path,
    requestId,
    error,
  });
}
