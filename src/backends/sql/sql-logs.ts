import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Database, Statement } from "../../ports/database.ts";
import type { LogEvent, StoredLogEvent, Telemetry } from "../../ports/telemetry.ts";
import { eventBytes, packBlocks } from "./log-blocks.ts";
import { readEvents, type LogRange } from "./log-reader.ts";

const MAX_PENDING_BYTES = 64 * 1024 * 1024;

type Tail = (stream: string, events: readonly StoredLogEvent[]) => void;

/** Log events: collected in memory for a moment, then stored as blocks, many streams in one transaction. */
export class SqlLogs {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #tails = new Map<string, Set<Tail>>();
  #nextSequence: number;
  #pending = new Map<string, Map<string, StoredLogEvent[]>>();
  #pendingBytes = 0;
  #dropped = 0;

  constructor(db: Database, clock: Clock, log: Log | undefined, nextSequence: number) {
    this.#db = db;
    this.#clock = clock;
    this.#log = log;
    this.#nextSequence = nextSequence;
  }

  append(group: string, stream: string, events: readonly LogEvent[]): void {
    if (events.length === 0) return;
    const ingestionTime = this.#clock.now();
    let bytes = 0;
    const stored: StoredLogEvent[] = [];
    for (const { timestamp, message } of events) {
      stored.push({ timestamp, message, ingestionTime, sequence: this.#nextSequence++, stream });
      bytes += eventBytes(message);
    }
    for (const tail of this.#tails.get(group) ?? []) tail(stream, stored);
    if (this.#pendingBytes + bytes > MAX_PENDING_BYTES) {
      this.#dropped += events.length;
      return;
    }
    this.#pendingBytes += bytes;
    let streams = this.#pending.get(group);
    if (!streams) this.#pending.set(group, (streams = new Map()));
    const waiting = streams.get(stream);
    if (waiting) for (const event of stored) waiting.push(event);
    else streams.set(stream, stored);
  }

  /** Statements that store what waits; what they hold counts as pending until `settle` is called. */
  take(): { statements: Statement[]; bytes: number } {
    const taken = this.#pending;
    const bytes = this.#pendingBytes;
    this.#pending = new Map();
    if (this.#dropped > 0)
      this.#log?.warn("log events came faster than the disk takes them", { dropped: this.#dropped });
    this.#dropped = 0;
    const statements: Statement[] = [];
    for (const [group, streams] of taken) {
      statements.push({
        sql: "insert into log_group (name) values (?) on conflict (name) do nothing",
        parameters: [group],
      });
      for (const [stream, events] of streams) statements.push(...storeStream(group, stream, events));
    }
    return { statements, bytes };
  }

  settle(bytes: number): void {
    this.#pendingBytes -= bytes;
  }

  read(group: string, range: LogRange): Promise<{ events: StoredLogEvent[]; cursor?: string }> {
    return readEvents(this.#db, group, range);
  }

  tail(group: string, onEvents: Tail): () => void {
    const tails = this.#tails.get(group) ?? new Set();
    const own: Tail = (stream, events) => {
      try {
        onEvents(stream, events);
      } catch (error) {
        this.#log?.error("a listener of log events failed", { group, error });
      }
    };
    this.#tails.set(group, tails.add(own));
    return () => {
      tails.delete(own);
      if (tails.size === 0 && this.#tails.get(group) === tails) this.#tails.delete(group);
    };
  }

  async delete(group: string, stream?: string): Promise<void> {
    const id = "(select id from log_group where name = ?)";
    if (stream === undefined) {
      await this.#db.write([
        { sql: `delete from log_block where group_id = ${id}`, parameters: [group] },
        { sql: `delete from log_stream where group_id = ${id}`, parameters: [group] },
        { sql: "delete from log_group where name = ?", parameters: [group] },
      ]);
      return;
    }
    await this.#db.write([
      {
        sql: `delete from log_block where stream_id = (select id from log_stream where group_id = ${id} and name = ?)`,
        parameters: [group, stream],
      },
      { sql: `delete from log_stream where group_id = ${id} and name = ?`, parameters: [group, stream] },
    ]);
  }

  async expire(group: string, olderThan: number): Promise<void> {
    const id = "(select id from log_group where name = ?)";
    const [, removed] = await this.#db.write([
      { sql: "update log_group set floor = ? where name = ? and floor < ?", parameters: [olderThan, group, olderThan] },
      { sql: `delete from log_block where group_id = ${id} and last_ts < ?`, parameters: [group, olderThan] },
    ]);
    if (!removed) return;
    const left = (column: string): string => `(select ${column} from log_block where stream_id = log_stream.id)`;
    await this.#db.write([
      {
        sql: `update log_stream set bytes = ${left("coalesce(sum(bytes), 0)")}, first_event = ${left("min(first_ts)")},
          last_event = ${left("max(last_ts)")} where group_id = ${id}`,
        parameters: [group],
      },
    ]);
  }

  async facts(group: string, stream: string): ReturnType<Telemetry["streamFacts"]> {
    const row = await this.#db.first<Record<"bytes" | "first_event" | "last_event" | "last_ingestion", number | null>>({
      sql: `select bytes, first_event, last_event, last_ingestion from log_stream
        where group_id = (select id from log_group where name = ?) and name = ?`,
      parameters: [group, stream],
    });
    return {
      bytes: row?.bytes ?? 0,
      ...(row?.first_event == null ? {} : { firstEvent: row.first_event }),
      ...(row?.last_event == null ? {} : { lastEvent: row.last_event }),
      ...(row?.last_ingestion == null ? {} : { lastIngestion: row.last_ingestion }),
    };
  }
}

function storeStream(group: string, stream: string, events: readonly StoredLogEvent[]): Statement[] {
  const blocks = packBlocks(events);
  const first = blocks.reduce((a, b) => Math.min(a, b.firstTs), Infinity);
  const last = blocks.reduce((a, b) => Math.max(a, b.lastTs), -Infinity);
  const bytes = blocks.reduce((sum, b) => sum + b.bytes, 0);
  const lesser =
    "case when log_stream.first_event < excluded.first_event then log_stream.first_event else excluded.first_event end";
  const greater =
    "case when log_stream.last_event > excluded.last_event then log_stream.last_event else excluded.last_event end";
  const facts: Statement = {
    sql: `insert into log_stream (group_id, name, bytes, first_event, last_event, last_ingestion)
      values ((select id from log_group where name = ?), ?, ?, ?, ?, ?)
      on conflict (group_id, name) do update set bytes = log_stream.bytes + excluded.bytes, first_event = ${lesser},
        last_event = ${greater}, last_ingestion = excluded.last_ingestion`,
    parameters: [group, stream, bytes, first, last, events.at(-1)?.ingestionTime ?? 0],
  };
  const stored = blocks.map((block) => ({
    sql: `insert into log_block (group_id, stream_id, first_ts, last_ts, last_sequence, bytes, data)
      select group_id, id, ?, ?, ?, ?, ? from log_stream where group_id = (select id from log_group where name = ?) and name = ?`,
    parameters: [block.firstTs, block.lastTs, block.lastSequence, block.bytes, block.data, group, stream],
  }));
  return [facts, ...stored];
}
