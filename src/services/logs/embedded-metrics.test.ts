import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { embeddedMetrics } from "./embedded-metrics.ts";

const NOW = Date.now();
const directive = {
  Namespace: "shop",
  Dimensions: [["service"], ["service", "region"], []],
  Metrics: [
    { Name: "orders", Unit: "Count" },
    { Name: "latency", Unit: "Milliseconds", StorageResolution: 1 },
  ],
};
const order = {
  _aws: { Timestamp: NOW, CloudWatchMetrics: [directive] },
  service: "checkout",
  orders: 2,
  latency: [10, 30],
};

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

test("metrics that are embedded in log events are CloudWatch's", async () => {
  const stream = { logGroupName: "g", logStreamName: "s" };
  const logs = new CloudWatchLogs(app.client);
  await logs.createLogGroup(stream);
  await logs.createLogStream(stream);
  await logs.putLogEvents({ ...stream, logEvents: [{ timestamp: NOW, message: JSON.stringify(order) }] });
  const metrics = new CloudWatch(app.client);
  const { Datapoints } = await metrics.getMetricStatistics({
    Namespace: "shop",
    MetricName: "latency",
    Dimensions: [{ Name: "service", Value: "checkout" }],
    StartTime: new Date(NOW - 120_000),
    EndTime: new Date(NOW + 120_000),
    Period: 60,
    Statistics: ["Sum", "SampleCount"],
  });
  assert.deepEqual(
    Datapoints!.map((point) => [point.Sum, point.SampleCount, point.Unit]),
    [[40, 2, "Milliseconds"]],
  );
});

test("a dimension set counts where the event has all its members", () => {
  const samples = embeddedMetrics([{ timestamp: 1, message: JSON.stringify(order) }], NOW);
  const orders = samples.filter((sample) => sample.name === "orders");
  assert.deepEqual(
    orders.map(({ dimensions, value, timestamp }) => [{ ...dimensions }, value, timestamp]),
    [
      [{ service: "checkout" }, 2, NOW],
      [{}, 2, NOW],
    ],
  );
  assert.deepEqual(
    samples.filter(({ name }) => name === "latency").map(({ resolution }) => resolution),
    [1, 1, 1, 1],
  );
});

test("what does not follow the format is a log event and nothing more", () => {
  const others = [
    `x ${JSON.stringify(order)}`,
    JSON.stringify(order).slice(0, -1),
    JSON.stringify({ ...order, _aws: { CloudWatchMetrics: "x" } }),
    JSON.stringify({ ...order, _aws: { CloudWatchMetrics: [null, 1, { Namespace: "shop" }] } }),
    JSON.stringify({ ...order, _aws: { CloudWatchMetrics: [{ ...directive, Namespace: "AWS/Lambda" }] } }),
    JSON.stringify({ ...order, orders: "2", latency: {} }),
    JSON.stringify({ a: '"CloudWatchMetrics"' }),
    JSON.stringify({ ...order, orders: "many", latency: "long" }).replaceAll(/"(many|long)"/g, "[1e999, -1e999]"),
    JSON.stringify({ ...order, _aws: { Timestamp: NOW + 3 * 3600_000, CloudWatchMetrics: [directive] } }),
    JSON.stringify({ ...order, _aws: { Timestamp: NOW - 15 * 86_400_000, CloudWatchMetrics: [directive] } }),
  ];
  assert.deepEqual(
    embeddedMetrics(
      others.map((message) => ({ timestamp: NOW, message })),
      NOW,
    ),
    [],
  );
});

test("a small event does not make millions of samples", () => {
  const Dimensions = Array.from({ length: 30 }, () => []);
  const Metrics = Array.from({ length: 100 }, () => ({ Name: "n" }));
  const CloudWatchMetrics = Array.from({ length: 100 }, () => ({ Namespace: "shop", Dimensions, Metrics }));
  const many = JSON.stringify({ _aws: { CloudWatchMetrics }, n: Array.from({ length: 100 }, () => 1) });
  assert.ok(embeddedMetrics([{ timestamp: NOW, message: many }], NOW).length <= 50_000);
  const wide = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`d${i}`, "x".repeat(1000)]));
  const of = { Namespace: "shop", Dimensions: [Object.keys(wide)], Metrics };
  const message = JSON.stringify({ _aws: { CloudWatchMetrics: Array.from({ length: 100 }, () => of) }, ...wide, n: 1 });
  assert.ok(embeddedMetrics([{ timestamp: NOW, message }], NOW).length < 200);
});
