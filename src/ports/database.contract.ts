import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { GuardFailed, UniqueViolation, type Database, type Statement } from "./database.ts";
import { query } from "./sql.ts";

/** What a backend gives to prove that its Database keeps the port's promises. */
export interface DatabaseContract {
  /** Opens a fresh database with the state's schema. */
  open(): Promise<{ db: Database; dispose(): Promise<void> }>;
}

const insert = (id: string, value = "{}"): Statement => ({
  sql: "insert into record (service, account, region, kind, id, rev, value, created_at, updated_at) values ('t', 'a', 'r', 'k', ?, 1, ?, 0, 0)",
  parameters: [id, value],
});
const ids = async (db: Database): Promise<string[]> =>
  (await db.all<{ id: string }>({ sql: "select id from record where service = 't' order by id", parameters: [] })).map(
    (r) => r.id,
  );

/** Runs the suite that every Database has to pass. */
export function runContract(contract: DatabaseContract): void {
  describe("database", () => {
    let db: Database;
    let dispose: () => Promise<void>;
    before(async () => {
      ({ db, dispose } = await contract.open());
    });
    after(() => dispose());
    const clear = (): Promise<number[]> =>
      db.write([{ sql: "delete from record where service = 't'", parameters: [] }]);

    test("write: a batch is stored as a whole, and a read right after sees it", async () => {
      await clear();
      assert.deepEqual(await db.write([insert("1"), insert("2")]), [1, 1]);
      assert.deepEqual(await ids(db), ["1", "2"]);
    });

    test("write: a duplicate key is a UniqueViolation and takes back its whole batch, but no other", async () => {
      await clear();
      await db.write([insert("old")]);
      const [bad, good] = await Promise.allSettled([
        db.write([insert("new"), insert("old")]),
        db.write([insert("other")]),
      ]);
      assert.equal(good.status, "fulfilled");
      assert.ok(bad.status === "rejected" && bad.reason instanceof UniqueViolation);
      assert.deepEqual(await ids(db), ["old", "other"]);
    });

    test("write: a guard that does not hold takes back its whole batch and names the statement", async () => {
      await clear();
      const missing: Statement = {
        sql: "delete from record where service = 't' and id = 'none'",
        parameters: [],
        expect: 1,
      };
      await assert.rejects(
        db.write([insert("x"), missing]),
        (error) => error instanceof GuardFailed && error.index === 1,
      );
      assert.deepEqual(await ids(db), []);
    });

    test("write: of many that compare and set one row, none loses an update", async () => {
      await clear();
      await db.write([insert("n", "0")]);
      const increment = async (): Promise<void> => {
        for (;;) {
          const row = await db.first<{ rev: number; value: string }>({
            sql: "select rev, value from record where service = 't' and id = 'n'",
            parameters: [],
          });
          assert.ok(row);
          const sql = "update record set value = ?, rev = rev + 1 where service = 't' and id = 'n' and rev = ?";
          try {
            await db.write([{ sql, parameters: [String(Number(row.value) + 1), row.rev], expect: 1 }]);
            return;
          } catch (error) {
            if (!(error instanceof GuardFailed)) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: 30 }, increment));
      const row = await db.first<{ value: string }>({ sql: "select value from record where id = 'n'", parameters: [] });
      assert.equal(row?.value, "30");
    });

    test("write: calls what a statement names once its batch is stored, and not where it failed", async () => {
      await clear();
      const seen: string[] = [];
      await db.write([{ ...insert("c"), committed: () => seen.push("stored") }]);
      await assert.rejects(db.write([{ ...insert("c"), committed: () => seen.push("failed") }]));
      assert.deepEqual(seen, ["stored"]);
    });

    test("order of text is the order of its bytes", async () => {
      await clear();
      const keys = ["k-_", "k-a", "k-B", "k-e\u0301", "k-Z", "k-\u00e9", "k-\u{1f600}", "k-\uff5e"];
      await db.write(keys.map((key) => insert(key)));
      const expected = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(await ids(db), expected);
    });

    test("types: a wrong type is refused, and integers up to 2^53 come back as numbers", async () => {
      await clear();
      const sql =
        "insert into record (service, account, region, kind, id, rev, value, created_at, updated_at) values ('t', 'a', 'r', 'k', 'i', ?, '', 0, 0)";
      await assert.rejects(db.write([{ sql, parameters: ["not a number"] }]));
      await db.write([{ sql, parameters: [Number.MAX_SAFE_INTEGER] }]);
      const row = await db.first<{ rev: number }>({ sql: "select rev from record where id = 'i'", parameters: [] });
      assert.equal(row?.rev, Number.MAX_SAFE_INTEGER);
    });

    test("a failing statement is an error with the reason, and the database goes on", async () => {
      await clear();
      await assert.rejects(db.write([{ sql: "insert into nowhere values (1)", parameters: [] }]), /nowhere/);
      await assert.rejects(db.all({ sql: "select * from nowhere", parameters: [] }), /nowhere/);
      await db.write([insert("still")]);
      assert.deepEqual(await ids(db), ["still"]);
    });

    test("takes what the query builder compiles, for reading and writing", async () => {
      await clear();
      await db.write([insert("q", "1")]);
      await db.write([
        query.updateTable("record").set({ value: "2" }).where("service", "=", "t").where("id", "=", "q").compile(),
      ]);
      const row = await db.first<{ value: string }>(query.selectFrom("record").select("value").where("id", "=", "q"));
      assert.equal(row?.value, "2");
    });
  });
}
