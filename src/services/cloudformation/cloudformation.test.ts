import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { CodeDeploy } from "@aws-sdk/client-codedeploy";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { SSM } from "@aws-sdk/client-ssm";
import { body, group, openStacks, trust, type Resources, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: Cfn.CloudFormation;
let logs: CloudWatchLogs;
let s3: S3;
let { create, ended, retention, update } = {} as Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new Cfn.CloudFormation(app.client);
  logs = new CloudWatchLogs(app.client);
  s3 = new S3({ ...app.client, forcePathStyle: true });
  ({ create, ended, retention, update } = openStacks(app.client));
  await logs.createLogGroup({ logGroupName: "taken" });
});
after(() => app.stop());

test("an alias with a deployment preference moves by CodeDeploy", async () => {
  const template = (n: number): string =>
    body(
      {
        F: {
          Type: "AWS::Serverless::Function",
          Properties: {
            FunctionName: "shifted",
            Runtime: "nodejs24.x",
            Handler: "index.h",
            InlineCode: `exports.h = async () => ${n}`,
            AutoPublishAlias: "live",
            DeploymentPreference: { Type: "AllAtOnce" },
          },
        },
      },
      { Transform: "AWS::Serverless-2016-10-31" },
    );
  const more = { Capabilities: ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const] };
  assert.equal((await create("shifting", template(1), more)).StackStatus, "CREATE_COMPLETE");
  assert.equal((await update("shifting", template(2), more)).StackStatus, "UPDATE_COMPLETE");
  const { StackResources } = await cfn.describeStackResources({ StackName: "shifting" });
  const id = (type: string): string => StackResources!.find((r) => r.ResourceType === type)!.PhysicalResourceId!;
  const codedeploy = new CodeDeploy(app.client);
  const { deployments } = await codedeploy.listDeployments({
    applicationName: id("AWS::CodeDeploy::Application"),
    deploymentGroupName: id("AWS::CodeDeploy::DeploymentGroup"),
  });
  assert.equal(deployments!.length, 1);
  assert.equal(
    (await codedeploy.getDeployment({ deploymentId: deployments![0]! })).deploymentInfo!.status,
    "Succeeded",
  );
  assert.equal((await new Lambda(app.client).getAlias({ FunctionName: "shifted", Name: "live" })).FunctionVersion, "2");
});

test("parameters and dynamic references come from the parameter store", async () => {
  const ssm = new SSM(app.client);
  await ssm.putParameter({ Name: "/days", Value: "7", Type: "String" });
  await ssm.putParameter({ Name: "/name", Value: "from-ssm", Type: "String" });
  const stack = await create(
    "ssm",
    body(
      { A: group("{{resolve:ssm:/name}}", { Ref: "Days" }) },
      { Parameters: { Days: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/days" } } },
    ),
  );
  assert.equal(stack.StackStatus, "CREATE_COMPLETE");
  assert.deepEqual(stack.Parameters, [{ ParameterKey: "Days", ParameterValue: "/days", ResolvedValue: "7" }]);
  assert.deepEqual(await retention("from-ssm"), { "from-ssm": 7 });
  await assert.rejects(
    cfn.createStack({
      StackName: "ssm2",
      TemplateBody: body(
        { A: group("x") },
        { Parameters: { P: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/absent" } } },
      ),
    }),
    { message: "Unable to fetch parameters [/absent] from parameter store for this account." },
  );
});

test("rules decide about parameters before anything is made", async () => {
  const template = (Version: string): string =>
    body(
      { A: group("ruled") },
      {
        Parameters: { Version: { Type: "String", Default: Version } },
        Rules: {
          Check: {
            RuleCondition: { "Fn::Not": [{ "Fn::Equals": [{ Ref: "Version" }, "any"] }] },
            Assertions: [
              {
                Assert: { "Fn::Not": [{ "Fn::Contains": [["1", "2"], { Ref: "Version" }] }] },
                AssertDescription: "too old",
              },
            ],
          },
        },
      },
    );
  await assert.rejects(create("ruled", template("2")), {
    name: "ValidationError",
    message: "Rule Check failed: too old",
  });
  assert.equal((await create("ruled", template("3"))).StackStatus, "CREATE_COMPLETE");
  assert.equal((await update("ruled", template("any").replace("ruled", "ruled2"))).StackStatus, "UPDATE_COMPLETE");
});

test("templates and includes are read from S3 under every name that it has, as the caller", async () => {
  await s3.createBucket({ Bucket: "tpl" });
  await s3.putObject({ Bucket: "tpl", Key: "a b/part.json", Body: JSON.stringify({ RetentionInDays: 5 }) });
  const include = { "Fn::Transform": { Name: "AWS::Include", Parameters: { Location: "s3://tpl/a b/part.json" } } };
  const template = body({ A: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "url-a", ...include } } });
  await s3.putObject({ Bucket: "tpl", Key: "a b/t.json", Body: template });
  const urls = [
    `${app.endpoint}/tpl/a%20b/t.json`,
    "https://s3.amazonaws.com/tpl/a%20b/t.json",
    "https://s3.us-east-1.amazonaws.com/tpl/a%20b/t.json",
    "https://s3-eu-west-1.amazonaws.com/tpl/a%20b/t.json",
    "https://tpl.s3.amazonaws.com/a%20b/t.json",
    "https://tpl.s3.us-east-1.amazonaws.com/a%20b/t.json",
    "http://tpl.s3.localhost:4566/a%20b/t.json",
  ];
  for (const TemplateURL of urls) assert.ok((await cfn.validateTemplate({ TemplateURL })).$metadata, TemplateURL);
  await assert.rejects(cfn.validateTemplate({ TemplateURL: `${app.endpoint}/tpl/none` }), {
    name: "ValidationError",
    message: /^S3 error: The specified key does not exist\./,
  });
  await assert.rejects(cfn.validateTemplate({ TemplateURL: "file:///etc/passwd" }), {
    message: "TemplateURL must be a supported URL.",
  });
  const input = { StackName: "url", TemplateURL: urls[1]!, Capabilities: ["CAPABILITY_AUTO_EXPAND" as const] };
  const { StackId } = await cfn.createStack(input);
  assert.equal((await ended(StackId!)).StackStatus, "CREATE_COMPLETE");
  assert.deepEqual(await retention("url-a"), { "url-a": 5 });
  await s3.deleteObject({ Bucket: "tpl", Key: "a b/part.json" });
  await cfn.createChangeSet({ StackName: "url", ChangeSetName: "c", UsePreviousTemplate: true });
  const set = await cfn.describeChangeSet({ StackName: "url", ChangeSetName: "c" });
  assert.match(set.StatusReason!, /^Transform AWS::Include failed with: /);
});

describe("between stacks", () => {
  test("an export is imported, and cannot go or change while it is", async () => {
    const exporter = (value: string, name = "shared"): string =>
      body({ A: group("exp-a") }, { Outputs: { O: { Value: value, Export: { Name: name } } } });
    await create("exporter", exporter("one"));
    await create("importer", body({ B: group({ "Fn::ImportValue": "shared" } as never) }));
    assert.deepEqual(Object.keys(await retention("one")), ["one"]);
    assert.deepEqual((await cfn.listImports({ ExportName: "shared" })).Imports, ["importer"]);
    assert.ok((await cfn.listExports({})).Exports!.some((e) => e.Name === "shared" && e.Value === "one"));
    assert.equal((await update("exporter", exporter("two"))).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "exporter" });
    assert.ok(
      StackEvents!.some((e) =>
        e.ResourceStatusReason?.startsWith("Export shared cannot be updated as it is in use by importer"),
      ),
    );
    await cfn.deleteStack({ StackName: "exporter" });
    assert.equal((await ended("exporter")).StackStatus, "DELETE_FAILED");
    assert.equal((await create("second", exporter("x").replaceAll("exp-a", "exp-b"))).StackStatus, "ROLLBACK_COMPLETE");
    assert.equal(
      (await create("nobody", body({ B: group({ "Fn::ImportValue": "missing" } as never) }))).StackStatus,
      "ROLLBACK_COMPLETE",
    );
    await cfn.deleteStack({ StackName: "importer" });
    await cfn.deleteStack({ StackName: "exporter" });
    assert.ok(!(await cfn.listExports({})).Exports!.some((e) => e.Name === "shared"));
  });

  test("a stack in a stack: made, updated, rolled back with its parent, deleted with it", async () => {
    await s3.createBucket({ Bucket: "templates" });
    const put = (days: number) =>
      s3.putObject({
        Bucket: "templates",
        Key: "inner.json",
        Body: body(
          { A: group("inner-a", days) },
          { Parameters: { P: { Type: "String", Default: "x" } }, Outputs: { Name: { Value: { Ref: "A" } } } },
        ),
      });
    await put(1);
    const outer = (more: Resources = {}): string =>
      body(
        {
          In: {
            Type: "AWS::CloudFormation::Stack",
            Properties: { TemplateURL: `${app.endpoint}/templates/inner.json`, Parameters: { P: "y" } },
          },
          ...more,
        },
        { Outputs: { O: { Value: { "Fn::GetAtt": ["In", "Outputs.Name"] } } } },
      );
    const made = await create("outer", outer());
    assert.equal(made.StackStatus, "CREATE_COMPLETE");
    assert.equal(made.Outputs![0]!.OutputValue, "inner-a");
    const inner = (await cfn.describeStackResource({ StackName: "outer", LogicalResourceId: "In" }))
      .StackResourceDetail!.PhysicalResourceId!;
    assert.equal((await ended(inner)).ParentId, made.StackId);
    await put(3);
    assert.equal((await update("outer", outer())).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("inner"), { "inner-a": 3 });
    await put(5);
    const failing = { Bad: group("taken", undefined, { DependsOn: "In" }) };
    assert.equal((await update("outer", outer(failing))).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await retention("inner"), { "inner-a": 3 });
    await cfn.deleteStack({ StackName: "outer" });
    assert.equal((await ended(inner)).StackStatus, "DELETE_COMPLETE");
    assert.deepEqual(await retention("inner"), {});
  });
});

test("templates are validated and summed up without being deployed", async () => {
  const TemplateBody = body(
    { R: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trust } } },
    {
      Description: "d",
      Parameters: {
        P: { Type: "String", Default: "x", AllowedValues: ["x", "y"] },
        S: { Type: "String", NoEcho: true },
      },
    },
  );
  const valid = await cfn.validateTemplate({ TemplateBody });
  assert.deepEqual(valid.Parameters, [
    { ParameterKey: "P", DefaultValue: "x", NoEcho: false },
    { ParameterKey: "S", NoEcho: true },
  ]);
  assert.deepEqual(
    [valid.Capabilities, valid.CapabilitiesReason, valid.Description],
    [["CAPABILITY_IAM"], "The following resource(s) require capabilities: [AWS::IAM::Role]", "d"],
  );
  const summed = await cfn.getTemplateSummary({ TemplateBody });
  assert.deepEqual(summed.ResourceTypes, ["AWS::IAM::Role"]);
  const network = body({
    V: { Type: "AWS::EC2::VPC" },
    P: { Type: "AWS::SSM::Parameter", Properties: { Type: "String", Value: "v" } },
  });
  const others = await cfn.getTemplateSummary({ TemplateBody: network });
  assert.deepEqual(others.ResourceTypes, ["AWS::EC2::VPC", "AWS::SSM::Parameter"]);
  assert.deepEqual(others.ResourceIdentifierSummaries, [
    { ResourceType: "AWS::EC2::VPC", LogicalResourceIds: ["V"] },
    { ResourceType: "AWS::SSM::Parameter", LogicalResourceIds: ["P"], ResourceIdentifiers: ["Name"] },
  ]);
  await cfn.validateTemplate({ TemplateBody: network });
  await assert.rejects(cfn.createStack({ StackName: "network", TemplateBody: network }), {
    message: "Template error: Starling does not implement the resource types [AWS::EC2::VPC] yet.",
  });
  await assert.rejects(cfn.validateTemplate({ TemplateBody: body({ N: { Type: "AWS::EC2::Nothing" } }) }), {
    message: "Template format error: Unrecognized resource types: [AWS::EC2::Nothing]",
  });
  assert.deepEqual(summed.Parameters![0], {
    ParameterKey: "P",
    ParameterType: "String",
    DefaultValue: "x",
    NoEcho: false,
    ParameterConstraints: { AllowedValues: ["x", "y"] },
  });
  const stack = await create("hidden", TemplateBody, {
    Capabilities: ["CAPABILITY_IAM"],
    Parameters: [{ ParameterKey: "S", ParameterValue: "secret" }],
  });
  assert.deepEqual(
    stack.Parameters!.find((p) => p.ParameterKey === "S"),
    { ParameterKey: "S", ParameterValue: "****" },
  );
});

test("what a template leaves without a name is named as CloudFormation names it", async () => {
  const project = {
    Artifacts: { Type: "NO_ARTIFACTS" },
    Environment: { Type: "LINUX_CONTAINER", Image: "aws/codebuild/standard:7.0", ComputeType: "BUILD_GENERAL1_SMALL" },
    ServiceRole: { "Fn::GetAtt": ["Role", "Arn"] },
    Source: { Type: "NO_SOURCE", BuildSpec: "version: 0.2\nphases: {build: {commands: [date]}}" },
  };
  const builds = JSON.stringify(trust).replace("lambda", "codebuild");
  const template = body({
    Parameter: { Type: "AWS::SSM::Parameter", Properties: { Type: "String", Value: "v" } },
    Queue: { Type: "AWS::SQS::Queue", Properties: { FifoQueue: true } },
    Role: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: builds } },
    Project: { Type: "AWS::CodeBuild::Project", Properties: project },
    Bucket: { Type: "AWS::S3::Bucket" },
  });
  const made = await create("Nameless", template, { Capabilities: ["CAPABILITY_IAM"] });
  const reasons = (await cfn.describeStackEvents({ StackName: "Nameless" })).StackEvents!.map(
    (e) => e.ResourceStatusReason,
  );
  assert.equal(made.StackStatus, "CREATE_COMPLETE", reasons.join("\n"));
  const { StackResources } = await cfn.describeStackResources({ StackName: "Nameless" });
  const ids = Object.fromEntries(StackResources!.map((r) => [r.LogicalResourceId!, r.PhysicalResourceId!]));
  assert.match(ids["Parameter"]!, /^CFN-Parameter-[A-Z0-9]{12}$/);
  assert.match(ids["Queue"]!, /\/Nameless-Queue-[A-Z0-9]{12}\.fifo$/);
  assert.match(ids["Role"]!, /^Nameless-Role-[A-Z0-9]{12}$/);
  assert.match(ids["Project"]!, /^Project-[A-Z0-9]{12}$/);
  assert.match(ids["Bucket"]!, /^nameless-bucket-[a-z0-9]{12}$/);
});
