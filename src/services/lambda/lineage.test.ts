import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../../aws/context.ts";
import { furthest, lineageName, nextInChain } from "./lineage.ts";

const ctx = {
  platform: { ids: { uuid: () => crypto.randomUUID() } },
  now: () => Date.now(),
} as unknown as Context<any>;
const [A, B] = ["arn:aws:lambda:us-east-1:000000000000:function:a", "arn:aws:lambda:us-east-1:000000000000:function:b"];

const BEGINNING = /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=[0-9a-f]{8}:0$/;

test("each function of a chain is counted for itself, and the trace stays the same", () => {
  const first = nextInChain(ctx, undefined, lineageName(A));
  assert.match(first.traceId, BEGINNING);
  const second = nextInChain(ctx, first.traceId, lineageName(B));
  assert.deepEqual([first.repeats, second.repeats], [0, 0]);
  const third = nextInChain(ctx, `${second.traceId};Self=1-67891234-12456789abcdef012345678`, lineageName(A));
  assert.equal(third.repeats, 1);
  assert.match(third.traceId, /;Lineage=[0-9a-f]{8}:1\|[0-9a-f]{8}:0$/);
  assert.equal(third.traceId.split(";")[0], first.traceId.split(";")[0]);
});

test("a root that an endpoint has made stays the root", () => {
  const root = "Root=1-67891234-0123456789abcdef01234567";
  const { traceId } = nextInChain(ctx, root, lineageName(A));
  assert.match(traceId, BEGINNING);
  assert.ok(traceId.startsWith(`${root};`));
});

test("root, parent and decision are always there, for the X-Ray SDK asks for all three", () => {
  for (const header of ["Root=1-67891234-0123456789abcdef01234567;Lineage=12345678:0", "Lineage=12345678:0", "x"])
    assert.match(
      nextInChain(ctx, header, lineageName(A)).traceId,
      /^Root=1-[^;]{33};Parent=[0-9a-f]{16};Sampled=0;Lineage=/,
    );
  const caller = "Root=1-67891234-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1";
  assert.ok(nextInChain(ctx, caller, lineageName(A)).traceId.startsWith(`${caller};Lineage=`));
});

test("what is no lineage counts for nothing", () => {
  for (const header of ["", "Lineage", "Lineage=x:y|:|12345678:-1", ";;;=", `Lineage=${"12345678:1|".repeat(90)}`])
    assert.equal(nextInChain(ctx, header, lineageName(A)).repeats, 0);
});

test("of several events the one that has gone furthest counts", () => {
  const one = nextInChain(ctx, undefined, lineageName(A)).traceId;
  const two = nextInChain(ctx, one, lineageName(A)).traceId;
  assert.equal(furthest([undefined, one, two], A), two);
  assert.equal(furthest([], A), undefined);
});
