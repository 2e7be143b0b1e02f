import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { test } from "node:test";
import { TelemetryDelivery } from "./telemetry-delivery.ts";

test("a subscriber that was away gets what fits into the buffer, and is told what was dropped", async (t) => {
  const batches: { type?: string; n?: number; record?: object }[][] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    batches.push(JSON.parse(body));
    response.end();
    server.emit("batch");
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  let attempts = 0;
  let isAway = true;
  const delivery = new TelemetryDelivery(
    {
      types: ["function"],
      destination: { protocol: "HTTP", port, path: "/", method: "POST" },
      maxItems: 1000,
      maxBytes: 262_144,
      timeoutMs: 25,
    },
    {
      now: () => 0,
      connect: async () => {
        attempts++;
        if (isAway) throw new Error("nobody listens");
        return connect(port, "127.0.0.1");
      },
    },
  );
  t.after(() => delivery.close());
  delivery.add('{"n":0}');
  await delivery.flush();
  assert.equal(attempts, 1);
  for (let n = 1; n < 2010; n++) delivery.add(`{"n":${n}}`);
  assert.equal(attempts, 1, "a full buffer is no reason to try at once again");
  isAway = false;
  while (batches.flat().length < 2001) await once(server, "batch", { signal: AbortSignal.timeout(5000) });
  assert.deepEqual(batches[0]![0], {
    time: "1970-01-01T00:00:00.000Z",
    type: "platform.logsDropped",
    record: {
      droppedRecords: 10,
      droppedBytes: 100,
      reason: "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",
    },
  });
  assert.deepEqual(
    batches.flat().flatMap(({ n }) => n ?? []),
    Array.from({ length: 2000 }, (_, n) => n),
  );
});
