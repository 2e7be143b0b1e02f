import type { Clock } from "../kernel/clock.ts";
import { GuardFailed, type Database, type ReadMemo, type Statement } from "../ports/database.ts";

/** A stored value with its id and revision. */
export interface Stored<T> {
  readonly id: string;
  readonly rev: number;
  readonly value: T;
}

/** Whose records: one service in one account and region. */
export interface RecordScope {
  readonly service: string;
  readonly account: string;
  readonly region: string;
}

export interface ListOptions {
  readonly prefix?: string;
  /** Only ids behind this one (before it where `reverse`). */
  readonly after?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

interface Row {
  readonly id: string;
  readonly rev: number;
  readonly value: string;
}

const KEY = "service = ? and account = ? and region = ? and kind = ?";
const CONFLICT = "on conflict (service, account, region, kind, id)";
const MAX_TRIES = 50;

/**
 * JSON values of one service, account and region by kind and id. Writes are statements, so that several records, an
 * outbox message and a change elsewhere share one transaction; lost updates are prevented by revisions.
 */
export class Records {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #scope: readonly [string, string, string];
  readonly #memoPrefix: string;

  constructor(db: Database, clock: Clock, scope: RecordScope) {
    this.#db = db;
    this.#clock = clock;
    this.#scope = [scope.service, scope.account, scope.region];
    this.#memoPrefix = `record\n${scope.service}\n${scope.account}\n${scope.region}\n`;
  }

  async get<T>(kind: string, id: string): Promise<Stored<T> | undefined> {
    const row = await this.#row(kind, id);
    return row && parse<T>(row);
  }

  /** The same for what is read with every request: kept until something is written. Nobody may change the value. */
  async getShared<T>(kind: string, id: string): Promise<Stored<T> | undefined> {
    const { memo } = this.#db;
    if (!memo) return this.get(kind, id);
    const key = `${this.#memoPrefix}${kind}\n${id}`;
    const known = memo.get(key);
    // What this prefix names is a record of this very class.
    if (known) return known.value as Stored<T> | undefined;
    const stored = await this.get<T>(kind, id);
    memo.set(key, stored);
    return stored;
  }

  /**
   * What `make` makes of `getShared`s, kept until something is written; what is kept is answered at once. `key` begins
   * with what is made, which differs from all kinds of records. Nobody may change the value.
   */
  made<T>(key: string, make: () => Promise<T>): T | Promise<T> {
    const { memo } = this.#db;
    if (!memo) return make();
    const whole = `made ${this.#memoPrefix}${key}`;
    const known = memo.get(whole);
    return known ? (known.value as T) : this.#make(whole, make, memo);
  }

  /** The same for an object that asks again and again, and for nothing else: it finds the value without a key. */
  madeFor<T>(owner: object, key: () => string, make: () => Promise<T>): T | Promise<T> {
    const { memo } = this.#db;
    if (!memo) return make();
    const { ofOwners, generation } = memo;
    const owned = ofOwners.get(owner);
    if (owned?.generation === generation) return owned.value as T;
    const value = this.made(key(), make);
    if (!(value instanceof Promise)) ofOwners.set(owner, { generation, value });
    return value;
  }

  async #make<T>(whole: string, make: () => Promise<T>, memo: ReadMemo): Promise<T> {
    const { generation } = memo;
    const value = await make();
    // Something was written meanwhile: what was read before may be old.
    if (memo.generation === generation) memo.set(whole, value);
    return value;
  }

  /** Records of a kind in byte order of their ids. */
  async list<T>(kind: string, options: ListOptions = {}): Promise<Stored<T>[]> {
    const { sql, parameters } = this.#where(kind, options.prefix);
    const tail: unknown[] = [];
    let order = options.reverse ? "order by id desc" : "order by id";
    let after = "";
    if (options.after !== undefined) {
      after = options.reverse ? " and id < ?" : " and id > ?";
      tail.push(options.after);
    }
    if (options.limit !== undefined) {
      order += " limit ?";
      tail.push(options.limit);
    }
    const rows = await this.#db.all<Row>({
      sql: `select id, rev, value from record where ${sql}${after} ${order}`,
      parameters: [...parameters, ...tail],
    });
    return rows.map((row) => parse<T>(row));
  }

  async count(kind: string, prefix?: string): Promise<number> {
    const { sql, parameters } = this.#where(kind, prefix);
    const row = await this.#db.first<{ n: number }>({
      sql: `select count(*) as n from record where ${sql}`,
      parameters,
    });
    return row?.n ?? 0;
  }

  /** `ifRev` 0: must not exist; n: must have this revision; undefined: stored in any case. The batch fails else. */
  put(kind: string, id: string, value: unknown, ifRev?: number): Statement {
    const now = this.#clock.now();
    const json = JSON.stringify(value);
    if (ifRev !== undefined && ifRev > 0) {
      const sql = `update record set rev = rev + 1, value = ?, updated_at = ? where ${KEY} and id = ? and rev = ?`;
      return { sql, parameters: [json, now, ...this.#scope, kind, id, ifRev], expect: 1 };
    }
    const insert =
      "insert into record (service, account, region, kind, id, rev, value, created_at, updated_at) values (?, ?, ?, ?, ?, 1, ?, ?, ?)";
    const otherwise =
      ifRev === 0
        ? `${CONFLICT} do nothing`
        : `${CONFLICT} do update set rev = record.rev + 1, value = excluded.value, updated_at = excluded.updated_at`;
    return { sql: `${insert} ${otherwise}`, parameters: [...this.#scope, kind, id, json, now, now], expect: 1 };
  }

  /** With `ifRev` the record must have this revision; without, it may be absent already. */
  remove(kind: string, id: string, ifRev?: number): Statement {
    const parameters = [...this.#scope, kind, id];
    const sql = `delete from record where ${KEY} and id = ?`;
    if (ifRev === undefined) return { sql, parameters };
    return { sql: `${sql} and rev = ?`, parameters: [...parameters, ifRev], expect: 1 };
  }

  /** Writes all statements in one transaction. Throws GuardFailed or UniqueViolation, and then wrote nothing. */
  async write(...batch: readonly (Statement | readonly Statement[])[]): Promise<void> {
    await this.#db.write(batch.flat());
  }

  /** Stores a new record, with `also` in the same transaction; answers false, having written nothing, where it exists. */
  async create<T>(kind: string, id: string, value: T, ...also: readonly Statement[]): Promise<boolean> {
    try {
      await this.#db.write([this.put(kind, id, value, 0), ...also]);
      return true;
    } catch (error) {
      if (error instanceof GuardFailed && error.index === 0) return false;
      throw error;
    }
  }

  /**
   * Reads, changes and writes back, again from the start where somebody else was faster. `change` must not have
   * effects, as it may run several times; where it answers undefined the record is left as it is. Answers the value
   * that is stored in the end, or undefined where there is no such record.
   */
  async update<T>(
    kind: string,
    id: string,
    change: (value: T) => T | undefined,
    ...also: readonly Statement[]
  ): Promise<T | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const row = await this.#row(kind, id);
      if (!row) return undefined;
      const value = change(parse<T>(row).value);
      if (value === undefined) return parse<T>(row).value;
      try {
        await this.#db.write([this.put(kind, id, value, row.rev), ...also]);
        return value;
      } catch (error) {
        if (!(error instanceof GuardFailed) || error.index !== 0) throw error;
      }
    }
    throw new Error(`record ${kind} ${id} was changed by others ${MAX_TRIES} times in a row`);
  }

  #row(kind: string, id: string): Promise<Row | undefined> {
    return this.#db.first<Row>({
      sql: `select id, rev, value from record where ${KEY} and id = ?`,
      parameters: [...this.#scope, kind, id],
    });
  }

  #where(kind: string, prefix?: string): { sql: string; parameters: unknown[] } {
    const parameters: unknown[] = [...this.#scope, kind];
    if (!prefix) return { sql: KEY, parameters };
    // The highest code point behind the prefix ends the range: a range can use the index where LIKE cannot.
    return { sql: `${KEY} and id >= ? and id < ?`, parameters: [...parameters, prefix, `${prefix}\u{10ffff}`] };
  }
}

function parse<T>(row: Row): Stored<T> {
  return { id: row.id, rev: row.rev, value: JSON.parse(row.value) as T };
}
