import type { Statement } from "../../ports/database.ts";
import { DEDUPLICATION_MS } from "./limits.ts";
import { isFifo, queueArn, type Ctx, type Queue } from "./model.ts";

/** What belongs to a message besides its text. */
export interface MessageFacts {
  readonly md5: string;
  readonly attributes?: Readonly<Record<string, StoredAttribute>>;
  readonly attributesMd5?: string;
  readonly sender: string;
  readonly trace?: string;
  readonly deduplicationId?: string;
}

export interface StoredAttribute {
  readonly type: string;
  readonly text?: string;
  /** Base64. */
  readonly binary?: string;
}

/** A message as it is stored. */
export interface Message {
  readonly id: number;
  readonly message: string;
  readonly grp: string | null;
  readonly body: string;
  readonly facts: MessageFacts;
  readonly sent_at: number;
  readonly receives: number;
  readonly first_received_at: number | null;
  readonly receipt: string | null;
  /** ARN of the queue that it was moved here from. */
  readonly source: string | null;
}

export interface NewMessage extends Pick<Message, "id" | "message" | "body" | "facts" | "grp"> {
  readonly delayMs: number;
  /** A FIFO queue takes the next one with this key as the same. */
  readonly seenKey?: string;
}

/** So many of the first messages of a queue are looked at for the dead-letter queue when it is received from. */
const REDRIVE_AT_ONCE = 100;
/** So many of the first messages of a FIFO queue are put together by their groups. */
const GROUPED_AT_ONCE = 200;
const COLUMNS = "id, message, grp, body, facts, sent_at, receives, first_received_at, receipt, source";

/** Statements that put a message into a queue; a FIFO queue drops what it has seen in the last five minutes. */
export function putMessage(ctx: Ctx, queue: Queue, next: NewMessage): Statement[] {
  const now = ctx.now();
  const { id, message, grp, body, facts, delayMs, seenKey } = next;
  const values = [id, queue.uid, message, grp, body, JSON.stringify(facts), now, now + delayMs];
  const committed = (): void => ctx.state.ring(queue.uid);
  const into = "insert into sqs_message (id, queue, message, grp, body, facts, sent_at, visible_at)";
  if (seenKey === undefined) return [{ sql: `${into} values (?, ?, ?, ?, ?, ?, ?, ?)`, parameters: values, committed }];
  return [
    {
      sql: "delete from sqs_seen where queue = ? and key = ? and expires_at <= ?",
      parameters: [queue.uid, seenKey, now],
    },
    {
      sql: "insert into sqs_seen (queue, key, id, message, expires_at) values (?, ?, ?, ?, ?) on conflict (queue, key) do nothing",
      parameters: [queue.uid, seenKey, id, message, now + DEDUPLICATION_MS],
    },
    {
      sql: `${into} select ?, ?, ?, ?, ?, ?, ?, ? where exists (select 1 from sqs_seen where queue = ? and key = ? and id = ?)`,
      parameters: [...values, queue.uid, seenKey, id],
      committed,
    },
  ];
}

/** The message that a FIFO queue knows by a key. */
export async function seen(ctx: Ctx, queue: Queue, key: string): Promise<{ id: number; message: string } | undefined> {
  return ctx.platform.database.first<{ id: number; message: string }>({
    sql: "select id, message from sqs_seen where queue = ? and key = ?",
    parameters: [queue.uid, key],
  });
}

/** How messages are to be received. */
export interface Claim {
  readonly max: number;
  readonly visibilityMs: number;
  readonly retentionMs: number;
  /** Messages that were received so often go to this queue instead. */
  readonly dead?: { readonly queue: Queue; readonly after: number };
}

/** Of a group of a FIFO queue only what no earlier, hidden message stands before. */
const IN_ORDER = `not exists (select 1 from sqs_message h where h.queue = m.queue and h.visible_at > ? and h.grp = m.grp and h.id < m.id)`;

// A plus before a column: the index that has the order is used, not one that would have to be sorted.
const OLDEST_FIRST = `select m.id from sqs_message m where m.queue = ? and m.visible_at <= ? and +m.sent_at > ? and m.receives < ?
  order by m.visible_at, m.id limit ?`;

/**
 * Of a FIFO queue as many messages of one group as there are, then those of the next; among the first ones that can be received.
 * The group that waits for the longest comes first: one that was received and became visible again, after those that were not.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
 */
const GROUPS_FIRST = `select id from (select id, min(id) over (partition by grp) as first,
  first_value(visible_at) over (partition by grp order by id) as since from (select m.id, m.grp, m.visible_at from sqs_message m
  where m.queue = ? and +m.visible_at <= ? and +m.sent_at > ? and m.receives < ? and ${IN_ORDER}
  order by m.id limit ${GROUPED_AT_ONCE})) order by since, first, id limit ?`;

/** Takes what can be received, and hides it; in one write, so that of two receivers only one gets a message. */
export async function claimMessages(ctx: Ctx, queue: Queue, claim: Claim): Promise<Message[]> {
  const { database, ids } = ctx.platform;
  const now = ctx.now();
  const oldest = now - claim.retentionMs;
  const ready = `queue = ? and visible_at <= ? and +sent_at > ?`;
  // A look costs no write: only where there is something to receive does the writer work.
  const look = await database.first({
    sql: `select 1 as one from sqs_message where ${ready} limit 1`,
    parameters: [queue.uid, now, oldest],
  });
  if (!look) return [];
  const fifo = isFifo(queue);
  const receipt = ids.uuid();
  const claimed = [
    queue.uid,
    now,
    oldest,
    claim.dead?.after ?? Number.MAX_SAFE_INTEGER,
    ...(fifo ? [now] : []),
    claim.max,
  ];
  // Afterwards nothing says any more for how long each group had waited.
  const order = fifo ? await database.all<{ id: number }>({ sql: GROUPS_FIRST, parameters: claimed }) : [];
  await database.write([
    ...(claim.dead ? redrive(ctx, queue, claim.dead, [now, oldest]) : []),
    {
      sql: `update sqs_message set visible_at = ?, receives = receives + 1, first_received_at = coalesce(first_received_at, ?),
        received_at = ?, receipt = ? where id in (${fifo ? GROUPS_FIRST : OLDEST_FIRST})`,
      parameters: [now + claim.visibilityMs, now, now, receipt, ...claimed],
    },
  ]);
  const messages = await messagesOf(ctx, receipt);
  if (!fifo) return messages;
  const places = new Map(order.map(({ id }, place) => [id, place]));
  const groups = [...Map.groupBy(messages, ({ grp }) => grp).values()];
  const placeOf = ([first]: Message[]): number => places.get(first!.id) ?? order.length;
  return groups.toSorted((a, b) => placeOf(a) - placeOf(b)).flat();
}

/** The messages of one receive. */
export async function messagesOf(ctx: Ctx, receipt: string): Promise<Message[]> {
  const rows = await ctx.platform.database.all<Message & { facts: string }>({
    sql: `select ${COLUMNS} from sqs_message where receipt = ? order by id`,
    parameters: [receipt],
  });
  return rows.map(messageOf);
}

const messageOf = (row: Message & { facts: unknown }): Message => ({
  ...row,
  facts: JSON.parse(String(row.facts)) as MessageFacts,
});

/** Messages that were received too often go to the dead-letter queue; the first ones of the queue are looked at. */
function redrive(
  ctx: Ctx,
  queue: Queue,
  dead: NonNullable<Claim["dead"]>,
  [now, oldest]: readonly [number, number],
): Statement[] {
  return [
    {
      sql: `update sqs_message set queue = ?, source = ?, receipt = null, visible_at = ? where receives >= ? and id in
        (select id from sqs_message where queue = ? and visible_at <= ? and +sent_at > ? order by visible_at, id limit ?)`,
      parameters: [dead.queue.uid, queueArn(ctx, queue.name), now, dead.after, queue.uid, now, oldest, REDRIVE_AT_ONCE],
      committed: () => ctx.state.ring(dead.queue.uid),
    },
  ];
}

/** When the next hidden message of a queue can be received. */
export async function nextVisibleAt(ctx: Ctx, queue: Queue): Promise<number | undefined> {
  const row = await ctx.platform.database.first<{ at: number | null }>({
    sql: "select min(visible_at) as at from sqs_message where queue = ? and visible_at > ?",
    parameters: [queue.uid, ctx.now()],
  });
  return row?.at ?? undefined;
}

/** A receipt handle, taken apart: which message, and which receipt of it. */
export interface Receipt {
  readonly id: number;
  readonly token: string;
}

/** A message that was received, with the token of its last receipt. */
interface ReceivedMessage {
  readonly visible_at: number;
  readonly received_at: number;
  readonly receipt: string;
}

/**
 * The message of a receipt, as far as it matters for what may be done with it. A standard queue takes the handle of an
 * earlier receive, too.
 */
export async function receivedMessage(
  ctx: Ctx,
  queue: Queue,
  { id, token }: Receipt,
): Promise<ReceivedMessage | undefined> {
  const message = await ctx.platform.database.first<ReceivedMessage>({
    sql: "select visible_at, received_at, receipt from sqs_message where id = ? and queue = ? and receipt is not null",
    parameters: [id, queue.uid],
  });
  return message?.receipt === token || !isFifo(queue) ? message : undefined;
}

export function removeMessage(ctx: Ctx, queue: Queue, { id, token }: Receipt): Statement {
  return {
    sql: "delete from sqs_message where id = ? and queue = ? and receipt = ?",
    parameters: [id, queue.uid, token],
    // The next message of its group can be received.
    ...(isFifo(queue) ? { committed: () => ctx.state.ring(queue.uid) } : {}),
  };
}

export function hideMessage(ctx: Ctx, queue: Queue, { id, token }: Receipt, until: number): Statement {
  return {
    sql: "update sqs_message set visible_at = ? where id = ? and queue = ? and receipt = ?",
    parameters: [until, id, queue.uid, token],
    committed: () => ctx.state.ring(queue.uid),
  };
}

/** Statements that empty a queue. */
export const emptyQueue = (queue: Queue): Statement[] => [
  { sql: "delete from sqs_message where queue = ?", parameters: [queue.uid] },
  { sql: "delete from sqs_seen where queue = ?", parameters: [queue.uid] },
];

export async function counts(
  ctx: Ctx,
  queue: Queue,
  retentionSeconds: number,
): Promise<{ visible: number; delayed: number; inFlight: number; oldest: number | null }> {
  const now = ctx.now();
  const row = await ctx.platform.database.first<{
    visible: number;
    delayed: number;
    inFlight: number;
    oldest: number | null;
  }>({
    sql: `select coalesce(sum(visible_at <= ?), 0) as visible,
      coalesce(sum(visible_at > ? and receipt is null), 0) as delayed,
      coalesce(sum(visible_at > ? and receipt is not null), 0) as inFlight,
      min(sent_at) as oldest from sqs_message where queue = ? and sent_at > ?`,
    parameters: [now, now, now, queue.uid, now - retentionSeconds * 1000],
  });
  return { visible: 0, delayed: 0, inFlight: 0, oldest: null, ...row };
}

/** Statement that removes what a queue has kept longer than it keeps messages. */
export const expireMessages = (queue: Queue, olderThan: number): Statement => ({
  sql: "delete from sqs_message where queue = ? and sent_at <= ?",
  parameters: [queue.uid, olderThan],
});

/** The oldest messages of a queue that can be moved elsewhere. */
export async function movable(ctx: Ctx, queue: Queue, max: number): Promise<{ id: number; source: string | null }[]> {
  return ctx.platform.database.all<{ id: number; source: string | null }>({
    sql: "select id, source from sqs_message where queue = ? and visible_at <= ? order by visible_at, id limit ?",
    parameters: [queue.uid, ctx.now(), max],
  });
}

/** Statement that moves a message, where it is still there, as one that was never received. */
export function moveMessage(ctx: Ctx, from: Queue, to: Queue, id: number): Statement {
  const now = ctx.now();
  return {
    sql: `update sqs_message set queue = ?, sent_at = ?, visible_at = ?, receives = 0, receipt = null, source = null,
      first_received_at = null where id = ? and queue = ? and visible_at <= ?`,
    parameters: [to.uid, now, now, id, from.uid, now],
    committed: () => ctx.state.ring(to.uid),
  };
}
