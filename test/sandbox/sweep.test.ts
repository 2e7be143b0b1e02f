import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sweepState } from "../../src/launcher/sweep.ts";
import { whyNoSandboxes } from "./under-launcher.ts";

test(
  "a start sweeps the disks of a killed platform's builds while the kernel detaches them",
  { skip: whyNoSandboxes() },
  async () => {
    for (let round = 0; round < 5; round++) {
      const state = mkdtempSync(join(tmpdir(), "starling-sweep-"));
      const disks = join(state, "builds");
      mkdirSync(disks);
      const devices = Array.from({ length: 6 }, (_, i) => {
        const disk = join(disks, `${i}.img`);
        writeFileSync(disk, "");
        truncateSync(disk, 4 * 2 ** 20);
        return execFileSync("losetup", ["--show", "-f", disk], { encoding: "utf8", timeout: 60_000 }).trim();
      });
      const detaching = devices.map((device) => spawn("losetup", ["-d", device], { stdio: "ignore", timeout: 60_000 }));
      const ends = detaching.map((child) => once(child, "exit"));
      try {
        await Promise.race(ends);
        sweepState(state);
      } finally {
        await Promise.all(ends);
        rmSync(state, { recursive: true });
      }
    }
  },
);
