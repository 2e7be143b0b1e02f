import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { runContract } from "../../ports/database.contract.ts";
import { StorageBusy, StorageFull } from "../../ports/database.ts";
import { stateMigrations } from "./migrations/index.ts";
import { openSqlite } from "./sqlite-database.ts";

const root = mkdtempSync(join(tmpdir(), "starling-sqlite-"));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(root, `${files++}.db`);

runContract({
  open: async () => {
    const db = await openSqlite({ file: fresh(), migrations: stateMigrations });
    return { db, dispose: () => db.close() };
  },
});

const first = {
  version: 1,
  name: "one",
  statements: ["create table t (a integer) strict", "insert into t values (7)"],
};
const second = { version: 2, name: "two", statements: ["alter table t add column b text"] };

describe("openSqlite", () => {
  test("migrates forward and keeps a copy of the file as it was", async () => {
    const file = fresh();
    await (await openSqlite({ file, migrations: [first] })).close();
    const db = await openSqlite({ file, migrations: [first, second] });
    assert.deepEqual({ ...(await db.first<object>({ sql: "select a, b from t", parameters: [] })) }, { a: 7, b: null });
    await db.close();
    const copy = new DatabaseSync(`${file}.before-2`);
    assert.deepEqual(
      copy
        .prepare("select * from t")
        .all()
        .map((r) => ({ ...r })),
      [{ a: 7 }],
    );
    copy.close();
  });

  test("a migration that fails changes nothing", async () => {
    const file = fresh();
    await (await openSqlite({ file, migrations: [first] })).close();
    const broken = { version: 2, name: "broken", statements: ["drop table t", "select no_such_function()"] };
    await assert.rejects(openSqlite({ file, migrations: [first, broken] }), /no_such_function/);
    const db = await openSqlite({ file, migrations: [first] });
    assert.equal((await db.all({ sql: "select * from t", parameters: [] })).length, 1);
    await db.close();
  });

  test("refuses a file of a newer version, and says what to do", async () => {
    const file = fresh();
    await (await openSqlite({ file, migrations: [first, second] })).close();
    await assert.rejects(openSqlite({ file, migrations: [first] }), /newer version of Starling.*restore/);
  });

  test("a full disk is StorageFull, stores nothing of the write, and reads and smaller writes go on", async () => {
    const file = fresh();
    const full = await openSqlite({ file, migrations: [first], maxPages: 4 });
    const rows = Array.from({ length: 3000 }, (_, i) => ({ sql: "insert into t values (?)", parameters: [i] }));
    await assert.rejects(full.write(rows), StorageFull);
    assert.equal((await full.all({ sql: "select * from t", parameters: [] })).length, 1);
    await full.write([{ sql: "insert into t values (9)", parameters: [] }]);
    assert.equal((await full.all({ sql: "select * from t", parameters: [] })).length, 2);
    await full.close();
  });

  test("refuses more writes than may wait, and takes them again later", async () => {
    const db = await openSqlite({ file: fresh(), migrations: [first], maxWaiting: 3 });
    const write = (): Promise<number[]> => db.write([{ sql: "insert into t values (1)", parameters: [] }]);
    const results = await Promise.allSettled([write(), write(), write(), write()]);
    const last = results[3];
    assert.ok(last?.status === "rejected" && last.reason instanceof StorageBusy);
    await write();
    assert.equal((await db.all({ sql: "select * from t", parameters: [] })).length, 5);
    await db.close();
  });

  test("close stores what was waiting, and a write afterwards is refused", async () => {
    const file = fresh();
    const db = await openSqlite({ file, migrations: [first] });
    const pending = db.write([{ sql: "insert into t values (1)", parameters: [] }]);
    await db.close();
    await pending;
    await assert.rejects(db.write([{ sql: "insert into t values (1)", parameters: [] }]), /closed/);
  });

  test("backup makes a file that holds all acknowledged writes", async () => {
    const db = await openSqlite({ file: fresh(), migrations: [first] });
    await db.write([{ sql: "insert into t values (1)", parameters: [] }]);
    const path = join(root, "copy.db");
    await db.backup(path);
    assert.ok(existsSync(path));
    const copy = await openSqlite({ file: path, migrations: [first] });
    assert.equal((await copy.all({ sql: "select * from t", parameters: [] })).length, 2);
    await copy.close();
    await assert.rejects(db.backup(join(root, "no-such-folder", "x.db")));
    await db.close();
  });
});
