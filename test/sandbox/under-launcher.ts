import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launcherCommand } from "../../src/launcher/command.ts";

/** How long a file of tests may take under the launcher; asked to end, its runner names what it was at. */
const LIMIT_MS = 120_000;
/** How long the launcher may take to clear up once it was asked to end. */
const END_MS = 15_000;

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
    const timers = [
      setTimeout(() => {
        output += `\nnot over after ${LIMIT_MS} ms: asked to end\n`;
        child.kill("SIGTERM");
      }, LIMIT_MS),
      setTimeout(() => {
        output += "the launcher did not end when it was asked to: killed\n";
        child.kill("SIGKILL");
      }, LIMIT_MS + END_MS),
    ];
    const code = await new Promise((resolve) => child.once("close", resolve));
    for (const timer of timers) clearTimeout(timer);
    assert.equal(code, 0, output);
    assert.match(output, /pass [1-9]/);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
