// npm run check: what must hold before a commit, in about a minute. End-to-end tests are npm test's.
import { join } from "node:path";
import { node, root, run } from "./node24.mjs";

const tool = (name, file) => join(root, "node_modules", name, file);
const steps = [
  ["format", [tool("oxfmt", "bin/oxfmt"), "--check", "."]],
  ["lint", [tool("oxlint", "bin/oxlint"), "src", "test", "tools", "bench", "bin"]],
  ["types", [tool("typescript", "bin/tsc"), "-p", "."]],
  ["dead code", [tool("knip", "bin/knip.js")]],
  [
    "unit and service tests",
    [
      "--disable-warning=ExperimentalWarning",
      "--test",
      "--test-concurrency=2",
      "--test-reporter=dot",
      "src/**/*.test.ts",
      "test/*.test.ts",
    ],
  ],
];
let failed = 0;
for (const [name, args] of steps) {
  const started = performance.now();
  const code = run(node, args);
  process.stdout.write(
    `${code === 0 ? "ok    " : "FAILED"} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`,
  );
  failed += code === 0 ? 0 : 1;
}
process.exit(failed ? 1 : 0);
