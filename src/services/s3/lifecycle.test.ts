import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LifecycleRule } from "@aws-sdk/client-s3";
import { actionsFor, appliesTo, checkedLifecycle, dueAfter } from "./lifecycle.ts";
import type { ObjectVersion } from "./model.ts";

const DAY = 86_400_000;
const t0 = Date.UTC(2026, 0, 1, 12);
const version = (seq: number, modifiedAt: number, more: Partial<ObjectVersion> = {}): ObjectVersion => ({
  bucket: "b",
  key: "logs/k",
  seq,
  version: `v${seq}`,
  latest: false,
  marker: false,
  size: 10,
  etag: "",
  modifiedAt,
  facts: { segments: [], owner: "" },
  ...more,
});
const rule = (more: LifecycleRule): LifecycleRule => ({ ...more, Status: "Enabled" }) as LifecycleRule;

describe("lifecycle", () => {
  test("days are whole and end at midnight", () => {
    assert.equal(new Date(dueAfter(t0, 1)).toISOString(), "2026-01-03T00:00:00.000Z");
  });

  test("a filter asks for prefix, size and all tags", () => {
    const filter = { And: { Prefix: "logs/", Tags: [{ Key: "a", Value: "1" }], ObjectSizeGreaterThan: 5 } };
    const object = { key: "logs/x", size: 6, tags: [{ Key: "a", Value: "1" }] };
    const it = rule({ Status: "Enabled", Filter: filter });
    assert.ok(appliesTo(it, object));
    for (const other of [{ key: "x" }, { size: 5 }, { tags: [] }]) assert.ok(!appliesTo(it, { ...object, ...other }));
    assert.ok(!appliesTo({ ...it, Status: "Disabled" }, object));
  });

  test("expires the latest, removes old versions but the newest of them, and markers that hide nothing", () => {
    const expire = rule({ Status: "Enabled", Expiration: { Days: 10 } });
    const latest = version(3, t0);
    assert.deepEqual(actionsFor([expire], [latest], t0 + 10 * DAY), []);
    assert.deepEqual(actionsFor([expire], [latest], t0 + 11 * DAY), [{ expire: latest }]);
    const old = rule({
      Status: "Enabled",
      NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 1 },
    });
    const [two, one] = [version(2, t0 - DAY), version(1, t0 - 2 * DAY)];
    assert.deepEqual(actionsFor([old], [latest, two, one], t0 + 30 * DAY), [{ remove: one }]);
    const marker = version(4, t0, { marker: true });
    const clean = rule({ Status: "Enabled", Expiration: { ExpiredObjectDeleteMarker: true } });
    assert.deepEqual(actionsFor([clean], [marker], t0), [{ remove: marker }]);
    assert.deepEqual(actionsFor([clean], [marker, latest], t0), []);
  });

  test("moves onward to the furthest class that is due, and small objects only where a rule names a size", () => {
    const big = version(2, t0, { latest: true, size: 200_000 });
    const old = version(1, t0 - DAY, { size: 200_000 });
    const Transitions = [
      { Days: 1, StorageClass: "STANDARD_IA" as const },
      { Days: 3, StorageClass: "GLACIER" as const },
    ];
    const NoncurrentVersionTransitions = [{ NoncurrentDays: 1, StorageClass: "DEEP_ARCHIVE" as const }];
    const moves = rule({ Status: "Enabled", Transitions, NoncurrentVersionTransitions });
    assert.deepEqual(actionsFor([moves], [big, old], t0), []);
    assert.deepEqual(actionsFor([moves], [big, old], t0 + 2 * DAY), [
      { move: big, to: "STANDARD_IA" },
      { move: old, to: "DEEP_ARCHIVE" },
    ]);
    assert.deepEqual(actionsFor([moves], [big], t0 + 9 * DAY), [{ move: big, to: "GLACIER" }]);
    const moved = { ...big, facts: { ...big.facts, storageClass: "DEEP_ARCHIVE" } };
    assert.deepEqual(actionsFor([moves], [moved], t0 + 9 * DAY), []);
    const small = { ...big, size: 10 };
    assert.deepEqual(actionsFor([moves], [small], t0 + 9 * DAY), []);
    const named = { ...moves, Filter: { ObjectSizeGreaterThan: 1 } };
    assert.deepEqual(actionsFor([named], [small], t0 + 9 * DAY), [{ move: small, to: "GLACIER" }]);
  });

  test("refuses rules without an action, and transitions to no class", () => {
    assert.throws(() => checkedLifecycle([rule({ Status: "Enabled", Prefix: "" })]), { code: "InvalidRequest" });
    assert.throws(
      () =>
        checkedLifecycle([
          rule({ Status: "Enabled", Prefix: "", Transitions: [{ Days: 1, StorageClass: "CHEAP" as "GLACIER" }] }),
        ]),
      { code: "MalformedXML" },
    );
    assert.throws(() => checkedLifecycle([]), { code: "MalformedXML" });
  });
});
