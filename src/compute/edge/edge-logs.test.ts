import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { createContext } from "../../aws/context.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { EdgeLogs } from "./edge-logs.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

test("long messages come in batches that PutLogEvents takes, and a flood of them is cut off", async () => {
  const { platform, registry } = app.running;
  const principal = { kind: "anonymous", account: "000000000000" } as const;
  const facts = { service: "apigateway", account: "000000000000", region: "us-east-1", principal };
  const edge = new EdgeLogs();
  const long = Array.from({ length: 200 }, (_, i) => `${String(i).padStart(3, "0")} ${"x".repeat(190_000)}`);
  edge.write(createContext(platform, registry, facts), { group: "edge", stream: "s", makesGroup: true }, long);
  const logs = new CloudWatchLogs(app.client);
  const has = async (filterPattern: string): Promise<number> =>
    (await logs.filterLogEvents({ logGroupName: "edge", filterPattern }).catch(() => undefined))?.events?.length ?? 0;
  const deadline = Date.now() + 20_000;
  while ((await has("087")) === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([await has("000"), await has("087"), await has("088")], [1, 1, 0]);
});
