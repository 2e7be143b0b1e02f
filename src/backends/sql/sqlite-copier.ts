import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { connect } from "./sqlite-connection.ts";

/** Copies a database in a thread of its own: `vacuum into` reads one consistent state while writes go on. */
function copy({ from, to }: { from: string; to: string }): void {
  const temporary = `${to}.tmp`;
  rmSync(temporary, { force: true });
  const { db } = connect(from, { cacheKiB: 2048 });
  try {
    db.prepare("vacuum into ?").run(temporary);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    db.close();
  }
  const fd = openSync(temporary, "r+");
  fsyncSync(fd);
  closeSync(fd);
  renameSync(temporary, to);
}

copy(workerData as { from: string; to: string });
