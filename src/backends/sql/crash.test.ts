import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../kernel/clock.ts";
import { systemIds } from "../../kernel/ids.ts";
import { startChild } from "../../../test/support/child.ts";
import { openFileBlobs } from "../files/file-blobs.ts";
import { stateMigrations } from "./migrations/index.ts";
import { openSqlQueue } from "./sql-queue.ts";
import { openSqlite } from "./sqlite-database.ts";

const ROUNDS = 20;
const ACKS_A_ROUND = 60;

/** Runs the child until it has acknowledged some writes, and kills it in the middle of the next ones. */
function killInTheMiddle(folder: string): Promise<string[]> {
  const child = startChild(process.execPath, [fileURLToPath(new URL("./crash-child.ts", import.meta.url)), folder], {
    stdio: ["ignore", "pipe", "pipe"],
    limitMs: 30_000,
  });
  return new Promise((resolve, reject) => {
    let out = "";
    let errors = "";
    child.stderr!.on("data", (chunk: Buffer) => (errors += chunk));
    child.stdout!.on("data", (chunk: Buffer) => {
      out += chunk;
      if (out.split("\n").length > ACKS_A_ROUND) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === null ? resolve(out.split("\n").slice(0, -1)) : reject(new Error(`the child ended: ${errors}`)),
    );
  });
}

test("kill -9 in the middle of writing loses nothing that was acknowledged", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "starling-crash-"));
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round++) acknowledged.push(...(await killInTheMiddle(folder)));
  assert.ok(acknowledged.length >= ROUNDS * ACKS_A_ROUND, `only ${acknowledged.length} writes were acknowledged`);

  const db = await openSqlite({ file: join(folder, "state.db"), migrations: stateMigrations });
  const check = await db.first<{ integrity_check: string }>({ sql: "pragma integrity_check", parameters: [] });
  assert.equal(check?.integrity_check, "ok");
  const stored = new Set(
    (await db.all<{ id: string }>({ sql: "select id from record", parameters: [] })).map((r) => r.id),
  );
  const queue = openSqlQueue({ db, clock: systemClock, ids: systemIds });
  const messages = await queue.receive("work", { max: 1_000_000, leaseMs: 60_000 });
  const queued = new Set(messages.map((m) => m.body));
  const blobs = openFileBlobs({ folder: join(folder, "blobs") });
  for (const [kind, id = ""] of acknowledged.map((line) => line.split(" "))) {
    if (kind === "row") assert.ok(stored.has(id) && queued.has(id), `${id} is lost`);
    else
      assert.equal(
        createHash("sha256")
          .update(await blobs.read(id))
          .digest("hex"),
        id,
        "a torn blob",
      );
  }
  assert.deepEqual(stored, queued, "a row and its message are written together");
  assert.deepEqual(readdirSync(join(folder, "blobs", "tmp")), []);
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});
