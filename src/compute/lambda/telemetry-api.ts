import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody, refuse, type ApiPart } from "./sandbox-api.ts";
import { TelemetryDelivery, type DeliveryParts } from "./telemetry-delivery.ts";
import { readSubscription, type TelemetryType } from "./telemetry-subscription.ts";

const MAX_BODY = 64 * 1024;
/** What is kept of the init phase for those who subscribe in it. */
const MAX_BACKLOG = 1_000;
const MAX_BACKLOG_BYTES = 1024 * 1024;

/** The two APIs by which extensions subscribe; the older knows no events of the init phase. */
const APIS = [
  {
    prefix: "/2022-07-01/telemetry",
    label: "TELEMETRY",
    errors: "Telemetry",
    event: "platform.telemetrySubscription",
    versions: ["2022-12-13", "2022-07-01", "2025-01-29"],
    without: ["platform.end"],
  },
  {
    prefix: "/2020-08-15/logs",
    label: "LOGS",
    errors: "Logs",
    event: "platform.logsSubscription",
    versions: ["2020-08-15", "2021-03-18"],
    without: ["platform.init"],
  },
] as const;
type Api = (typeof APIS)[number];

interface Subscriber {
  readonly api: Api;
  readonly types: readonly TelemetryType[];
  readonly delivery: TelemetryDelivery;
}

interface Event {
  readonly type: string;
  readonly text: string;
}

export interface TelemetryParts extends DeliveryParts {
  /** The extension that a request comes from; refuses the request where there is none. */
  readonly identify: (request: IncomingMessage, response: ServerResponse) => { readonly name: string } | undefined;
  /** Takes Lambda's log line about a subscription. */
  readonly onLine: (line: string) => void;
}

/**
 * The Telemetry API of one environment, and the Logs API before it: what happens goes to the extensions that subscribed.
 * https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
 */
export class Telemetry {
  readonly apis: readonly ApiPart[];
  readonly #parts: TelemetryParts;
  /** By the name of the extension. */
  readonly #subscribers = new Map<string, Subscriber>();
  #backlog: Event[] | undefined = [];
  #backlogBytes = 0;

  constructor(parts: TelemetryParts) {
    this.#parts = parts;
    this.apis = APIS.map((api) => ({
      prefix: api.prefix,
      serve: (request, response, rest) => this.#subscribe(api, request, response, rest),
    }));
  }

  /** Tells subscribers of an event. */
  record(type: string, record: unknown): void {
    if (!this.#backlog && this.#subscribers.size === 0) return;
    const text = JSON.stringify({ time: new Date(this.#parts.now()).toISOString(), type, record });
    const event = { type, text };
    for (const subscriber of this.#subscribers.values()) give(subscriber, event);
    if (!this.#backlog || this.#backlog.length >= MAX_BACKLOG) return;
    if (this.#backlogBytes + text.length > MAX_BACKLOG_BYTES) return;
    this.#backlog.push(event);
    this.#backlogBytes += text.length;
  }

  /** Nobody can subscribe any more. */
  endInit(): void {
    this.#backlog = undefined;
  }

  /** Sends what waits. */
  flush(): void {
    for (const { delivery } of this.#subscribers.values()) void delivery.flush();
  }

  close(): void {
    for (const { delivery } of this.#subscribers.values()) delivery.close();
  }

  async #subscribe(api: Api, request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> {
    const body = await readBody(request, MAX_BODY);
    if (rest !== "" && rest !== "/") return refuse(response, 404, "NotFound", "There is no such path.");
    if (request.method !== "PUT") return refuse(response, 405, "MethodNotAllowed", "This path takes PUT.");
    const extension = this.#parts.identify(request, response);
    if (!extension) return;
    if (!this.#backlog)
      return refuse(
        response,
        403,
        `${api.errors}.SubscriptionClosed`,
        "Subscriptions are taken in the init phase only",
      );
    const wanted = readSubscription(body, api.versions);
    if (typeof wanted === "string") return refuse(response, 400, "ValidationError", wanted);
    const { name } = extension;
    const { types } = wanted;
    this.#subscribers.get(name)?.delivery.close();
    const subscriber = { api, types, delivery: new TelemetryDelivery(wanted, this.#parts) };
    this.#subscribers.set(name, subscriber);
    for (const event of this.#backlog) give(subscriber, event);
    response.writeHead(200, { "content-type": "application/json" }).end('"OK"');
    const words = types.map((type) => type[0]!.toUpperCase() + type.slice(1)).join(", ");
    this.#parts.onLine(`${api.label}\tName: ${name}\tState: Subscribed\tTypes: [${words}]\n`);
    this.record(api.event, { name, state: "Subscribed", types });
  }
}

function give({ api, types, delivery }: Subscriber, { type, text }: Event): void {
  if (api.without.some((start) => type.startsWith(start))) return;
  if (types.includes(type.split(".", 1)[0] as TelemetryType)) delivery.add(text);
}
