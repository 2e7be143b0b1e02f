// npm run check: what must hold before a commit, in about a minute. End-to-end tests are npm test's.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { env, node, root, run } from "./node24.mjs";

const tool = (name, file) => join(root, "node_modules", name, file);
const cache = join(root, "node_modules", ".cache");
const READING = [
  ["format", [tool("oxfmt", "bin/oxfmt"), "--check", "."]],
  ["lint", [tool("oxlint", "bin/oxlint"), "src", "test", "tools", "bench", "bin"]],
  [
    "types",
    [tool("typescript", "bin/tsc"), "-p", ".", "--incremental", "--tsBuildInfoFile", join(cache, "types.tsbuildinfo")],
  ],
  ["dead code", [tool("knip", "bin/knip.js")]],
];
const TESTS = [
  "--disable-warning=ExperimentalWarning",
  "--test",
  "--test-concurrency=3",
  "--test-timeout=120000",
  "--test-reporter=dot",
  "src/**/*.test.ts",
  "test/*.test.ts",
];
const READING_LIMIT_MS = 5 * 60_000;
const TESTS_LIMIT_MS = 15 * 60_000;

const told = (name, code, started) => {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)\n`);
  return code;
};

/** Runs a tool beside others; what it printed is shown when it has ended, so that it stays together. */
const read = ([name, args]) =>
  new Promise((done) => {
    const started = performance.now();
    const child = spawn(node, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"], timeout: READING_LIMIT_MS });
    const printed = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => printed.push(chunk));
    child.on("error", (error) => printed.push(`starling: ${node} cannot be started: ${error.message}\n`));
    child.on("close", (code) => {
      process.stdout.write(Buffer.concat(printed.map((chunk) => Buffer.from(chunk))));
      done(told(name, code ?? 1, started));
    });
  });

mkdirSync(cache, { recursive: true });
const codes = await Promise.all(READING.map(read));
const started = performance.now();
codes.push(told("unit and service tests", run(node, TESTS, { limitMs: TESTS_LIMIT_MS }), started));
process.exit(codes.some((code) => code !== 0) ? 1 : 0);
