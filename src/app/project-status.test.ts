import assert from "node:assert/strict";
import { test } from "node:test";
import { lastWords } from "./project-status.ts";

const agent = (text: string): string => `[Container] 2026/01/01 00:00:00.000000 ${text}`;

test("of a build that failed, what its first failing command wrote is shown", () => {
  const lines = [
    agent("Running command npm install"),
    "added 1 package",
    agent("Running command npm test"),
    ...Array.from({ length: 30 }, (_, i) => `line ${i}`),
    agent("Command did not exit successfully npm test exit status 1"),
    agent("Running command echo bye"),
    "bye",
    agent("Command did not exit successfully false exit status 1"),
    agent("Phase complete: FINALIZING State: SUCCEEDED"),
  ];
  const shown = lastWords(lines);
  assert.equal(shown.at(-1), "line 29");
  assert.equal(shown.length, 14);
  assert.deepEqual(lastWords(lines.slice(0, 2)), lines.slice(0, 2));
});
