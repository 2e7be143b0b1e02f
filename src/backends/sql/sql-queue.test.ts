import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../kernel/clock.ts";
import { systemIds } from "../../kernel/ids.ts";
import { runContract as runJournalContract } from "../../ports/journal.contract.ts";
import { runContract as runQueueContract } from "../../ports/queue.contract.ts";
import { stateMigrations } from "./migrations/index.ts";
import { openSqlJournal } from "./sql-journal.ts";
import { openSqlQueue } from "./sql-queue.ts";
import { openSqlite } from "./sqlite-database.ts";

async function open() {
  const folder = mkdtempSync(join(tmpdir(), "starling-queue-"));
  const db = await openSqlite({ file: join(folder, "state.db"), migrations: stateMigrations });
  const dispose = async (): Promise<void> => {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { db, dispose };
}

runQueueContract({
  open: async (clock) => {
    const { db, dispose } = await open();
    return { queue: openSqlQueue({ db, clock, ids: systemIds }), db, dispose };
  },
});

runJournalContract({
  open: async () => {
    const { db, dispose } = await open();
    return { journal: openSqlJournal({ db, clock: systemClock, ids: systemIds }), dispose };
  },
});
