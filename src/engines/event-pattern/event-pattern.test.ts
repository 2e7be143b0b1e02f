import assert from "node:assert/strict";
import { test } from "node:test";
import { checkInputTransformer, compileEventPattern, matchEventPattern, readPath, transformInput } from "./index.ts";

const event = {
  source: "aws.codecommit",
  detail: {
    referenceName: "master",
    count: 5,
    ip: "10.1.2.3",
    nothing: null,
    tags: ["a", "b"],
    list: [{ n: 1 }, { n: 2 }],
    empty: "",
  },
};
const matches = (pattern: object): boolean => matchEventPattern(compileEventPattern(pattern), event);
const detail = (pattern: object): boolean => matches({ detail: pattern });

test("matches exact values, lists and nested objects", () => {
  assert.ok(matches({ source: ["aws.codecommit"], detail: { referenceName: ["master", "main"] } }));
  assert.ok(!matches({ source: ["aws.s3"] }));
  assert.ok(detail({ tags: ["b"] }));
  assert.ok(detail({ list: { n: [2] } }));
  assert.ok(detail({ nothing: [null] }));
  assert.ok(!detail({ count: ["5"] }));
});

test("matches by prefix, suffix, case, wildcard, numbers and addresses", () => {
  assert.ok(detail({ referenceName: [{ prefix: "ma" }] }));
  assert.ok(detail({ referenceName: [{ prefix: { "equals-ignore-case": "MA" } }] }));
  assert.ok(detail({ referenceName: [{ suffix: "ter" }] }));
  assert.ok(detail({ referenceName: [{ "equals-ignore-case": "MASTER" }] }));
  assert.ok(detail({ referenceName: [{ wildcard: "m*t*r" }] }));
  assert.ok(!detail({ referenceName: [{ wildcard: "m*x" }] }));
  assert.ok(detail({ count: [{ numeric: [">", 3, "<=", 5] }] }));
  assert.ok(!detail({ count: [{ numeric: ["<", 5] }] }));
  assert.ok(detail({ ip: [{ cidr: "10.0.0.0/8" }] }));
  assert.ok(!detail({ ip: [{ cidr: "11.0.0.0/8" }] }));
});

test("matches by what is not there", () => {
  assert.ok(detail({ referenceName: [{ "anything-but": "dev" }] }));
  assert.ok(!detail({ referenceName: [{ "anything-but": ["dev", "master"] }] }));
  assert.ok(!detail({ referenceName: [{ "anything-but": { prefix: "ma" } }] }));
  assert.ok(!detail({ absent: [{ "anything-but": "x" }] }));
  assert.ok(detail({ absent: [{ exists: false }], count: [{ exists: true }] }));
  assert.ok(!detail({ count: [{ exists: false }] }));
  assert.ok(matches({ gone: { deep: [{ exists: false }] } }));
});

test("$or needs one of its alternatives", () => {
  assert.ok(detail({ $or: [{ referenceName: ["x"] }, { count: [5] }] }));
  assert.ok(!detail({ $or: [{ referenceName: ["x"] }, { count: [6] }] }));
});

test("refuses invalid patterns", () => {
  for (const pattern of [
    "{",
    "[]",
    '{"a": "b"}',
    '{"a": []}',
    '{"a": {}}',
    '{"a": [{"nope": 1}]}',
    '{"a": [{"numeric": ["~", 1]}]}',
    '{"a": [{"cidr": "x"}]}',
    '{"a": [{"wildcard": "a**"}]}',
  ]) {
    assert.throws(() => compileEventPattern(pattern), /Event pattern is not valid. Reason: /, pattern);
  }
});

test("hostile wildcards stay fast", () => {
  const pattern = compileEventPattern({ a: [{ wildcard: `${"*a".repeat(200)}b` }] });
  const started = performance.now();
  assert.ok(!matchEventPattern(pattern, { a: "a".repeat(5000) }));
  assert.ok(performance.now() - started < 20_000); // not a measure: a search without end takes minutes
});

test("transforms input", () => {
  const variables = { ruleArn: "arn:rule", ruleName: "r", ingestionTime: "2026-01-01T00:00:00Z" };
  const transformer = {
    inputPathsMap: {
      ref: "$.detail.referenceName",
      tags: "$.detail.tags",
      first: "$.detail.list[0].n",
      none: "$.nope",
    },
    inputTemplate:
      '{"text": "branch <ref> of <aws.events.rule-name> <none>", "tags": <tags>, "n": <first>, "none": <none>}',
  };
  checkInputTransformer(transformer, "t");
  assert.deepEqual(JSON.parse(transformInput(transformer, event, variables)!), {
    text: "branch master of r ",
    tags: ["a", "b"],
    n: 1,
    none: "",
  });
  const made = (inputTemplate: string) => transformInput({ ...transformer, inputTemplate }, event, variables);
  assert.equal(made('"tags <tags>"\n"name <ref>"'), '"tags [a,b]"\n"name master"');
  assert.equal(made('{"tags": "<tags>"}'), undefined);
  assert.equal(readPath("$.detail['count']", event), 5);
  assert.throws(() => checkInputTransformer({ inputTemplate: "<x>" }, "t"), /target t contains invalid placeholder x/);
  assert.throws(() => readPath("$..a", event), /Invalid JSONPath/);
});

test("names joined by dots mean the same as names within names, in the pattern and in the event", () => {
  const nested = compileEventPattern({ detail: { state: { status: ["running"] } } });
  const joined = compileEventPattern({ "detail.state.status": ["running"] });
  for (const text of ['{"detail":{"state.status":"running"}}', '{"detail":{"state":{"status":"running"}}}']) {
    assert.ok(matchEventPattern(nested, JSON.parse(text)));
    assert.ok(matchEventPattern(joined, JSON.parse(text)));
  }
  assert.ok(!matchEventPattern(joined, { detail: { "state.status": "stopped" } }));
});

test("says of a pattern what AWS says of it", () => {
  const cases: [object, RegExp][] = [
    [{ cidr: "bad" }, /Malformed CIDR, one '\/' required/],
    [{ cidr: "10.0.0.0/x" }, /mask bits must be an integer/],
    [{ cidr: "xx.1/8" }, /Nonstandard IP address: xx.1$/],
    [{ numeric: 10 }, /Value of numeric must be an array\./],
    [{ numeric: [">", 0, "<"] }, /Value of < must be numeric/],
    [{ numeric: [">", 0, ">", 0] }, /Bad numeric range operator: >/],
    [{ "anything-but": null }, /must be an array or single string\/number value/],
    [{ "anything-but": [null] }, /start\|null\|boolean is not supported/],
    [{ "anything-but": { prefix: "" } }, /Null prefix\/suffix not allowed/],
    [{ "anything-but": { suffix: 1 } }, /prefix\/suffix match pattern must be a string/],
    [{ wildcard: "a**" }, /Consecutive wildcard characters at pos 2/],
  ];
  for (const [matcher, message] of cases) assert.throws(() => compileEventPattern({ a: [matcher] }), { message });
});
