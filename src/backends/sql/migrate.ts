import { existsSync, fsyncSync, openSync, closeSync, renameSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Migration } from "./migrations/migration.ts";

const VERSION_TABLE = "create table if not exists schema_version (version integer not null, name text not null) strict";

/**
 * Brings the schema forward to the last migration, in one transaction, after a copy of the file as it was
 * (`<file>.before-<version>`). A schema newer than this program is refused. Answers the file of the copy.
 */
export function migrate(db: DatabaseSync, file: string, migrations: readonly Migration[]): string | undefined {
  const latest = migrations.length;
  migrations.forEach((migration, i) => {
    if (migration.version !== i + 1) throw new Error(`migration ${migration.name} must have version ${i + 1}`);
  });
  const current = currentVersion(db);
  if (current > latest) {
    throw new Error(
      `${file} was written by a newer version of Starling (schema ${current}, this program knows ${latest}): ` +
        "start the newer version, or restore a backup that this version made",
    );
  }
  if (current === latest) return undefined;
  const copy = current > 0 && file !== ":memory:" ? copyBefore(db, file, current) : undefined;
  db.exec("begin exclusive");
  try {
    db.exec(VERSION_TABLE);
    for (const migration of migrations.slice(current)) {
      for (const statement of migration.statements) db.exec(statement);
      db.prepare("insert into schema_version (version, name) values (?, ?)").run(migration.version, migration.name);
    }
    db.exec("commit");
  } catch (error) {
    if (db.isTransaction) db.exec("rollback");
    throw error;
  }
  return copy;
}

function currentVersion(db: DatabaseSync): number {
  const table = db.prepare("select 1 from sqlite_master where type = 'table' and name = 'schema_version'").get();
  if (!table) return 0;
  const row = db.prepare("select coalesce(max(version), 0) as version from schema_version").get();
  return Number(row?.["version"] ?? 0);
}

function copyBefore(db: DatabaseSync, file: string, version: number): string {
  const copy = `${file}.before-${version + 1}`;
  if (existsSync(copy)) return copy; // Made by a start that was killed in between: the schema is still what it was then.
  const temporary = `${copy}.tmp`;
  rmSync(temporary, { force: true });
  db.prepare("vacuum into ?").run(temporary);
  const fd = openSync(temporary, "r+");
  fsyncSync(fd);
  closeSync(fd);
  renameSync(temporary, copy);
  return copy;
}
