import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { SandboxUnderTest } from "./sandbox-builds.contract.ts";

/** What the sandbox of a tool keeps. */
export function testTools({ host, folder }: SandboxUnderTest): void {
  const run = async (id: string, args: string[], input = "", timeoutMs = 10_000) => {
    const tool = await host.startTool({
      id,
      args,
      env: { GIT_CONFIG_NOSYSTEM: "1" },
      mounts: [],
      writable: [{ source: join(folder, "repository"), target: "/srv/r" }],
      memoryMB: 256,
      timeoutMs,
    });
    tool.stdin.end(input);
    const [stdout, stderr, exit] = await Promise.all([text(tool.stdout), text(tool.stderr), tool.exited]);
    return { stdout, stderr, exit };
  };

  test("git works on a folder of the main process, which keeps owning what it writes", async () => {
    mkdirSync(join(folder, "repository"), { recursive: true });
    assert.equal((await run("git-init", ["git", "init", "-q", "--bare", "/srv/r"])).exit.code, 0);
    const { stdout, stderr } = await run(
      "git-hash",
      ["git", "-C", "/srv/r", "hash-object", "-w", "--stdin"],
      "hello\n",
    );
    assert.equal(stdout.trim(), "ce013625030ba8dba906f756967f9e9ca394464a", stderr);
    assert.ok(readFileSync(join(folder, "repository/objects/ce/013625030ba8dba906f756967f9e9ca394464a")).length > 0);
  });

  test("a tool has no network, cannot write elsewhere, and ends when its time is over", async () => {
    const { stdout } = await run("tool-closed", [
      "/bin/sh",
      "-c",
      "curl -s http://127.0.0.1:4566/ || echo closed; touch /usr/x 2>/dev/null || echo closed; ls /",
    ]);
    assert.equal(stdout, "closed\nclosed\nbin\ndev\netc\nlib\nlib64\nproc\nsbin\nsrv\ntmp\nusr\n");
    assert.equal((await run("tool-time", ["sleep", "1000"], "", 200)).exit.signal, "SIGKILL");
  });
}
