import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../kernel/clock.ts";
import { systemIds } from "../../kernel/ids.ts";
import { openFileBlobs } from "../files/file-blobs.ts";
import { stateMigrations } from "./migrations/index.ts";
import { openSqlQueue } from "./sql-queue.ts";
import { openSqlite } from "./sqlite-database.ts";

/** The program that `crash.test.ts` kills: writes without end, and says on standard output what was acknowledged. */
async function writeUntilKilled(folder: string): Promise<never> {
  const db = await openSqlite({ file: join(folder, "state.db"), migrations: stateMigrations });
  const queue = openSqlQueue({ db, clock: systemClock, ids: systemIds });
  const blobs = openFileBlobs({ folder: join(folder, "blobs") });
  const run = systemIds.uuid();
  const acknowledge = (line: string): void => void writeSync(1, `${line}\n`);
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const id = `${run}-${name}-${i}`;
      const sql =
        "insert into record (service, account, region, kind, id, rev, value, created_at, updated_at) values ('t', 'a', 'r', 'k', ?, 1, '', 0, 0)";
      await db.write([{ sql, parameters: [id] }, ...queue.enqueue("work", id)]);
      acknowledge(`row ${id}`);
    }
  };
  const storer = async (): Promise<void> => {
    for (;;) acknowledge(`blob ${(await blobs.put(randomBytes(20_000))).digest}`);
  };
  await Promise.all([...Array.from({ length: 8 }, (_, n) => writer(n)), storer()]);
  throw new Error("not reached");
}

await writeUntilKilled(process.argv[2] ?? "");
