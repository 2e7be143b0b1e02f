import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runContract } from "../../ports/blobs.contract.ts";
import { openFileBlobs } from "./file-blobs.ts";

runContract({
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "starling-blobs-"));
    return { blobs: openFileBlobs({ folder }), dispose: async () => rmSync(folder, { recursive: true, force: true }) };
  },
});

test("openFileBlobs removes what a killed process left half written", () => {
  const folder = mkdtempSync(join(tmpdir(), "starling-blobs-"));
  openFileBlobs({ folder });
  writeFileSync(join(folder, "tmp", "half"), "x");
  openFileBlobs({ folder });
  assert.deepEqual(readdirSync(join(folder, "tmp")), []);
  rmSync(folder, { recursive: true });
});
