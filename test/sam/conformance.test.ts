import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const cases = fileURLToPath(new URL("../../../shared/conformance/sam/", import.meta.url));
const adapter = fileURLToPath(new URL("adapter.ts", import.meta.url));

/** Raise these when the transform learns more; they never go down. */
const FLOOR = { equal: 465, refused: 285 };

test(
  "translates the published cases as the official transform does",
  { skip: !existsSync(cases) && "conformance data is absent" },
  () => {
    const command = `'${process.execPath}' '${adapter}'`;
    const run = spawnSync(
      process.execPath,
      [`${cases}compare.mjs`, "--tests", cases, "--cmd", command, "--show", "0"],
      {
        encoding: "utf8",
        timeout: 60_000,
      },
    );
    const score = /transform (\d+)\/\d+ equal; invalid templates refused (\d+)\//.exec(run.stdout);
    assert.ok(score, run.stdout.slice(-500) + run.stderr.slice(-500));
    assert.ok(Number(score[1]) >= FLOOR.equal, score[0]);
    assert.ok(Number(score[2]) >= FLOOR.refused, score[0]);
  },
);
