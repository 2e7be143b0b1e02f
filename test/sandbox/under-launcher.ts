import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launcherCommand } from "../../src/launcher/command.ts";

/** Why tests of sandboxes cannot run here, or `false`. */
export function whyNoSandboxes(): string | false {
  if (process.getuid?.() !== 0) return "sandboxes need root";
  const isMissing = (program: string): boolean => spawnSync(program, ["--version"]).error !== undefined;
  return isMissing("crun") && isMissing("runc") ? "neither crun nor runc is installed" : false;
}

/** Runs a file of tests as the launcher's app, that is as the user and with the rights that the platform has; all must pass. */
export async function runUnderLauncher(entry: string): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "starling-sandbox-"));
  try {
    const { command, args } = launcherCommand({ codeDir: join(import.meta.dirname, "../.."), dataDir, entry });
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    const code = await new Promise((resolve) => child.once("close", resolve));
    assert.equal(code, 0, output);
    assert.match(output, /pass [1-9]/);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
