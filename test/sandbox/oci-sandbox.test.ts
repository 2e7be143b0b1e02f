import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launcherCommand } from "../../src/launcher/command.ts";

const skip = process.getuid?.() !== 0 ? "sandboxes need root" : spawnSync("crun", ["--version"]).error && spawnSync("runc", ["--version"]).error ? "neither crun nor runc is installed" : false;

test("the sandboxes of the launcher keep the contract", { skip, timeout: 120_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "starling-sandbox-"));
  try {
    const { command, args } = launcherCommand({ codeDir: join(import.meta.dirname, "../.."), dataDir, entry: "test/sandbox/contract.app.ts" });
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NODE_TEST_CONTEXT: "" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    const code = await new Promise((resolve) => child.once("close", resolve));
    assert.equal(code, 0, output);
    assert.match(output, /pass \d\d/);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
