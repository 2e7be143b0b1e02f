import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launcherCommand } from "../../src/launcher/command.ts";
import { startChild } from "../support/child.ts";
import { leftovers } from "../support/leftovers.ts";
import { whyNoSandboxes } from "./under-launcher.ts";

const skip = whyNoSandboxes();
const codeDir = join(import.meta.dirname, "../..");

function start(dataDir: string, marker: string, started: ChildProcess[]): ChildProcess {
  const { command, args } = launcherCommand({
    codeDir,
    dataDir,
    entry: "test/sandbox/victim.app.ts",
    args: marker ? [marker] : [],
  });
  const child = startChild(command, args, { stdio: ["ignore", "pipe", "pipe"], limitMs: 120_000 });
  started.push(child);
  return child;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode === null && child.signalCode === null
    ? new Promise((resolve) => child.once("exit", resolve))
    : Promise.resolve(child.exitCode);

async function ready(child: ChildProcess): Promise<{ app: number; launcher: number }> {
  let output = "";
  child.stderr?.on("data", (chunk) => (output += chunk));
  return await new Promise((resolve, reject) => {
    child.stdout?.once("data", (chunk) => resolve(JSON.parse(String(chunk))));
    child.once("exit", (code) => reject(new Error(`the launcher ended with ${code}: ${output}`)));
  });
}

/** Processes whose command line holds the marker, and helpers of ours that such a sandbox leaves. */
function running(marker: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`sleep\0${marker}`) &&
        !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
      );
    } catch {
      return false;
    }
  });
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`in vain waited until ${what}`);
}

test(
  "whoever is killed, no sandbox lives on and the next start leaves nothing behind",
  { skip, timeout: 60_000 },
  async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), "starling-crash-"));
    const started: ChildProcess[] = [];
    let n = 0;
    try {
      for (const victims of [["launcher"], ["app"], ["launcher", "app"]] as const) {
        await t.test(`kill -9 of ${victims.join(" and ")}`, async () => {
          const marker = `86${process.pid}${++n}`;
          const child = start(dataDir, marker, started);
          const pids = await ready(child);
          // Two in each; the frozen one may have been frozen before its own began.
          await until("all sandboxes run", () => running(marker).length >= 6);
          for (const victim of victims) process.kill(pids[victim], "SIGKILL");
          await ended(child);
          await until("its processes are gone, the frozen ones too", () => running(marker).length === 0);
          assert.equal(await ended(start(dataDir, "", started)), 0);
          assert.deepEqual(leftovers(dataDir), []);
        });
      }
      await t.test("SIGTERM ends all of it, with the app's code, and nothing is left", async () => {
        const marker = `86${process.pid}${++n}`;
        const child = start(dataDir, marker, started);
        await ready(child);
        const second = start(dataDir, "", started);
        let refusal = "";
        second.stderr?.on("data", (chunk) => (refusal += chunk));
        assert.equal(await ended(second), 1);
        assert.match(refusal, new RegExp(`in use by process ${child.pid}`));
        child.kill("SIGTERM");
        assert.equal(await ended(child), 3);
        assert.deepEqual(running(marker), []);
        assert.deepEqual(leftovers(dataDir), []);
      });
    } finally {
      for (const child of started) child.kill("SIGTERM");
      await Promise.all(started.map(ended));
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
);
