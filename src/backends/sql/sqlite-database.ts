import { Worker } from "node:worker_threads";
import type { Compilable, CompiledQuery } from "kysely";
import { GuardFailed, StorageBusy, type Database, type Statement } from "../../ports/database.ts";
import { migrate } from "./migrate.ts";
import type { Migration } from "./migrations/migration.ts";
import { bindable, connect, type SqliteConnection } from "./sqlite-connection.ts";
import { failureOf, portError } from "./sqlite-errors.ts";
import { WriteEmptiedMemo } from "./write-emptied-memo.ts";
import type { WriteRequest, WriterAnswer, WriteResult } from "./sqlite-writer.ts";

const MAX_WAITING = 20_000;
const MAX_GROUP = 512;

export interface SqliteOptions {
  readonly file: string;
  readonly migrations: readonly Migration[];
  /** Writes that may wait at a time; more are refused with StorageBusy. */
  readonly maxWaiting?: number;
  /** Largest size of the file, in pages of 4 KiB; beyond it writes fail with StorageFull. */
  readonly maxPages?: number;
}

interface Waiter {
  readonly statements: readonly (Statement | CompiledQuery)[];
  readonly resolve: (changes: number[]) => void;
  readonly reject: (error: Error) => void;
}

/** Opens (and creates or migrates) a database file. One thread writes and groups commits; reads run here, beside it. */
export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const reader = connect(options.file);
  try {
    migrate(reader.db, options.file, options.migrations);
  } catch (error) {
    reader.db.close();
    throw error;
  }
  reader.db.exec("pragma query_only = on");
  return new SqliteDatabase(options, reader);
}

class SqliteDatabase implements Database {
  readonly dialect = "sqlite";
  readonly memo = new WriteEmptiedMemo();
  readonly #file: string;
  readonly #reader: SqliteConnection;
  readonly #worker: Worker;
  readonly #maxWaiting: number;
  readonly #waiters = new Map<number, Waiter>();
  #outbox: WriteRequest[] = [];
  #nextId = 0;
  #broken: Error | undefined;
  #closed: Promise<void> | undefined;
  #onClosed: () => void = () => undefined;

  constructor(options: SqliteOptions, reader: SqliteConnection) {
    this.#file = options.file;
    this.#reader = reader;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#worker = sqliteWorker("sqlite-writer", {
      file: options.file,
      maxGroup: MAX_GROUP,
      maxPages: options.maxPages,
    });
    this.#worker.on("message", (answer: WriterAnswer) => {
      if ("closed" in answer) this.#onClosed();
      else for (const result of answer.results) this.#settle(result);
    });
    this.#worker.on("error", (error) => this.#break(error as Error));
    this.#worker.on("exit", () => this.#break(new Error("the database is closed")));
  }

  async all<T>(query: Compilable<T> | Statement): Promise<T[]> {
    const { sql, parameters } = statementOf(query);
    try {
      return this.#reader.prepare(sql).all(...bindable(parameters)) as T[];
    } catch (error) {
      throw portError(failureOf(error));
    }
  }

  async first<T>(query: Compilable<T> | Statement): Promise<T | undefined> {
    const { sql, parameters } = statementOf(query);
    try {
      return this.#reader.prepare(sql).get(...bindable(parameters)) as T | undefined;
    } catch (error) {
      throw portError(failureOf(error));
    }
  }

  write(batch: readonly (Statement | CompiledQuery)[]): Promise<number[]> {
    return new Promise((resolve, reject) => {
      if (this.#broken) return reject(this.#broken);
      if (this.#closed) return reject(new Error("the database is closed"));
      if (this.#waiters.size >= this.#maxWaiting) return reject(new StorageBusy(this.#waiters.size));
      if (batch.length === 0) return resolve([]);
      const id = this.#nextId++;
      const statements = batch.map((statement) => ({
        sql: statement.sql,
        parameters: bindable(statement.parameters),
        expect: "expect" in statement ? statement.expect : undefined,
      }));
      this.#waiters.set(id, { statements: batch, resolve, reject });
      this.#outbox.push({ id, statements });
      // One message carries all writes of this callback; the writer begins while this thread reads further requests.
      if (this.#outbox.length === 1) queueMicrotask(() => this.#send());
    });
  }

  backup(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = sqliteWorker("sqlite-copier", { from: this.#file, to: path });
      worker.on("error", (error) => reject(portError(failureOf(error))));
      worker.on("exit", () => resolve());
    });
  }

  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => {
      this.#onClosed = resolve;
      if (this.#broken) return resolve();
      this.#send();
      this.#worker.postMessage({ close: true });
    }).then(() => this.#reader.db.close());
    return this.#closed;
  }

  #send(): void {
    if (this.#outbox.length === 0) return;
    const requests = this.#outbox;
    this.#outbox = [];
    this.#worker.postMessage({ requests });
  }

  #settle(result: WriteResult): void {
    const waiter = this.#waiters.get(result.id);
    if (!waiter) return;
    this.#waiters.delete(result.id);
    if (!waiter.statements.every((statement) => "sparesMemo" in statement && statement.sparesMemo)) this.memo.empty();
    if ("guard" in result) return waiter.reject(new GuardFailed(result.guard));
    if ("failure" in result) return waiter.reject(portError(result.failure));
    waiter.resolve(result.changes);
    for (const statement of waiter.statements) if ("committed" in statement) statement.committed?.();
  }

  #break(error: Error): void {
    this.#broken ??= error;
    for (const waiter of this.#waiters.values()) waiter.reject(this.#broken);
    this.#waiters.clear();
    this.#onClosed();
  }
}

function statementOf(query: Compilable<unknown> | Statement): { sql: string; parameters: readonly unknown[] } {
  return "compile" in query ? query.compile() : query;
}

/** Sources run as they are, and `dist/` holds JavaScript: the worker has the ending of this module. */
function sqliteWorker(name: string, workerData: unknown): Worker {
  const ending = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  return new Worker(new URL(`./${name}${ending}`, import.meta.url), { workerData });
}
