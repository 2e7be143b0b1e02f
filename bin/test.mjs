// npm test: every test, or those whose files are named: npm test -- src/services/iam
import { node, run } from "./node24.mjs";

const wanted = process.argv.slice(2);
const files = wanted.length
  ? wanted.map((name) => (name.endsWith(".ts") ? name : `${name}/**/*.test.ts`))
  : ["src/**/*.test.ts", "test/**/*.test.ts"];
/** Three times what they take on two cores. A file that hangs is named at the end, where it would hold everything for ever. */
const LIMIT_MS = 45 * 60_000;
/** One more than the cores that are counted on: end-to-end tests wait for half of their time. */
const FILES_AT_ONCE = 3;
process.exit(
  run(
    node,
    [
      "--disable-warning=ExperimentalWarning",
      "--test",
      `--test-concurrency=${FILES_AT_ONCE}`,
      "--test-timeout=300000",
      "--test-reporter=spec",
      ...files,
    ],
    { limitMs: LIMIT_MS },
  ),
);
