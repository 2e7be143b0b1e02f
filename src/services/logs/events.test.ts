import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let logs: CloudWatchLogs;
const stream = { logGroupName: "g", logStreamName: "s" };
const KIB = 1024;
before(async () => {
  app = await startTestApp();
  logs = new CloudWatchLogs(app.client);
  await logs.createLogGroup(stream);
  await logs.createLogStream(stream);
  for (const from of [0, 8])
    await logs.putLogEvents({
      ...stream,
      logEvents: Array.from({ length: 8 }, (_none, i) => ({
        timestamp: Date.now() - 60_000 + from,
        message: `${(from + i) % 2 ? "odd" : "even"} ${from + i} ${"x".repeat(100 * KIB)}`,
      })),
    });
});
after(() => app.stop());

/** The numbers of the events of each page. */
const numbers = (events: { message?: string | undefined }[] | undefined): number[] =>
  events!.map((event) => Number(event.message!.split(" ")[1]));
const upTo = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_none, i) => from + i * step);

describe("log events", () => {
  test("are found in answers of a megabyte at most, each of which says where the next goes on", async () => {
    const found = async (filterPattern?: string): Promise<number[][]> => {
      const pages: number[][] = [];
      let nextToken: string | undefined;
      do {
        const page = await logs.filterLogEvents({ logGroupName: "g", filterPattern, nextToken });
        pages.push(numbers(page.events));
        nextToken = page.nextToken;
      } while (nextToken && pages.length < 10);
      return pages;
    };
    assert.deepEqual(await found(), [upTo(0, 10), upTo(10, 16)]);
    assert.deepEqual(await found("even"), [upTo(0, 16, 2)]);
  });

  test("of a stream are read in answers of a megabyte, forward and backward, none of them twice", async () => {
    const read = async (startFromHead: boolean): Promise<{ pages: number[][]; token: string | undefined }> => {
      const pages: number[][] = [];
      let token: string | undefined;
      for (;;) {
        const page = await logs.getLogEvents({ ...stream, startFromHead, nextToken: token });
        const next = startFromHead ? page.nextForwardToken : page.nextBackwardToken;
        if (next === token || pages.length > 5) return { pages, token };
        pages.push(numbers(page.events));
        token = next;
      }
    };
    const { pages, token } = await read(true);
    assert.deepEqual(pages, [upTo(0, 10), upTo(10, 16)]);
    assert.deepEqual((await read(false)).pages, [upTo(6, 16), upTo(0, 6)]);
    await logs.putLogEvents({ ...stream, logEvents: [{ timestamp: Date.now(), message: "even 16" }] });
    assert.deepEqual(numbers((await logs.getLogEvents({ ...stream, nextToken: token })).events), [16]);
  });
});
