import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaFaults, type JsonSchema } from "./validate.ts";

const models: Record<string, JsonSchema> = {
  "#/definitions/node": {
    type: "object",
    properties: { next: { $ref: "#/definitions/node" } },
    additionalProperties: false,
  },
  "#/definitions/loop": { $ref: "#/definitions/loop" },
};
const options = {
  resolve: (reference: string) => models[reference],
  fits: (text: string, pattern: string) => new RegExp(pattern).test(text),
};
const isValid = (value: unknown, schema: JsonSchema) => schemaFaults(value, schema, options).length === 0;

test("each keyword of draft 4 takes what fits and refuses what does not", () => {
  const cases: readonly [schema: JsonSchema, good: readonly unknown[], bad: readonly unknown[]][] = [
    [{ type: "integer" }, [1, -2, 1.0], [1.5, "1", null, true]],
    [{ type: ["string", "null"] }, ["", null], [1, [], {}]],
    [{ type: "number", minimum: 1, exclusiveMinimum: true, maximum: 3 }, [1.1, 3], [1, 3.1]],
    [{ multipleOf: 0.1 }, [0.3, 1, "x"], [0.35]],
    [{ enum: [1, { a: [2] }] }, [1, { a: [2] }], [2, { a: [] }]],
    [{ minLength: 2, maxLength: 3, pattern: "^[a-z]+$" }, ["ab", "abc", 5], ["a", "abcd", "A1"]],
    [{ minLength: 2 }, ["😀😀"], ["😀"]],
    [{ items: { type: "string" }, minItems: 1, uniqueItems: true }, [["a", "b"]], [[], [1], ["a", "a"]]],
    [
      { uniqueItems: true },
      [[{ a: 1 }, { a: 2 }]],
      [
        [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
      ],
    ],
    [{ items: [{ type: "string" }, {}], additionalItems: false }, [["a", 1], ["a"]], [[1], ["a", 1, 2]]],
    [{ required: ["a"], properties: { a: { type: "string" } } }, [{ a: "x", b: 1 }, []], [{}, { a: 1 }]],
    [
      { properties: { a: {} }, patternProperties: { "^x-": { type: "number" } }, additionalProperties: false },
      [{ a: 1, "x-b": 2 }],
      [{ b: 1 }, { "x-b": "2" }],
    ],
    [{ additionalProperties: { type: "number" } }, [{ a: 1 }], [{ a: "1" }]],
    [{ minProperties: 1, maxProperties: 1 }, [{ a: 1 }], [{}, { a: 1, b: 2 }]],
    [{ dependencies: { a: ["b"], c: { required: ["d"] } } }, [{ b: 1 }, { a: 1, b: 1 }], [{ a: 1 }, { c: 1 }]],
    [{ allOf: [{ required: ["a"] }, { required: ["b"] }] }, [{ a: 1, b: 1 }], [{ a: 1 }]],
    [{ anyOf: [{ type: "string" }, { type: "number" }] }, ["a", 1], [true]],
    [{ oneOf: [{ minimum: 2 }, { maximum: 3 }] }, [1, 4], [2.5]],
    [{ not: { type: "string" } }, [1], ["a"]],
    [{ $ref: "#/definitions/node" }, [{ next: { next: {} } }], [{ next: { other: 1 } }]],
    [{ $ref: "#/definitions/nothing" }, [], [1]],
    [{}, [1, null, {}], []],
  ];
  for (const [schema, good, bad] of cases) {
    for (const value of good)
      assert.ok(isValid(value, schema), `${JSON.stringify(value)} by ${JSON.stringify(schema)}`);
    for (const value of bad)
      assert.ok(!isValid(value, schema), `${JSON.stringify(value)} by ${JSON.stringify(schema)}`);
  }
});

test("a schema that never ends, or grows without bound, is not met, and soon", () => {
  assert.ok(!isValid(1, { $ref: "#/definitions/loop" }));
  let schema: JsonSchema = { type: "string" };
  for (let i = 0; i < 40; i++) schema = { anyOf: [schema, schema] };
  assert.ok(!isValid(1, schema));
});

test("what is looked at as a whole is paid for: long texts, many names by many patterns", () => {
  const started = performance.now();
  const long = "x".repeat(5_000_000);
  assert.ok(!isValid(long, { allOf: Array.from({ length: 5000 }, () => ({ minLength: 1 })) }));
  const names = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`name${i}`, 1]));
  const patterns = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`pattern${i}`, {}]));
  assert.ok(!isValid(names, { patternProperties: patterns }));
  assert.ok(performance.now() - started < 3_000);
});
