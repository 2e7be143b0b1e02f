import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApp } from "../../test/support/test-app.ts";
import { apiClient } from "./api-client.ts";
import { projectLogs } from "./project-logs.ts";

const TEMPLATE = JSON.stringify({
  Resources: {
    Role: {
      Type: "AWS::IAM::Role",
      Properties: {
        AssumeRolePolicyDocument: {
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
        },
      },
    },
    Named: {
      Type: "AWS::Lambda::Function",
      Properties: {
        FunctionName: "of-its-own-name",
        Handler: "index.handler",
        Runtime: "nodejs20.x",
        Role: { "Fn::GetAtt": ["Role", "Arn"] },
        Code: { ZipFile: "exports.handler = () => {}" },
      },
    },
  },
});

test("the logs of a project's functions are shown, however they are named", async (t) => {
  const app = await startTestApp();
  t.after(() => app.stop());
  const { region, credentials } = app.client;
  const call = apiClient({ origin: app.endpoint, region, credentials });
  const StackName = "awscodestar-shop-lambda";
  await call("cloudformation", "CreateStack", {
    StackName,
    TemplateBody: TEMPLATE,
    Capabilities: ["CAPABILITY_NAMED_IAM"],
  });
  const logs = projectLogs(call, "shop");
  const isDone = async (): Promise<boolean> => {
    const { Stacks } = await call("cloudformation", "DescribeStacks", { StackName });
    assert.match(Stacks[0].StackStatus, /^CREATE_(IN_PROGRESS|COMPLETE)$/);
    return Stacks[0].StackStatus === "CREATE_COMPLETE";
  };
  for (const end = Date.now() + 20_000; Date.now() < end && !(await isDone());)
    await new Promise((done) => setTimeout(done, 20));
  await logs.read(0);
  const stream = { logGroupName: "/aws/lambda/of-its-own-name", logStreamName: "s" };
  await call("logs", "CreateLogGroup", { logGroupName: stream.logGroupName });
  await call("logs", "CreateLogStream", stream);
  await call("logs", "PutLogEvents", { ...stream, logEvents: [{ timestamp: Date.now(), message: "hello" }] });
  const lines = await logs.read(0);
  assert.deepEqual(
    lines.filter((line) => line.source === "function").map((line) => line.text),
    ["hello"],
  );
});

test("what fails in the pipeline is shown once, with its reason", async (t) => {
  const app = await startTestApp();
  t.after(() => app.stop());
  const { region, credentials } = app.client;
  const call = apiClient({ origin: app.endpoint, region, credentials });
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "codepipeline.amazonaws.com" }, Action: "sts:AssumeRole" }],
  });
  const { Role } = await call("iam", "CreateRole", { RoleName: "release", AssumeRolePolicyDocument });
  await call("s3", "CreateBucket", { Bucket: "artifacts" });
  const action = (name: string, category: string, provider: string, more: object) => ({
    name,
    actions: [{ name, actionTypeId: { category, owner: "AWS", provider, version: "1" }, ...more }],
  });
  const source = { RepositoryName: "none", BranchName: "main", PollForSourceChanges: "false" };
  await call("codepipeline", "CreatePipeline", {
    pipeline: {
      name: "shop-Pipeline",
      roleArn: Role.Arn,
      artifactStore: { type: "S3", location: "artifacts" },
      stages: [
        action("Source", "Source", "CodeCommit", { outputArtifacts: [{ name: "sources" }], configuration: source }),
        action("Approval", "Approval", "Manual", {}),
      ],
    },
  });
  const logs = projectLogs(call, "shop");
  let lines = await logs.read(0);
  for (const end = Date.now() + 10_000; Date.now() < end && lines.length === 0; lines = await logs.read(0))
    await new Promise((done) => setTimeout(done, 20));
  assert.equal(lines[0]?.source, "pipeline");
  assert.match(String(lines[0]?.text), /^Source \(Source\) failed: \S+/);
  assert.deepEqual(await logs.read(0), []);
});
