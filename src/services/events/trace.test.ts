import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { SQS } from "@aws-sdk/client-sqs";
import { soon } from "../../../test/support/pipeline-kit.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

test("an event is part of the trace that its sender says", async () => {
  const events = new EventBridge(app.client);
  const sqs = new SQS(app.client);
  const Policy = JSON.stringify({
    Statement: {
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: "*",
    },
  });
  const { QueueUrl } = await sqs.createQueue({ QueueName: "traced", Attributes: { Policy } });
  await events.putRule({ Name: "traced", EventPattern: '{"source":["traced"]}' });
  const Arn = `arn:aws:sqs:us-east-1:000000000000:traced`;
  await events.putTargets({ Rule: "traced", Targets: [{ Id: "1", Arn }] });
  const TraceHeader = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1";
  await events.putEvents({ Entries: [{ Source: "traced", DetailType: "t", Detail: "{}", TraceHeader }] });
  const message = await soon(async () => {
    const asked = { QueueUrl, MessageSystemAttributeNames: ["All" as const] };
    return (await sqs.receiveMessage(asked)).Messages?.[0];
  }, "the event");
  assert.equal(message.Attributes?.AWSTraceHeader, TraceHeader);
});
