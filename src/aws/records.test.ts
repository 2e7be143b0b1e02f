import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Records } from "./records.ts";
import { FakeClock } from "../kernel/clock.ts";
import { GuardFailed, type Database } from "../ports/database.ts";
import { stateMigrations } from "../backends/sql/migrations/index.ts";
import { openSqlQueue } from "../backends/sql/sql-queue.ts";
import { systemIds } from "../kernel/ids.ts";
import { openSqlite } from "../backends/sql/sqlite-database.ts";

describe("Records on SQLite", () => {
  const folder = mkdtempSync(join(tmpdir(), "starling-records-"));
  let db: Database;
  let regions = 0;
  const fresh = (): Records =>
    new Records(db, new FakeClock(), { service: "s", account: "1", region: `r${regions++}` });
  before(async () => {
    db = await openSqlite({ file: join(folder, "state.db"), migrations: stateMigrations });
  });
  after(async () => {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("create stores once, with what comes along, and tells what is there already", async () => {
    const records = fresh();
    assert.equal(await records.create("k", "a", { n: 1 }, records.put("k", "b", 2)), true);
    assert.equal(await records.create("k", "a", { n: 2 }, records.put("k", "c", 3)), false);
    assert.deepEqual(await records.get("k", "a"), { id: "a", rev: 1, value: { n: 1 } });
    assert.deepEqual(
      (await records.list("k")).map((r) => r.id),
      ["a", "b"],
    );
    assert.equal(await records.get("k", "none"), undefined);
  });

  test("what is made of records is kept until something is written, and not where that happens meanwhile", async () => {
    const records = fresh();
    let made = 0;
    const value = () => records.made("sum", async () => `${++made} ${(await records.getShared("k", "a"))?.value}`);
    assert.equal(await value(), "1 undefined");
    assert.equal(await value(), "1 undefined");
    await records.write(records.put("k", "a", 1));
    assert.equal(await value(), "2 1");
    await records.write(records.put("k", "a", 2));
    const late = await records.made("late", async () => {
      const read = (await records.getShared("k", "a"))?.value;
      await records.write(records.put("k", "a", 3));
      return read;
    });
    assert.equal(late, 2);
    assert.equal(await records.made("late", async () => (await records.getShared("k", "a"))?.value), 3);
  });

  test("messages leave what is kept as it is, unless a record is written with them", async () => {
    const records = fresh();
    const queue = openSqlQueue({ db, clock: new FakeClock(), ids: systemIds });
    let made = 0;
    const value = async () => records.made("count", async () => ++made);
    assert.equal(await value(), 1);
    await records.write(queue.enqueue("topic", "{}"));
    const [message] = await queue.receive("topic", { max: 1, leaseMs: 1000 });
    assert.ok(message && (await queue.extend(message, 1000)) && (await queue.complete(message)));
    assert.equal(await value(), 1);
    await records.write(queue.enqueue("topic", "{}"), records.put("k", "a", 1));
    assert.equal(await value(), 2);
    const [other] = await queue.receive("topic", { max: 1, leaseMs: 1000 });
    assert.ok(other && (await queue.complete(other, [records.put("k", "a", 2)])));
    assert.equal(await value(), 3);
  });

  test("put and remove with a revision refuse another one, and nothing of the batch is stored", async () => {
    const records = fresh();
    await records.write(records.put("k", "a", 1), records.put("k", "a", 2));
    await assert.rejects(records.write(records.put("k", "b", 1), records.put("k", "a", 3, 1)), GuardFailed);
    await assert.rejects(records.write(records.remove("k", "a", 1)), GuardFailed);
    assert.equal(await records.count("k"), 1);
    await records.write(records.put("k", "a", 3, 2), [records.remove("k", "none")]);
    assert.deepEqual(await records.get("k", "a"), { id: "a", rev: 3, value: 3 });
    await records.write(records.remove("k", "a", 3));
    assert.equal(await records.count("k"), 0);
  });

  test("list pages in byte order by prefix, forward and backward", async () => {
    const records = fresh();
    const ids = ["a", "p", "p/\u{1f600}", "p/B", "p/a", "p0", "q", "P/x", "p%x", "p_x"];
    await records.write(ids.map((id) => records.put("k", id, 0)));
    const list = async (options: object): Promise<string[]> => (await records.list("k", options)).map((r) => r.id);
    assert.deepEqual(await list({ prefix: "p/" }), ["p/B", "p/a", "p/\u{1f600}"]);
    assert.deepEqual(await list({ prefix: "p", after: "p/B", limit: 2 }), ["p/a", "p/\u{1f600}"]);
    assert.deepEqual(await list({ after: "p", reverse: true }), ["a", "P/x"]);
    assert.equal(await records.count("k", "p"), 7);
  });

  test("update loses nothing where many change one record", async () => {
    const records = fresh();
    await records.create("k", "n", { n: 0 });
    await Promise.all(
      Array.from({ length: 20 }, () => records.update<{ n: number }>("k", "n", ({ n }) => ({ n: n + 1 }))),
    );
    assert.deepEqual((await records.get("k", "n"))?.value, { n: 20 });
    assert.equal(await records.update("k", "none", () => 1), undefined);
    assert.deepEqual(
      await records.update<{ n: number }>("k", "n", (value) => {
        value.n = 99;
        return undefined;
      }),
      { n: 20 },
    );
  });

  test("accounts and regions see only their own", async () => {
    const [one, other] = [fresh(), fresh()];
    await one.create("k", "a", 1);
    assert.equal(await other.get("k", "a"), undefined);
    assert.equal(await other.count("k"), 0);
  });
});
