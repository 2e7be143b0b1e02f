import type { IncomingMessage, ServerResponse } from "node:http";
import type { ChannelEvents, InitAnswer, Invocation, RuntimeAnswer, RuntimeChannel } from "./channel.ts";
import { accepted, readBody, refuse, type ApiPart } from "./sandbox-api.ts";

const MAX_ANSWER = 6 * 1024 * 1024 + 100;
const RESPONSE_MODE = "lambda-runtime-function-response-mode";

/**
 * The Lambda Runtime API on 127.0.0.1:9001 inside the sandbox, for `provided` runtimes and other people's clients.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export class RuntimeApiChannel implements RuntimeChannel, ApiPart {
  readonly prefix = "/2018-06-01/runtime/";
  readonly initialized: Promise<InitAnswer>;
  readonly #init = Promise.withResolvers<InitAnswer>();
  #waiting: ServerResponse | undefined;
  #next: Invocation | undefined;
  #current: string | undefined;
  /** The caller of the event under way takes the answer as it comes, whatever the runtime says of it. */
  #isStreamed = false;
  #events: ChannelEvents | undefined;
  /** The request that brings a streamed answer. */
  #streaming: IncomingMessage | undefined;

  constructor() {
    this.initialized = this.#init.promise;
  }

  attach(events: ChannelEvents): void {
    this.#events = events;
  }

  invoke(invocation: Invocation): void {
    this.#current = invocation.id;
    this.#isStreamed = invocation.isStreamed === true;
    this.#next = invocation;
    this.#handOver();
  }

  /** A runtime asks for each event by itself: none can lie ready for it unseen. */
  ahead(): boolean {
    return false;
  }

  /** A runtime that has answered may end before it asks for the next event. */
  takeBack(): string[] {
    const unread = this.#next;
    if (!unread) return [];
    this.#next = undefined;
    this.#current = undefined;
    return [unread.id];
  }

  pause(): void {
    this.#streaming?.pause();
  }

  resume(): void {
    this.#streaming?.resume();
  }

  drain(): void {}

  close(): void {}

  async serve(request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> {
    if (request.method === "GET" && rest === "invocation/next") {
      this.#init.resolve({ ok: true });
      this.#waiting = response;
      return this.#handOver();
    }
    if (request.method !== "POST") return refuse(response, 405, "MethodNotAllowed", "This path takes POST.");
    const match = /^invocation\/([\w-]{1,64})\/(response|error)$/.exec(rest);
    if (match?.[2] === "response" && (this.#isStreamed || request.headers[RESPONSE_MODE] === "streaming"))
      return this.#stream(match[1]!, request, response);
    const body = await readBody(request, MAX_ANSWER);
    if (rest === "init/error") {
      if (!body) return refuse(response, 413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size.");
      this.#init.resolve({ ok: false, body, errorType: errorTypeOf(request, body) });
      return accepted(response);
    }
    if (!match) return refuse(response, 404, "NotFound", "There is no such path.");
    this.#settle(match[1]!, match[2]! as "response" | "error", { request, response, body });
  }

  /** Passes on what comes as it comes; an error in its midst is in the trailers. */
  #stream(id: string, request: IncomingMessage, response: ServerResponse): void {
    if (this.#current !== id || this.#next || this.#streaming)
      return refuse(response, 400, "InvalidRequestID", "Invalid request ID");
    this.#streaming = request;
    const contentType = request.headers["content-type"] ?? "application/octet-stream";
    this.#events?.onPiece(id, Buffer.alloc(0), contentType);
    request.on("data", (chunk: Buffer) => this.#events?.onPiece(id, chunk, undefined));
    request.on("end", () => {
      this.#current = undefined;
      this.#streaming = undefined;
      accepted(response);
      this.#events?.onAnswer(id, trailedAnswer(request.trailers));
    });
    // A connection that breaks leaves the call open: the time limit, or the end of the runtime, ends it.
    request.on("error", () => (this.#streaming = undefined));
  }

  #settle(
    id: string,
    kind: "response" | "error",
    { request, response, body }: { request: IncomingMessage; response: ServerResponse; body: Buffer | undefined },
  ): void {
    if (this.#current !== id || this.#next) return refuse(response, 400, "InvalidRequestID", "Invalid request ID");
    this.#current = undefined;
    if (!body) {
      const message = `Response payload size exceeded maximum allowed payload size (${MAX_ANSWER} bytes).`;
      const errorType = "Function.ResponseSizeTooLarge";
      this.#events?.onAnswer(id, {
        kind: "error",
        body: Buffer.from(JSON.stringify({ errorMessage: message, errorType })),
        errorType,
      });
      return refuse(
        response,
        413,
        "RequestEntityTooLarge",
        `Exceeded maximum allowed payload size (${MAX_ANSWER} bytes).`,
      );
    }
    accepted(response);
    this.#events?.onAnswer(id, { kind, body, ...(kind === "error" ? { errorType: errorTypeOf(request, body) } : {}) });
  }

  #handOver(): void {
    const [response, invocation] = [this.#waiting, this.#next];
    if (!response || !invocation || response.destroyed) return;
    this.#waiting = undefined;
    this.#next = undefined;
    response.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": invocation.id,
      "lambda-runtime-deadline-ms": String(invocation.deadline),
      "lambda-runtime-invoked-function-arn": invocation.arn,
      "lambda-runtime-trace-id": invocation.traceId,
      ...(invocation.clientContext ? { "lambda-runtime-client-context": invocation.clientContext } : {}),
    });
    response.end(invocation.payload);
  }
}

/** How a streamed answer ended, by the trailers behind it. */
function trailedAnswer(trailers: NodeJS.Dict<string>): RuntimeAnswer {
  const errorType = trailers["lambda-runtime-function-error-type"];
  if (errorType === undefined) return { kind: "end", body: Buffer.alloc(0) };
  const body = Buffer.from(trailers["lambda-runtime-function-error-body"] ?? "", "base64");
  return { kind: "error", body, errorType: errorType.slice(0, 200) };
}

function errorTypeOf(request: IncomingMessage, body: Buffer): string {
  const header = request.headers["lambda-runtime-function-error-type"];
  if (typeof header === "string") return header.slice(0, 200);
  try {
    return String((JSON.parse(body.toString("utf8")) as { errorType?: unknown }).errorType ?? "Unhandled");
  } catch {
    return "Unhandled";
  }
}
