#!/usr/bin/env node
// The command line's first step: any Node from 20 on starts it, and it goes on under the Node 24 that Starling brings.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node = join(root, "node_modules", `node-linux-${process.arch}`, "bin", "node");
const main = join(root, "src", "cli", "main.ts");

if (!existsSync(node)) {
  const { status } = spawnSync(process.execPath, [join(root, "bin", "prepare.mjs")], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
const child = spawn(node, ["--disable-warning=ExperimentalWarning", main, ...process.argv.slice(2)], {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  process.stderr.write(`starling: ${node} cannot be started: ${error.message}\n`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
