import assert from "node:assert/strict";
import { test } from "node:test";
import { oneWord, parseArguments } from "./arguments.ts";
import { plain, table } from "./terminal.ts";

test("flags take their value behind them or behind an equals sign; settings are let through", () => {
  const parsed = parseArguments(["shop", "--template", "a", "--name=My shop", "--json", "--port", "1"], {
    values: ["--template", "--name"],
    switches: ["--json"],
  });
  assert.deepEqual([parsed.value("--template"), parsed.value("--name"), parsed.has("--json")], ["a", "My shop", true]);
  assert.equal(oneWord(parsed, "name", "usage"), "shop");
});

test("an unknown flag, a missing value and a second word are refused by name", () => {
  assert.throws(() => parseArguments(["--nope"], {}), /no option --nope/);
  assert.throws(() => parseArguments(["--template"], { values: ["--template"] }), /--template needs a value/);
  assert.throws(
    () => parseArguments(["--template", "--json"], { values: ["--template"], switches: ["--json"] }),
    /needs a value/,
  );
  assert.throws(() => oneWord(parseArguments(["a", "b"], {}), "project", "usage"), /one project only/);
});

test("control characters of others never reach the terminal", () => {
  assert.equal(plain("\u001b[31mred\u001b[0m\u0007 \u001b]0;title\u0007 a\tb\nc\u009b2J"), "red ]0;title a\tb\nc2J");
  assert.equal(
    table([
      ["a", "bb"],
      ["ccc", "d"],
    ]),
    "a    bb\nccc  d",
  );
});
