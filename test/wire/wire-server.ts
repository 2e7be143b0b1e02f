import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AwsError } from "../../src/kernel/aws-error.ts";
import type { Protocol } from "../../src/aws/model-pack.ts";
import type { ModelRegistry, ServiceModel } from "../../src/aws/model.ts";
import {
  decodeRequest,
  encodeError,
  encodeResponse,
  validateInput,
  type HttpRequest,
  type HttpResponse,
} from "../../src/aws/protocol/index.ts";
import { decodedBody } from "../../src/aws/request-body.ts";
import { likelyProtocol, routeOperation, type OperationRoute } from "../../src/aws/route-operation.ts";
import { parseSignature, verifySignature, type Signature, type VerifiedSignature } from "../../src/aws/sigv4.ts";
import type { SignedRequest } from "../../src/aws/sigv4-canonical.ts";
import { missingSignature } from "../../src/aws/sigv4-errors.ts";

/** Keys that the test server knows. */
export const ACCESS_KEY = "AKIDEXAMPLE";
export const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

export interface WireCall {
  readonly route: OperationRoute;
  readonly input: Record<string, unknown>;
}

export interface WireServerOptions {
  readonly models: ModelRegistry;
  /** What every operation does. */
  readonly handler: (call: WireCall) => unknown;
  /** Check constraints too; off where inputs are random. */
  readonly validate?: boolean;
}

/** The wire alone, behind a real HTTP server: routing, signatures, decoding and encoding, without services. */
export async function startWireServer(options: WireServerOptions): Promise<{ server: Server; endpoint: string }> {
  const server = createServer((request, response) => void answer(options, request, response));
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    response.writeContinue();
    void answer(options, request, response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function answer(options: WireServerOptions, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const state: { model?: ServiceModel | undefined; protocol: Protocol } = { protocol: "restJson1" };
  let result: HttpResponse;
  try {
    result = await perform(options, incoming, state);
  } catch (error) {
    if (!(error instanceof AwsError)) process.stderr.write(`${String((error as Error).stack)}\n`);
    result = encodeError(state.model, state.protocol, error, "request-1", { method: incoming.method! });
  }
  await send(response, result);
  incoming.resume();
}

async function perform(
  options: WireServerOptions,
  incoming: IncomingMessage,
  state: { model?: ServiceModel | undefined; protocol: Protocol },
): Promise<HttpResponse> {
  const { rawBody, request, setSignature } = toRequest(incoming);
  state.protocol = likelyProtocol(request);
  const signature = parseSignature(signedPart(request, incoming), state.protocol);
  const route = await routeOperation(options.models, request, { signingName: signature?.service });
  state.model = route.model;
  state.protocol = route.protocol;
  if (!route.found) throw route.error;
  await authenticate(route, request, incoming, signature, rawBody, setSignature);
  const input = await decodeRequest(route, request);
  if (options.validate) validateInput(route.model, route.operation, input);
  const output = await options.handler({ route, input });
  return encodeResponse(route, output as Record<string, unknown>, "request-1");
}

async function authenticate(
  route: OperationRoute,
  request: HttpRequest,
  incoming: IncomingMessage,
  signature: Signature | undefined,
  body: () => Promise<Buffer>,
  setSignature: (verified: VerifiedSignature) => void,
): Promise<void> {
  const { protocol, model } = route;
  if (!signature) {
    if (route.operation.unsigned) return;
    throw missingSignature({ protocol, service: model.signingName });
  }
  const verified = await verifySignature(signedPart(request, incoming), signature, {
    secretFor: async (id) => (id === ACCESS_KEY ? { secret: SECRET } : undefined),
    now: Date.now(),
    protocol,
    signingName: model.signingName,
    body,
  });
  setSignature(verified);
}

function signedPart({ method, path, rawQuery, headers }: HttpRequest, { rawHeaders }: IncomingMessage): SignedRequest {
  return { method, path, rawQuery, headers, rawHeaders };
}

function toRequest(incoming: IncomingMessage): {
  request: HttpRequest;
  rawBody: () => Promise<Buffer>;
  setSignature: (verified: VerifiedSignature) => void;
} {
  const [path = "", rawQuery = ""] = split(incoming.url!);
  let signature: VerifiedSignature | undefined;
  let raw: Promise<Buffer> | undefined;
  let decoded: Readable | undefined;
  const rawBody = (): Promise<Buffer> => (raw ??= collect(incoming));
  // A body that the signature covers has been read already.
  const source = (): Readable => (raw ? Readable.from(once(raw)) : incoming);
  const stream = (): Readable => (decoded ??= decodedBody(incoming.headers, source(), signature).stream);
  const request: HttpRequest = {
    method: incoming.method!,
    path,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    headers: incoming.headers,
    body: () => (signature?.service === "s3" ? collect(stream()) : rawBody()),
    get stream() {
      return stream();
    },
  };
  return { request, rawBody, setSignature: (verified) => void (signature = verified) };
}

function split(url: string): string[] {
  const mark = url.indexOf("?");
  return mark < 0 ? [url] : [url.slice(0, mark), url.slice(mark + 1)];
}

async function* once(bytes: Promise<Buffer>): AsyncGenerator<Buffer> {
  yield await bytes;
}

async function collect(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function send(response: ServerResponse, { status, headers, body }: HttpResponse): Promise<void> {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    response.writeHead(status, headers).end(body);
    return;
  }
  response.writeHead(status, headers);
  await pipeline(body instanceof Readable ? body : Readable.from(body, { objectMode: false }), response).catch(
    () => undefined,
  );
}
