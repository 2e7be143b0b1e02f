import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

const MAX_CACHED_STATEMENTS = 500;

/** One connection with its prepared statements. */
export interface SqliteConnection {
  readonly db: DatabaseSync;
  prepare(sql: string): StatementSync;
}

/** Opens a file with the settings that everything relies on: WAL, every commit on disk. */
export function connect(file: string, options: { reader?: boolean; cacheKiB?: number } = {}): SqliteConnection {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 10_000 });
  db.exec(`pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -${options.cacheKiB ?? 16_384}`);
  db.exec("pragma temp_store = memory; pragma trusted_schema = off");
  if (options.reader) db.exec("pragma query_only = on");
  const cache = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = cache.get(sql);
    if (known) return known;
    const statement = db.prepare(sql);
    // Statements with lists of values differ by length and would fill the cache: drop the oldest.
    if (cache.size >= MAX_CACHED_STATEMENTS) cache.delete(cache.keys().next().value ?? "");
    cache.set(sql, statement);
    return statement;
  };
  return { db, prepare };
}

/** Values as SQLite takes them: no booleans, no undefined. */
export function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => {
    if (value === undefined) return null;
    if (typeof value === "boolean") return value ? 1 : 0;
    return value as SQLInputValue;
  });
}
