import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEvent } from "../../ports/telemetry.ts";
import { EnvironmentLog } from "./log-lines.ts";

const LIMIT = 256 * 1024 - 26;

test("a message longer than an event may be is split between characters", () => {
  const events: LogEvent[] = [];
  const log = new EnvironmentLog(
    (some) => events.push(...some),
    () => 0,
  );
  const text = "ä€😀".repeat(100_000);
  log.message(text);
  log.end();
  assert.equal(events.map(({ message }) => message).join(""), text);
  assert.equal(events.length, Math.ceil(Buffer.byteLength(text) / LIMIT));
  for (const { message } of events) assert.ok(Buffer.byteLength(message) <= LIMIT);
});

test("of Lambda's own lines only those of the level and above are written as JSON", () => {
  const written = (level: string): string[] => {
    const events: LogEvent[] = [];
    const log = new EnvironmentLog(
      (some) => events.push(...some),
      () => 0,
      { level },
    );
    log.started("r", "1");
    const report = { requestId: "r", durationMs: 1, billedMs: 1, memoryMB: 128, usedMB: 1 };
    log.ended(report, 2, false);
    log.ended({ ...report, status: "timeout" }, 2, true);
    log.end();
    return events.map(({ message }) => `${JSON.parse(message).type} ${JSON.parse(message).record.status ?? ""}`.trim());
  };
  const failed = ["platform.runtimeDone timeout", "platform.report timeout"];
  assert.deepEqual(written("WARN"), failed);
  assert.deepEqual(written("INFO"), ["platform.start", "platform.report success", ...failed]);
  assert.equal(written("DEBUG").length, 5);
});
