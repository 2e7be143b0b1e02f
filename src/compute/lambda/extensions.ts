import type { IncomingMessage, ServerResponse } from "node:http";
import type { Invocation } from "./channel.ts";
import type { FunctionVersion } from "./function-version.ts";
import { accepted, readBody, refuse, type ApiPart } from "./sandbox-api.ts";

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_EXTENSIONS = 10;
const MAX_BODY = 256 * 1024;
const MAX_NAME = 128;
/** The shell's way to say that a program could not be run at all. */
const CANNOT_RUN: Readonly<Record<number, string>> = { 126: "PermissionDenied", 127: "UnknownError" };

type EventType = "INVOKE" | "SHUTDOWN";
export type ShutdownReason = "spindown" | "timeout" | "failure";

interface Extension {
  readonly id: string;
  readonly name: string;
  readonly isExternal: boolean;
  readonly events: readonly EventType[];
  /** It has asked for an event at least once: its own init is over. */
  isReady: boolean;
  /** An event was handed to it, and it has not asked for the next. */
  isBusy: boolean;
  /** Its request for the next event, which waits. */
  asking?: ServerResponse | undefined;
  /** The end is to be told when it next asks. */
  shutdown?: object;
  errorType?: string;
}

/** Why an environment with extensions must end. */
export interface ExtensionFailure {
  readonly errorType: string;
  readonly message: string;
}

/** What became of an extension in the init phase. */
export interface ExtensionState {
  readonly name: string;
  readonly state: string;
  readonly events: readonly string[];
  readonly errorType?: string | undefined;
}

export interface ExtensionsParts {
  readonly version: FunctionVersion;
  /** Names of external extensions, in the order in which they are started. */
  readonly external: readonly string[];
  readonly newId: () => string;
  /** All external extensions have registered. */
  readonly onRegistered: () => void;
}

/**
 * The Extensions API of one environment, and the state of its extensions.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
 */
export class Extensions implements ApiPart {
  readonly prefix = "/2020-01-01/extension/";
  /** Settles with the first extension that fails. */
  readonly failed: Promise<ExtensionFailure>;
  readonly #failed = Promise.withResolvers<ExtensionFailure>();
  readonly #parts: ExtensionsParts;
  readonly #all = new Map<string, Extension>();
  /** External ones whose process has ended, with its status. */
  readonly #ended = new Map<string, number>();
  readonly #waiting = new Set<{ isOver: () => boolean; resolve: () => void }>();
  #initOver = false;
  #stopping = false;

  constructor(parts: ExtensionsParts) {
    this.#parts = parts;
    this.failed = this.#failed.promise;
  }

  /** There are none, so that nothing waits for any. */
  get isEmpty(): boolean {
    return this.#all.size === 0 && this.#parts.external.length === 0;
  }

  get hasExternal(): boolean {
    return this.#parts.external.length > 0;
  }

  get hasInternal(): boolean {
    return [...this.#all.values()].some((extension) => !extension.isExternal);
  }

  /** Resolves when each is registered and has asked for its first event. */
  ready(): Promise<void> {
    const { external } = this.#parts;
    return this.#until(
      () =>
        external.every((name) => this.#named(name)) && [...this.#all.values()].every((extension) => extension.isReady),
    );
  }

  /** Ends the time in which extensions may register; answers what became of each. */
  endInit(): ExtensionState[] {
    this.#initOver = true;
    const missing = this.#parts.external.filter((name) => !this.#named(name));
    return [
      ...[...this.#all.values()].map(({ name, events, isReady, errorType }) => {
        return { name, events, errorType, state: errorType ? "Failed" : isReady ? "Ready" : "Registered" };
      }),
      ...missing.map((name) => {
        const status = this.#ended.get(name);
        if (status === undefined) return { name, events: [], state: "Started" };
        return { name, events: [], state: "LaunchError", errorType: CANNOT_RUN[status] ?? "Extension.Crash" };
      }),
    ];
  }

  /** Tells those who want to know of a call. */
  invoke({ id, deadline, arn, traceId }: Invocation): void {
    const event = {
      eventType: "INVOKE",
      deadlineMs: deadline,
      requestId: id,
      invokedFunctionArn: arn,
      tracing: { type: "X-Amzn-Trace-Id", value: traceId },
    };
    for (const extension of this.#all.values()) if (extension.events.includes("INVOKE")) this.#tell(extension, event);
  }

  /** Resolves when each that was told of the call has asked for its next event; at once where that is so. */
  idle(): Promise<void> | undefined {
    const isOver = (): boolean => [...this.#all.values()].every((extension) => !extension.isBusy);
    return isOver() ? undefined : this.#until(isOver);
  }

  /** Tells those who want to know that the environment ends; resolves when the processes of all external ones have ended. */
  async shutDown(shutdownReason: ShutdownReason, deadlineMs: number): Promise<void> {
    const told = { eventType: "SHUTDOWN", shutdownReason, deadlineMs };
    const waitsFor: string[] = [];
    for (const extension of this.#all.values()) {
      if (!extension.isExternal || !extension.events.includes("SHUTDOWN")) continue;
      waitsFor.push(extension.name);
      extension.shutdown = told;
      if (extension.asking) this.#tell(extension, told);
    }
    await this.#until(() => waitsFor.every((name) => this.#ended.has(name)));
  }

  /** From now on processes may end. */
  expectEnds(): void {
    this.#stopping = true;
  }

  /** The process of an external extension has ended. */
  onProcessEnd(name: string, status: number): void {
    this.#ended.set(name, status);
    const isKnown = this.#named(name) !== undefined;
    const message =
      !isKnown && CANNOT_RUN[status]
        ? `fork/exec /opt/extensions/${name}: it cannot be run`
        : status > 128
          ? `signal: ${status === 137 ? "killed" : status - 128}`
          : `exit status ${status}`;
    const errorType = !isKnown && CANNOT_RUN[status] ? "Extension.LaunchError" : "Extension.Crash";
    this.#fail(name, { errorType, message });
    this.#look();
  }

  async serve(request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> {
    if (rest === "register" && request.method === "POST") return this.#register(request, response);
    if (rest === "event/next" && request.method === "GET") return this.#next(request, response);
    const kind = /^(init|exit)\/error$/.exec(rest)?.[1];
    if (kind && request.method === "POST") return this.#report(request, response);
    if (kind || rest === "register" || rest === "event/next")
      return refuse(response, 405, "MethodNotAllowed", "This path takes another method.");
    refuse(response, 404, "NotFound", "There is no such path.");
  }

  async #register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, MAX_BODY);
    const name = request.headers["lambda-extension-name"];
    if (typeof name !== "string" || name === "" || name.length > MAX_NAME)
      return refuse(response, 403, "Extension.InvalidExtensionName", "Invalid extension name");
    if (this.#initOver)
      return refuse(response, 403, "Extension.RegistrationClosed", "Extension registration closed already");
    if (this.#named(name))
      return refuse(response, 403, "Extension.AlreadyRegistered", `Extension ${name} is registered already`);
    if (this.#all.size >= MAX_EXTENSIONS)
      return refuse(response, 403, "Extension.TooManyExtensions", "Extension limit (10) reached");
    const events = eventsOf(body);
    if (!events) return refuse(response, 400, "InvalidRequestFormat", "Invalid request format");
    const isExternal = this.#parts.external.includes(name);
    for (const event of events) {
      if (event === "SHUTDOWN" && !isExternal) {
        const type = "ShutdownEventNotSupportedForInternalExtension";
        return refuse(response, 403, type, "SHUTDOWN event not supported for internal extensions");
      }
      if (event !== "INVOKE" && event !== "SHUTDOWN")
        return refuse(response, 403, "Extension.InvalidEventType", `${event.slice(0, 64)}: Invalid event type`);
    }
    const id = this.#parts.newId();
    this.#all.set(id, { id, name, isExternal, events: events as EventType[], isReady: false, isBusy: false });
    const { version } = this.#parts;
    const features = String(request.headers["lambda-extension-accept-feature"] ?? "").split(",");
    answer(
      response,
      {
        functionName: version.name,
        functionVersion: version.version,
        handler: version.handler,
        ...(features.some((feature) => feature.trim() === "accountId") ? { accountId: version.account } : {}),
      },
      { "lambda-extension-identifier": id },
    );
    if (isExternal && this.#parts.external.every((one) => this.#named(one))) this.#parts.onRegistered();
  }

  #next(request: IncomingMessage, response: ServerResponse): void {
    const extension = this.identify(request, response);
    if (!extension) return;
    extension.asking?.destroy(); // one that asks twice has given up the first
    extension.asking = response;
    response.once("close", () => {
      if (extension.asking === response) extension.asking = undefined;
    });
    extension.isReady = true;
    extension.isBusy = false;
    if (extension.shutdown) this.#tell(extension, extension.shutdown);
    this.#look();
  }

  async #report(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await readBody(request, MAX_BODY);
    const extension = this.identify(request, response);
    if (!extension) return;
    const errorType = request.headers["lambda-extension-function-error-type"];
    if (typeof errorType !== "string" || errorType === "")
      return refuse(response, 403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found");
    extension.errorType = errorType.slice(0, 200);
    accepted(response);
    this.#fail(extension.name, { errorType: extension.errorType, message: `Extension ${extension.name} failed` });
  }

  /** The extension that a request comes from; where there is none the request is refused. */
  identify(request: IncomingMessage, response: ServerResponse): Extension | undefined {
    const id = request.headers["lambda-extension-identifier"];
    if (typeof id !== "string" || id === "") {
      refuse(response, 403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header");
      return undefined;
    }
    const extension = this.#all.get(id);
    if (!extension) refuse(response, 403, "Extension.UnknownExtensionIdentifier", "Unknown extension identifier");
    return extension;
  }

  #named(name: string): Extension | undefined {
    for (const extension of this.#all.values()) if (extension.name === name) return extension;
    return undefined;
  }

  #fail(name: string, failure: ExtensionFailure): void {
    if (this.#stopping) return;
    const extension = this.#named(name);
    if (extension) extension.errorType ??= failure.errorType;
    this.#failed.resolve(failure);
  }

  #tell(extension: Extension, event: object): void {
    extension.isBusy = true;
    const { asking } = extension;
    if (!asking) return;
    extension.asking = undefined;
    answer(asking, event, { "lambda-extension-event-identifier": this.#parts.newId() });
  }

  #until(isOver: () => boolean): Promise<void> {
    if (isOver()) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.add({ isOver, resolve }));
  }

  #look(): void {
    for (const one of this.#waiting) {
      if (!one.isOver()) continue;
      this.#waiting.delete(one);
      one.resolve();
    }
  }
}

/** Lambda's log line about an extension. */
export function extensionLine({ name, events, state, errorType }: ExtensionState): string {
  return `EXTENSION\tName: ${name}\tState: ${state}\tEvents: [${events.join(", ")}]${errorType ? `\tError Type: ${errorType}` : ""}\n`;
}

function answer(response: ServerResponse, body: object, headers: Record<string, string>): void {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** The events that a registration asks for; undefined where it cannot be read. */
function eventsOf(body: Buffer | undefined): string[] | undefined {
  if (!body) return undefined;
  if (body.length === 0) return [];
  try {
    const { events = [] } = JSON.parse(body.toString("utf8")) as { events?: unknown };
    if (!Array.isArray(events) || events.length > 16 || !events.every((event) => typeof event === "string"))
      return undefined;
    return [...new Set(events as string[])];
  } catch {
    return undefined;
  }
}
