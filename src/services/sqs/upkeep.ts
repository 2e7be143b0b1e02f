import { numberOf } from "./attributes.ts";
import { recordMetrics } from "./metrics.ts";
import type { Ctx, Queue } from "./model.ts";
import { QUEUE } from "./model.ts";
import { counts, expireMessages } from "./store.ts";

/** Drops what is older than its queue keeps, and what belongs to no queue; tells CloudWatch how full the queues are. */
export async function lookAfterQueues(ctx: Ctx): Promise<void> {
  const { database } = ctx.platform;
  const rows = await database.all<{ region: string; value: string }>({
    sql: "select region, value from record where service = 'sqs' and account = ? and kind = ?",
    parameters: [ctx.account, QUEUE],
  });
  const uids = new Set<string>();
  for (const { region, value } of rows) {
    if (ctx.signal.aborted) return;
    const queue = JSON.parse(value) as Queue;
    uids.add(queue.uid);
    await lookAfter(ctx.inRegion(region), queue);
  }
  // A message may have been sent in the moment in which its queue was deleted.
  const held = await database.all<{ queue: string }>({ sql: "select distinct queue from sqs_message", parameters: [] });
  const gone = held.filter(({ queue }) => !uids.has(queue));
  await database.write([
    ...gone.map(({ queue }) => ({ sql: "delete from sqs_message where queue = ?", parameters: [queue] })),
    { sql: "delete from sqs_seen where expires_at <= ?", parameters: [ctx.now()] },
  ]);
}

async function lookAfter(ctx: Ctx, queue: Queue): Promise<void> {
  const retention = numberOf(queue, "MessageRetentionPeriod");
  const now = await counts(ctx, queue, retention);
  await ctx.platform.database.write([expireMessages(queue, ctx.now() - retention * 1000)]);
  recordMetrics(ctx, queue.name, [
    ["ApproximateNumberOfMessagesVisible", now.visible],
    ["ApproximateNumberOfMessagesNotVisible", now.inFlight],
    ["ApproximateNumberOfMessagesDelayed", now.delayed],
    ["ApproximateAgeOfOldestMessage", now.oldest === null ? 0 : (ctx.now() - now.oldest) / 1000, "Seconds"],
  ]);
}
