import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

test("a command's own --help tells how it is used", () => {
  const args = [join(import.meta.dirname, "main.ts"), "destroy", "--help"];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 30_000 });
  assert.equal(status, 0);
  assert.match(stdout, /starling destroy <name>/);
});
