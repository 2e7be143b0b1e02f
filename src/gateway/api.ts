import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { Readable as ReadableStream } from "node:stream";
import { authenticate } from "../aws/authenticate.ts";
import { createContext } from "../aws/context.ts";
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

/** Serves a call of an AWS API: route, authenticate, decode, dispatch (validate, authorize, run), encode. */
export async function serveApi(gateway: Gateway, exchange: Exchange): Promise<boolean> {
  const { request, response, requestId, head } = exchange;
  const isS3 = { value: false, checksumsOfObject: false };
  const also: Record<string, string> = {};
  let signature: VerifiedSignature | undefined;
  let continued = !exchange.expectsContinue;
  const body = (): Readable => {
    const stream = isS3.value ? decodedBody(request.headers, request, signature, isS3).stream : request;
    if (!continued) continueWhenRead(stream, response);
    continued = true;
    return stream;
  };
  const wire = wireRequest(head, request, body);
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
    isS3.value = route.model.name === "s3";
    isS3.checksumsOfObject = route.operation.name === "CompleteMultipartUpload";
    const who = await authenticate(gateway.platform, wire, {
      protocol,
      signingName: route.model.signingName,
      body: wire.body,
      keys: gateway.keys,
      claimed,
    });
    signature = who.signature;
    // S3 alone serves strangers, by its policies and ACLs; elsewhere an unsigned call is answered as AWS answers it.
    if (!signature && !isS3.value && !route.operation.unsigned)
      throw missingSignature({ protocol, service: route.model.signingName });
    const output = await callOperation(gateway, exchange, { route, wire, who, also });
    await send(exchange, encodeResponse(route, output as Record<string, unknown>, requestId), {
      also,
      isS3: isS3.value,
    });
  } catch (error) {
    if (request.destroyed && !request.complete) return true; // the client went away with its body half sent: nobody reads an answer
    if (!(error instanceof AwsError)) logFailure(gateway, exchange, model, error);
    if (response.headersSent) response.destroy();
    else {
      const answer = encodeError(model, protocol, error, requestId, { method: head.method });
      await send(exchange, answer, { also, isS3: isS3.value });
    }
  }
  return true;
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

interface Call {
  readonly route: OperationRoute;
  readonly wire: HttpRequest;
  readonly who: Awaited<ReturnType<typeof authenticate>>;
  /** Filled with what the service adds to the headers of the answer, whatever that is. */
  readonly also: Record<string, string>;
}

async function callOperation(
  { platform, registry }: Gateway,
  exchange: Exchange,
  { route, wire, who, also }: Call,
): Promise<object> {
  const input = await decodeRequest(route, who.signature?.presigned ? withPresignedHeaders(wire) : wire);
  let signal: AbortSignal | undefined;
  const ctx = createContext(platform, registry, {
    service: route.model.name,
    account: platform.settings.account,
    region: regionOf(who.signature?.region, platform.settings.region),
    principal: who.principal,
    requestId: exchange.requestId,
    signal: () => (signal ??= AbortSignal.any([platform.signal, whileConnected(exchange.response)])),
    http: httpFacts(exchange),
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
  { head, requestId }: Exchange,
  model: ServiceModel | undefined,
  error: unknown,
): void {
  platform.log.error("an operation failed", {
    service: model?.name,
    method: head.method,
    path: head.path,
    requestId,
    error,
  });
}
