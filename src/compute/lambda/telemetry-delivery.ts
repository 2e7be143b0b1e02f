import { request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import type { Destination, SubscriptionRequest } from "./telemetry-subscription.ts";

const DELIVERY_MS = 5_000;
/** What may wait for a subscriber that is slow or away, as a multiple of one of its batches. */
const MAX_WAITING = 2;
const FELL_BEHIND = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.";

export interface DeliveryParts {
  readonly connect: (port: number) => Promise<Socket>;
  readonly now: () => number;
}

/** Batches the events of one subscriber and brings them to it; what it does not take in time is dropped and counted. */
export class TelemetryDelivery {
  readonly #request: SubscriptionRequest;
  readonly #parts: DeliveryParts;
  #events: string[] = [];
  #bytes = 0;
  #droppedRecords = 0;
  #droppedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  /** The last batch did not get there: the next attempt comes by time only. */
  #isAway = false;
  #closed = false;

  constructor(request: SubscriptionRequest, parts: DeliveryParts) {
    this.#request = request;
    this.#parts = parts;
  }

  add(event: string): void {
    if (this.#closed) return;
    const { maxItems, maxBytes, timeoutMs } = this.#request;
    if (this.#events.length >= maxItems * MAX_WAITING || this.#bytes + event.length > maxBytes * MAX_WAITING) {
      this.#droppedRecords++;
      this.#droppedBytes += event.length;
      return;
    }
    this.#events.push(event);
    this.#bytes += event.length;
    const isFull = this.#events.length >= maxItems || this.#bytes >= maxBytes;
    if (isFull && !this.#isAway) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), timeoutMs);
  }

  /** Sends what waits, unless something is on its way. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#events.length === 0) return this.#sending ?? Promise.resolve();
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
      if (this.#events.length > 0 && !this.#closed)
        this.#timer ??= setTimeout(() => void this.flush(), this.#request.timeoutMs);
    });
    return this.#sending;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#events = [];
  }

  async #send(): Promise<void> {
    const batch = this.#events.slice(0, this.#request.maxItems);
    const dropped = this.#takeDropped();
    try {
      await deliver(this.#request.destination, dropped ? [dropped.event, ...batch] : batch, this.#parts);
      this.#isAway = false;
    } catch {
      this.#isAway = true;
      // It stays for the next time; room for more there is only so much.
      this.#droppedRecords += dropped?.records ?? 0;
      this.#droppedBytes += dropped?.bytes ?? 0;
      return;
    }
    this.#events.splice(0, batch.length);
    for (const event of batch) this.#bytes -= event.length;
  }

  #takeDropped(): { event: string; records: number; bytes: number } | undefined {
    const [records, bytes] = [this.#droppedRecords, this.#droppedBytes];
    if (records === 0) return undefined;
    this.#droppedRecords = 0;
    this.#droppedBytes = 0;
    const record = { droppedRecords: records, droppedBytes: bytes, reason: FELL_BEHIND };
    const time = new Date(this.#parts.now()).toISOString();
    return { event: JSON.stringify({ time, type: "platform.logsDropped", record }), records, bytes };
  }
}

async function deliver(destination: Destination, events: readonly string[], parts: DeliveryParts): Promise<void> {
  const socket = await parts.connect(destination.port);
  if (destination.protocol === "TCP") return sendLines(socket, events);
  const { port, path, method } = destination;
  await new Promise<void>((resolve, reject) => {
    const request = httpRequest(
      {
        createConnection: () => socket,
        host: "sandbox.localdomain",
        port,
        path,
        method,
        headers: { "content-type": "application/json", connection: "close" },
        timeout: DELIVERY_MS,
      },
      (response) => {
        response.resume();
        const { statusCode = 500 } = response;
        if (statusCode < 300) resolve();
        else reject(new Error(`the subscriber answered ${statusCode}`));
        response.on("end", () => socket.destroy()).on("error", () => undefined);
      },
    );
    const timer = setTimeout(() => request.destroy(new Error("the subscriber does not answer")), DELIVERY_MS);
    request.on("close", () => clearTimeout(timer));
    request.on("error", reject);
    request.end(`[${events.join(",")}]`);
  });
}

function sendLines(socket: Socket, events: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error("the subscriber does not read")), DELIVERY_MS);
    socket.on("error", reject);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.resume();
    socket.end(`${events.join("\n")}\n`, () => socket.destroySoon());
  });
}
