import type { Database } from "../../ports/database.ts";
import type { StoredLogEvent } from "../../ports/telemetry.ts";
import { BLOCK_SPAN_MS, unpackBlock } from "./log-blocks.ts";

export interface LogRange {
  readonly streams?: readonly string[];
  readonly start?: number;
  readonly end?: number;
  readonly limit: number;
  readonly maxBytes?: number;
  readonly cursor?: string;
  readonly newestFirst?: boolean;
}

interface BlockRow {
  readonly id: number;
  readonly stream_id: number;
  readonly first_ts: number;
  readonly last_ts: number;
}

const PAGE = 200;
/** Characters of the events of one answer, which is in memory as a whole: events may have a million each. */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;
const MAX_TIME = 8.64e15;

/** Reads events of a group by time; of all blocks only those of the asked time and as many as the limit needs. */
export async function readEvents(
  db: Database,
  group: string,
  range: LogRange,
): Promise<{ events: StoredLogEvent[]; cursor?: string }> {
  const found = await db.first<{ id: number; floor: number }>({
    sql: "select id, floor from log_group where name = ?",
    parameters: [group],
  });
  if (!found) return { events: [] };
  const streams = await streamNames(db, found.id, range.streams);
  if (streams.size === 0) return { events: [] };
  const position = range.cursor === undefined ? undefined : parseCursor(range.cursor);
  const maxBytes = range.maxBytes ?? MAX_PAGE_BYTES;
  const page = new EventPage({ limit: range.limit, maxBytes }, range.newestFirst ?? false, {
    from: Math.max(range.start ?? 0, found.floor),
    to: range.end ?? MAX_TIME,
    ...(position ? { behind: position } : {}),
  });
  for await (const block of blocks(db, found.id, range.streams ? [...streams.keys()] : undefined, page)) {
    if (page.isCompleteBefore(block)) break;
    const row = await db.first<{ data: Uint8Array }>({
      sql: "select data from log_block where id = ?",
      parameters: [block.id],
    });
    if (row) page.add(unpackBlock(row.data, streams.get(block.stream_id) ?? ""));
  }
  return page.answer();
}

async function streamNames(db: Database, group: number, names?: readonly string[]): Promise<Map<number, string>> {
  const some = names ? ` and name in (${names.map(() => "?").join(", ")})` : "";
  const rows = await db.all<{ id: number; name: string }>({
    sql: `select id, name from log_stream where group_id = ?${some}`,
    parameters: [group, ...(names ?? [])],
  });
  return new Map(rows.map((row) => [row.id, row.name]));
}

/** Blocks that may hold events of the page, in the order of the time at which they begin (or end, newest first). */
async function* blocks(
  db: Database,
  group: number,
  streams: readonly number[] | undefined,
  page: EventPage,
): AsyncIterable<BlockRow> {
  const column = page.newestFirst ? "last_ts" : "first_ts";
  const [order, beyond] = page.newestFirst ? ["desc", "<"] : ["asc", ">"];
  const owner = streams ? `stream_id in (${streams.map(() => "?").join(", ")})` : "group_id = ?";
  let last: BlockRow | undefined;
  for (;;) {
    const keyset = last ? ` and (${column}, id) ${beyond} (?, ?)` : "";
    const rows = await db.all<BlockRow>({
      sql: `select id, stream_id, first_ts, last_ts from log_block where ${owner}
        and last_ts >= ? and first_ts <= ? and ${column} >= ? and ${column} <= ?${keyset}
        order by ${column} ${order}, id ${order} limit ${PAGE}`,
      parameters: [
        ...(streams ?? [group]),
        page.lowest,
        page.highest,
        page.lowest - BLOCK_SPAN_MS,
        page.highest + BLOCK_SPAN_MS,
        ...(last ? [last[column as "first_ts"], last.id] : []),
      ],
    });
    yield* rows;
    last = rows.at(-1);
    if (rows.length < PAGE) return;
    // A long search lets others run in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Position {
  readonly timestamp: number;
  readonly sequence: number;
}

/** The best `limit` events seen so far, and one more that tells whether others follow. */
class EventPage {
  readonly newestFirst: boolean;
  readonly lowest: number;
  readonly highest: number;
  #keep: number;
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #behind: Position | undefined;
  #events: StoredLogEvent[] = [];
  /** No event beyond this one can be part of the page any more. */
  #worst: Position | undefined;

  constructor(
    { limit, maxBytes }: { limit: number; maxBytes: number },
    newestFirst: boolean,
    range: { from: number; to: number; behind?: Position },
  ) {
    this.newestFirst = newestFirst;
    this.#keep = limit + 1;
    this.#maxBytes = maxBytes;
    this.#behind = range.behind;
    this.lowest = range.behind && !newestFirst ? Math.max(range.from, range.behind.timestamp) : range.from;
    this.highest = range.behind && newestFirst ? Math.min(range.to, range.behind.timestamp) : range.to;
  }

  isCompleteBefore(block: BlockRow): boolean {
    if (!this.#worst) return false;
    return this.newestFirst ? block.last_ts < this.#worst.timestamp : block.first_ts > this.#worst.timestamp;
  }

  add(events: readonly StoredLogEvent[]): void {
    for (const event of events) {
      if (event.timestamp < this.lowest || event.timestamp > this.highest) continue;
      if (this.#behind && this.#compare(event, this.#behind) <= 0) continue;
      if (this.#worst && this.#compare(event, this.#worst) > 0) continue;
      this.#events.push(event);
      this.#bytes += event.message.length;
    }
    const isFull = this.#events.length >= (this.#worst ? 2 * this.#keep : this.#keep);
    if (isFull || this.#bytes > 2 * this.#maxBytes) this.#trim();
  }

  answer(): { events: StoredLogEvent[]; cursor?: string } {
    this.#trim();
    const events = this.#events.slice(0, this.#keep - 1);
    const last = events.at(-1);
    const more = this.#events.length === this.#keep && last;
    return more ? { events, cursor: `${last.timestamp}.${last.sequence}` } : { events };
  }

  #trim(): void {
    this.#events.sort((a, b) => this.#compare(a, b));
    this.#keep = Math.min(this.#keep, this.#fitting() + 1);
    this.#events.length = Math.min(this.#events.length, this.#keep);
    this.#bytes = this.#events.reduce((sum, { message }) => sum + message.length, 0);
    if (this.#events.length === this.#keep) this.#worst = this.#events.at(-1);
  }

  /** How many of the events fit into an answer: one at least; unbounded where all of them do. */
  #fitting(): number {
    let bytes = 0;
    const end = this.#events.findIndex(({ message }, i) => (bytes += message.length) > this.#maxBytes && i > 0);
    return end < 0 ? Infinity : end;
  }

  #compare(a: Position, b: Position): number {
    const order = a.timestamp - b.timestamp || a.sequence - b.sequence;
    return this.newestFirst ? -order : order;
  }
}

function parseCursor(cursor: string): Position {
  const match = /^(\d{1,16})\.(\d{1,16})$/.exec(cursor);
  if (!match) throw new RangeError("a cursor of log events looks like <timestamp>.<sequence>");
  return { timestamp: Number(match[1]), sequence: Number(match[2]) };
}
