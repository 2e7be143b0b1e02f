import type { Compilable, CompiledQuery } from "kysely";

/** One SQL statement, made by Kysely's `compile()` or by hand in the common dialect. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Rows that must be affected; where another number is, the whole batch is rolled back and `GuardFailed` thrown. */
  readonly expect?: number;
  /** What it changes is never kept in the `memo`, which therefore stays as it is. */
  readonly sparesMemo?: true;
  /** Called in this process after the batch has been committed: for wake-ups, which may be lost. Must not throw. */
  readonly committed?: () => void;
}

/** The guard of a batch did not hold: somebody else changed the row first. Read again and decide anew. */
export class GuardFailed extends Error {
  /** Position of the failed statement in its batch. */
  readonly index: number;
  constructor(index: number) {
    super(`the guard of statement ${index} did not hold`);
    this.name = "GuardFailed";
    this.index = index;
  }
}

/** A row with the same key exists already; the whole batch was rolled back. */
export class UniqueViolation extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UniqueViolation";
  }
}

/** The disk is full: nothing of the write was stored, and reads go on. */
export class StorageFull extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`no space left for ${what}; free some disk space and try again`, options);
    this.name = "StorageFull";
  }
}

/** A failure of writing a file: StorageFull where the disk is full, else as it is. */
export const fileFailure = (error: unknown, what: string): unknown =>
  (error as NodeJS.ErrnoException | undefined)?.code === "ENOSPC" ? new StorageFull(what, { cause: error }) : error;

/** Whether a failure, of a write or of a call that wanted one, came of a full disk. */
export const isOutOfRoom = (error: unknown): boolean =>
  error instanceof StorageFull || (error instanceof Error && error.cause instanceof StorageFull);

/** More writes wait than the store can take; the write was not tried. Try again a little later. */
export class StorageBusy extends Error {
  constructor(waiting: number) {
    super(`${waiting} writes are waiting for the disk already; try again later`);
    this.name = "StorageBusy";
  }
}

/** Values by keys of the reader's own choosing; any write to the database empties it, unless its statements spare it. */
export interface ReadMemo {
  /** Another one since it was last emptied. */
  readonly generation: number;
  get(key: string): { readonly value: unknown } | undefined;
  set(key: string, value: unknown): void;
  /** One value of an object of the reader's own, good in the generation that it names: found quicker than by a key. */
  readonly ofOwners: WeakMap<object, { readonly generation: number; readonly value: unknown }>;
}

/**
 * SQL that must not be lost. Writes are batches of statements, each batch one transaction that is on disk when its
 * promise resolves (an acknowledged write survives `kill -9`); concurrent batches may share one fsync. There is no
 * interactive transaction: a decision that depends on what was read is guarded by `expect` (compare and set), which is
 * right on SQLite and on PostgreSQL alike.
 */
export interface Database {
  readonly dialect: "sqlite" | "postgres";
  /** All rows of a query. Integers come as numbers, blobs as Uint8Array, JSON as text. */
  all<T>(query: Compilable<T> | Statement): Promise<T[]>;
  /** The first row. */
  first<T>(query: Compilable<T> | Statement): Promise<T | undefined>;
  /** Runs the batch atomically and answers the rows affected by each statement. Throws GuardFailed, UniqueViolation, StorageFull, StorageBusy. */
  write(batch: readonly (Statement | CompiledQuery)[]): Promise<number[]>;
  /**
   * Values made of what was read, kept until something is written: what was read before a write was acknowledged may be
   * answered until then, and never after. Missing where writes of other processes would not be seen.
   */
  readonly memo?: ReadMemo;
  /** Makes a consistent copy of the database in the file `path`. */
  backup(path: string): Promise<void>;
  close(): Promise<void>;
}
