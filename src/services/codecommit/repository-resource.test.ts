import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CloudFormation,
  waitUntilStackCreateComplete,
  waitUntilStackUpdateComplete,
} from "@aws-sdk/client-cloudformation";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.stop());

test("code is for a new repository alone: an update passes over it, as AWS does", async () => {
  const client = new CloudFormation(app.client);
  const StackName = "repository";
  const waiting = { client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 };
  const template = (more: object): string =>
    JSON.stringify({
      Resources: { R: { Type: "AWS::CodeCommit::Repository", Properties: { RepositoryName: "r", ...more } } },
    });
  await client.createStack({ StackName, TemplateBody: template({}) });
  await waitUntilStackCreateComplete(waiting, { StackName });
  const Code = { S3: { Bucket: "none", Key: "none" } };
  await client.updateStack({ StackName, TemplateBody: template({ RepositoryDescription: "d", Code }) });
  await waitUntilStackUpdateComplete(waiting, { StackName });
  const { StackEvents } = await client.describeStackEvents({ StackName });
  const done = StackEvents!.find((event) => event.LogicalResourceId === "R");
  assert.deepEqual([done?.ResourceStatus, done?.ResourceStatusReason], ["UPDATE_COMPLETE", undefined]);
});
