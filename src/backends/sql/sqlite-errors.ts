import { StorageFull, UniqueViolation } from "../../ports/database.ts";

/** An error of SQLite in a form that can cross to another thread. */
export interface SqliteFailure {
  readonly message: string;
  /** SQLite's extended result code. */
  readonly code: number;
}

const SQLITE_FULL = 13;
/** The index of the write-ahead log could not grow. */
const SQLITE_IOERR_SHMSIZE = 4874;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

export function failureOf(error: unknown): SqliteFailure {
  const { message, errcode } = error as { message?: string; errcode?: number };
  return { message: message ?? String(error), code: errcode ?? 0 };
}

/** The port's error for a failure of SQLite. */
export function portError(failure: SqliteFailure): Error {
  const options = { cause: new Error(`${failure.message} (SQLite ${failure.code})`) };
  if (failure.code === SQLITE_CONSTRAINT_PRIMARYKEY || failure.code === SQLITE_CONSTRAINT_UNIQUE) {
    return new UniqueViolation(failure.message, options);
  }
  if ((failure.code & 0xff) === SQLITE_FULL || failure.code === SQLITE_IOERR_SHMSIZE)
    return new StorageFull("the database", options);
  return new Error(`the database refused a statement: ${failure.message}`, options);
}
