import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { openSqlite } from "../sql/sqlite-database.ts";
import { backup, restore, verifyBackup } from "./backup.ts";
import { openFileBlobs } from "./file-blobs.ts";

const migrations = [{ version: 1, name: "one", statements: ["create table t (a text) strict"] }];

async function platform(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "starling-backup-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const db = await openSqlite({ file: join(root, "state.db"), migrations });
  t.after(() => db.close());
  const blobs = openFileBlobs({ folder: join(root, "blobs") });
  const { digest } = await blobs.put(Buffer.from("content"));
  await db.write([{ sql: "insert into t values (?)", parameters: [digest] }]);
  mkdirSync(join(root, "git", "a.git", "hooks"), { recursive: true });
  writeFileSync(join(root, "git", "a.git", "hooks", "pre-receive"), "#!/bin/sh\n", { mode: 0o755 });
  symlinkSync("/etc/passwd", join(root, "git", "link"));
  const source = { databases: { state: db }, folders: { blobs: join(root, "blobs"), git: join(root, "git") } };
  return { root, source, digest };
}

describe("backup and restore", () => {
  test("bring back rows, blobs and folders as they were", async (t) => {
    const { root, source, digest } = await platform(t);
    const manifest = await backup(source, join(root, "copy"), 0);
    assert.deepEqual(manifest.skipped, ["link"]);
    const to = {
      databases: { state: join(root, "new", "state.db") },
      folders: { blobs: join(root, "new", "blobs"), git: join(root, "new", "git") },
    };
    await restore(join(root, "copy"), to);
    const db = await openSqlite({ file: to.databases.state, migrations });
    assert.equal((await db.first<{ a: string }>({ sql: "select a from t", parameters: [] }))?.a, digest);
    await db.close();
    assert.equal(String(await openFileBlobs({ folder: to.folders.blobs }).read(digest)), "content");
    assert.equal(statSync(join(to.folders.git, "a.git/hooks/pre-receive")).mode & 0o777, 0o755);
    await assert.rejects(restore(join(root, "copy"), to), /exists already/);
    await assert.rejects(backup(source, join(root, "copy"), 0), /exists already/);
  });

  test("a backup with a changed or missing file is refused before anything is restored", async (t) => {
    const { root, source, digest } = await platform(t);
    await backup(source, join(root, "copy"), 0);
    const file = join(root, "copy", "folders", "blobs", digest.slice(0, 2), digest.slice(2));
    rmSync(file);
    await assert.rejects(verifyBackup(join(root, "copy")), /missing/);
    writeFileSync(file, "c0ntent");
    const to = { databases: { state: join(root, "s.db") }, folders: { blobs: join(root, "b"), git: join(root, "g") } };
    await assert.rejects(restore(join(root, "copy"), to), /another content/);
    assert.ok(!existsSync(join(root, "s.db")));
  });

  test("a manifest that names a path outside is refused", async (t) => {
    const { root, source } = await platform(t);
    await backup(source, join(root, "copy"), 0);
    const path = join(root, "copy", "manifest.json");
    const text = readFileSync(path, "utf8").replace("sql/state.db", "../outside.db");
    writeFileSync(path, text);
    await assert.rejects(verifyBackup(join(root, "copy")), /outside/);
    await assert.rejects(verifyBackup(root), /not a backup/);
  });
});
