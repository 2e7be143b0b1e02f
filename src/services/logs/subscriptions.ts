import { gzipSync } from "node:zlib";
import type { Context } from "../../aws/context.ts";
import type { QueueWorker } from "../../aws/service.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Statement } from "../../ports/database.ts";
import type { StoredLogEvent } from "../../ports/telemetry.ts";
import type { SubscriptionFilter } from "./filter-model.ts";
import { eventId, groupArn } from "./model.ts";

const SHIPMENTS = "logs-subscription";
/** A function's asynchronous input holds a quarter of a megabyte; base64 makes a third more of what gzip makes. */
const MAX_BYTES = 150_000;

/** Events on their way to a subscription's function. */
interface Shipment {
  readonly group: string;
  readonly stream: string;
  readonly filter: string;
  readonly destination: string;
  readonly events: readonly { id: string; timestamp: number; message: string }[];
}

/** The statements that bring matching events to the filter's destination. */
export function shipments(
  ctx: Context<any>,
  {
    group,
    stream,
    filter,
    events,
  }: { group: string; stream: string; filter: SubscriptionFilter; events: readonly StoredLogEvent[] },
): Statement[] {
  const statements: Statement[] = [];
  let batch: Shipment["events"][number][] = [];
  let bytes = 0;
  const send = (): void => {
    if (batch.length === 0) return;
    const shipment: Shipment = { group, stream, filter: filter.name, destination: filter.destination, events: batch };
    statements.push(...ctx.enqueue(SHIPMENTS, shipment));
    [batch, bytes] = [[], 0];
  };
  for (const event of events) {
    const size = Buffer.byteLength(event.message) + 100;
    if (bytes + size > MAX_BYTES) send();
    batch.push({ id: eventId(event), timestamp: event.timestamp, message: event.message });
    bytes += size;
  }
  send();
  return statements;
}

/** Calls the function of a subscription: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html */
export const subscriptionWorker: QueueWorker<any> = {
  topic: SHIPMENTS,
  concurrency: 8,
  leaseMs: 60_000,
  maxAttempts: 20,
  async run(ctx, body) {
    const shipment = body as Shipment;
    const data = {
      messageType: "DATA_MESSAGE",
      owner: ctx.account,
      logGroup: shipment.group,
      logStream: shipment.stream,
      subscriptionFilters: [shipment.filter],
      logEvents: shipment.events,
    };
    const packed = gzipSync(Buffer.from(JSON.stringify(data))).toString("base64");
    try {
      await invoke(ctx, shipment.group, shipment.destination, "Event", JSON.stringify({ awslogs: { data: packed } }));
    } catch (error) {
      // What the user's own settings refuse is not tried again: the events are in the group.
      if (!(error instanceof AwsError) || error.status >= 500 || /TooMany|Throttl/.test(error.code)) throw error;
      ctx.platform.log.warn("a subscription's function could not be called", {
        group: shipment.group,
        function: shipment.destination,
        code: error.code,
      });
    }
  },
};

/** Calls a function as the log group. */
export async function invoke(
  ctx: Context<any>,
  group: string,
  FunctionName: string,
  InvocationType: "Event" | "DryRun",
  Payload: string,
): Promise<void> {
  const caller = ctx.asService(`${groupArn(ctx.region, ctx.account, group)}:*`);
  await caller.call("lambda", "Invoke", { FunctionName, InvocationType, Payload });
}
