import assert from "node:assert/strict";
import { test } from "node:test";
import type { Protocol } from "../../src/aws/model-pack.ts";
import { createModelRegistry } from "../../src/aws/model.ts";
import { encodeResponse } from "../../src/aws/protocol/index.ts";

const models = createModelRegistry();

function bodyOf(service: string, name: string, protocol: Protocol, output: Record<string, unknown>): Buffer {
  const model = models.load(service);
  const operation = model.operation(name)!;
  return Buffer.from(encodeResponse({ model, operation, protocol }, output, "id").body as string | Buffer);
}

test("a number that may have a fraction is written with one, a count is not", () => {
  const output = { MetricDataResults: [{ Id: "m", Values: [66, -0.5, 0, 1e21, NaN] }] };
  const answer = (protocol: Protocol): string => bodyOf("monitoring", "GetMetricData", protocol, output).toString();
  assert.match(answer("awsJson1_0"), /"Values":\[66\.0,-0\.5,0\.0,1e\+21,"NaN"\]/);
  assert.match(answer("awsQuery"), /<member>66\.0<\/member><member>-0\.5<\/member><member>0\.0<\/member>/);
  const alarms = { MetricAlarms: [{ Threshold: 30, Period: 60 }] };
  assert.match(
    bodyOf("monitoring", "DescribeAlarms", "awsJson1_0", alarms).toString(),
    /"Period":60,.*"Threshold":30\.0/,
  );
  const plan = bodyOf("apigateway", "GetUsagePlan", "restJson1", { throttle: { rateLimit: 100, burstLimit: 200 } });
  assert.equal(plan.toString(), `{"throttle":{"burstLimit":200,"rateLimit":100.0}}`);
});

test("CBOR has it as a float", () => {
  const alarms = bodyOf("monitoring", "DescribeAlarms", "rpcv2Cbor", { MetricAlarms: [{ Threshold: 30, Period: 60 }] });
  assert.ok(alarms.includes(Buffer.from("\x66Period\x18\x3c", "latin1")));
  assert.ok(alarms.includes(Buffer.from("\x69Threshold\xfb\x40\x3e\0\0\0\0\0\0", "latin1")));
});
