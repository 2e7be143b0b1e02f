import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonFault } from "./json-fault.ts";

const where = (column: number, line = 1): string =>
  `\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: ${line}, column: ${column}]`;
const VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

test("what is no JSON is told as AWS tells it", () => {
  const cases: [string, string][] = [
    ["n\x87r", `Invalid UTF-8 start byte 0x87${where(3)}`],
    ["\x99\xeb", `Unexpected character ((CTRL-CHAR, code 153)): expected a valid value ${VALUE}${where(1)}`],
    ["hello world", `Unrecognized token 'hello': was expecting ${VALUE}${where(6)}`],
    ["<x>", `Unexpected character ('<' (code 60)): expected a valid value ${VALUE}${where(1)}`],
    ["{a: 1}", `Unexpected character ('a' (code 97)): was expecting double-quote to start field name${where(2)}`],
    ['{"a": tru}', `Unrecognized token 'tru': was expecting ${VALUE}${where(10)}`],
    [
      '{"a" 1}',
      `Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value${where(6)}`,
    ],
    ["[1\n 2]", `Unexpected character ('2' (code 50)): was expecting comma to separate Array entries${where(2, 2)}`],
    [
      '{"a": [1',
      `Unexpected end-of-input: expected close marker for Array (start marker at ${where(7).slice(5)})${where(9)}`,
    ],
    ["{} x", `Unrecognized token 'x': was expecting ${VALUE}${where(5)}`],
    ["  ", `No content to map due to end-of-input${where(3)}`],
  ];
  for (const [text, fault] of cases) assert.equal(jsonFault(Buffer.from(text, "latin1")), fault);
});

test("a long text, and one that is nested deeply, take their time once", () => {
  const deep = "[".repeat(1_000_000);
  const long = `{"a": "${"x".repeat(5_000_000)}`;
  for (const text of [deep, long]) assert.match(jsonFault(Buffer.from(text)), /^Unexpected/);
});
