import { DEDUPLICATION_MS } from "./limits.ts";
import type { Ctx, Queue } from "./model.ts";
import { messagesOf, type Message } from "./store.ts";

/** No deduplication id begins so: in those of groups one line break follows the group's name. */
const keyOf = (attempt: string): string => `receive\n\n${attempt}`;

/** What a call with an attempt's id was given: so many messages under one receipt, all hidden until then. */
interface Given {
  readonly receipt: string;
  readonly count: number;
  readonly until: number;
}

/**
 * The messages that an earlier call with this attempt's id was given, hidden anew: for callers that did not get the answer.
 * Undefined where there was none in the last five minutes, or one of them is deleted, visible again or hidden otherwise since.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
 */
export async function receivedAgain(
  ctx: Ctx,
  queue: Queue,
  attempt: string,
  visibilityMs: number,
): Promise<Message[] | undefined> {
  const { database } = ctx.platform;
  const now = ctx.now();
  const stored = await database.first<{ message: string }>({
    sql: "select message from sqs_seen where queue = ? and key = ? and expires_at > ?",
    parameters: [queue.uid, keyOf(attempt), now],
  });
  if (!stored) return undefined;
  const { receipt, count, until } = JSON.parse(stored.message) as Given;
  const unchanged = await database.first<{ count: number }>({
    sql: "select count(*) as count from sqs_message where queue = ? and receipt = ? and visible_at = ?",
    parameters: [queue.uid, receipt, until],
  });
  if (unchanged?.count !== count || until <= now) return undefined;
  const messages = await messagesOf(ctx, receipt);
  await database.write([
    {
      sql: "update sqs_message set visible_at = ?, received_at = ? where queue = ? and receipt = ? and visible_at = ?",
      parameters: [now + visibilityMs, now, queue.uid, receipt, until],
    },
    remembering(ctx, queue, attempt, { receipt, count, until: now + visibilityMs }),
  ]);
  return messages;
}

/** Keeps what a call was given under its attempt's id. */
export async function rememberAttempt(
  ctx: Ctx,
  queue: Queue,
  attempt: string,
  messages: readonly Message[],
): Promise<void> {
  const receipt = messages[0]?.receipt;
  if (!receipt) return;
  const row = await ctx.platform.database.first<{ until: number }>({
    sql: "select min(visible_at) as until from sqs_message where queue = ? and receipt = ?",
    parameters: [queue.uid, receipt],
  });
  const given = { receipt, count: messages.length, until: row?.until ?? 0 };
  await ctx.platform.database.write([remembering(ctx, queue, attempt, given)]);
}

const remembering = (ctx: Ctx, queue: Queue, attempt: string, given: Given) => ({
  sql: `insert into sqs_seen (queue, key, id, message, expires_at) values (?, ?, 0, ?, ?)
    on conflict (queue, key) do update set message = excluded.message, expires_at = excluded.expires_at`,
  parameters: [queue.uid, keyOf(attempt), JSON.stringify(given), ctx.now() + DEDUPLICATION_MS],
});
