import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { coverage } from "../tools/generate-coverage.ts";

test("docs/coverage.md says what is there: node tools/generate-coverage.ts writes it anew", () => {
  assert.equal(readFileSync(join(resolve(import.meta.dirname, ".."), "docs/coverage.md"), "utf8"), coverage());
});
