import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

describe("Logs as JSON", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let kit: FunctionKit;
  before(async () => {
    platform = await startPlatform();
    kit = await functionKit(platform.client);
  });
  after(() => platform?.stop());

  async function lines(name: string, event: object) {
    const { log } = await kit.call(name, event, { LogType: "Tail" });
    return log
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  test("Node: the console by its levels, errors, and Lambda's own lines", async () => {
    const f = await kit.create(
      {
        "index.js":
          "exports.handler = async (e) => { console.debug('no'); console.log({ a: 1 }); console.info('n %d', 2); " +
          "console.warn('w', new RangeError('far')); if (e.fail) throw new TypeError('bad'); }",
      },
      { LoggingConfig: { LogFormat: "JSON", SystemLogLevel: "DEBUG" } },
    );
    const [start, object, text, warning, done, report] = await lines(f, {});
    assert.equal(start.type, "platform.start");
    assert.equal(start.record.version, "$LATEST");
    const { requestId } = start.record;
    const { timestamp, ...rest } = object;
    assert.match(timestamp, /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/);
    assert.deepEqual(rest, { level: "INFO", requestId, message: { a: 1 } });
    assert.deepEqual([text.level, text.message], ["INFO", "n 2"]);
    assert.deepEqual([warning.level, warning.errorType, warning.errorMessage], ["WARN", "RangeError", "far"]);
    assert.match(warning.stackTrace[1], /index\.js/);
    assert.deepEqual([done.type, done.record.status], ["platform.runtimeDone", "success"]);
    assert.equal(report.type, "platform.report");
    assert.equal(report.record.metrics.memorySizeMB, 128);
    const failed = (await lines(f, { fail: true })).find((line) => line.level === "ERROR");
    assert.deepEqual([failed.message.errorType, failed.message.errorMessage], ["TypeError", "bad"]);
  });

  test("Python: logging by its levels; system lines from a level on", async () => {
    const source =
      "import logging\nlog = logging.getLogger('mine')\ndef handler(event, context):\n" +
      "    log.info('no')\n    log.warning('w %d', 1, extra={'more': 2})\n    try: 1 / 0\n    except Exception: log.exception('e')\n";
    const f = await kit.create(
      { "index.py": source },
      {
        Runtime: "python3.11",
        LoggingConfig: { LogFormat: "JSON", ApplicationLogLevel: "WARN", SystemLogLevel: "WARN" },
      },
    );
    const [warning, error, ...others] = await lines(f, {});
    assert.deepEqual(others, []);
    const { timestamp, requestId, ...rest } = warning;
    assert.match(timestamp, /^\d{4}-\d\d-\d\dT[\d:]{8}Z$/);
    assert.match(requestId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, { level: "WARNING", message: "w 1", logger: "mine", more: 2 });
    assert.deepEqual([error.errorType, error.errorMessage], ["ZeroDivisionError", "division by zero"]);
    assert.match(error.location, /index\.py:handler:\d+$/);
  });
});
