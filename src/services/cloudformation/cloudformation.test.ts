import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { CodeDeploy } from "@aws-sdk/client-codedeploy";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { S3 } from "@aws-sdk/client-s3";
import { SSM } from "@aws-sdk/client-ssm";
import { body, group, openStacks, trust, type Resources, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: Cfn.CloudFormation;
let logs: CloudWatchLogs;
let iam: IAM;
let s3: S3;
let { create, ended, retention, update } = {} as Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new Cfn.CloudFormation(app.client);
  logs = new CloudWatchLogs(app.client);
  iam = new IAM(app.client);
  s3 = new S3({ ...app.client, forcePathStyle: true });
  ({ create, ended, retention, update } = openStacks(app.client));
  await logs.createLogGroup({ logGroupName: "taken" });
});
after(() => app.stop());

describe("change sets", () => {
  test("of type CREATE: the stack is under review, then made", async () => {
    const input = { StackName: "cs", ChangeSetName: "first", TemplateBody: body({ A: group("cs-a", 1) }) };
    await assert.rejects(cfn.createChangeSet(input), { message: "Stack [cs] does not exist" });
    const { Id, StackId } = await cfn.createChangeSet({ ...input, ChangeSetType: "CREATE", Description: "d" });
    assert.equal((await cfn.describeStacks({ StackName: "cs" })).Stacks![0]!.StackStatus, "REVIEW_IN_PROGRESS");
    assert.equal((await cfn.getTemplate({ StackName: "cs" })).TemplateBody, "{}");
    const {
      $metadata: _m,
      CreationTime: _c,
      ...set
    } = await cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "first" });
    assert.deepEqual(set, {
      ChangeSetName: "first",
      ChangeSetId: Id,
      StackId,
      StackName: "cs",
      Description: "d",
      ExecutionStatus: "AVAILABLE",
      Status: "CREATE_COMPLETE",
      NotificationARNs: [],
      RollbackConfiguration: {},
      Capabilities: [],
      Tags: [],
      IncludeNestedStacks: false,
      Changes: [
        {
          Type: "Resource",
          ResourceChange: {
            Action: "Add",
            LogicalResourceId: "A",
            ResourceType: "AWS::Logs::LogGroup",
            Scope: [],
            Details: [],
          },
        },
      ],
    });
    assert.equal((await cfn.getTemplate({ StackName: "cs", ChangeSetName: "first" })).TemplateBody, input.TemplateBody);
    await cfn.executeChangeSet({ StackName: "cs", ChangeSetName: "first" });
    const stack = await ended("cs");
    assert.equal(stack.StackStatus, "CREATE_COMPLETE");
    assert.equal(stack.ChangeSetId, Id);
    await assert.rejects(cfn.executeChangeSet({ ChangeSetName: Id! }), { name: "InvalidChangeSetStatusException" });
  });

  test("of type UPDATE: the difference, no difference, and one that is deleted", async () => {
    await cfn.createChangeSet({
      StackName: "cs",
      ChangeSetName: "more",
      TemplateBody: body({ A: group("cs-a", 3), B: group("cs-b") }),
    });
    const more = await cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "more", IncludePropertyValues: true });
    const [modify, add] = more.Changes!.map((c) => c.ResourceChange!);
    assert.equal(modify!.PhysicalResourceId, "cs-a");
    assert.equal(modify!.Replacement, "False");
    assert.deepEqual(modify!.Details, [
      {
        Target: { Attribute: "Properties", Name: "RetentionInDays", RequiresRecreation: "Never" },
        Evaluation: "Static",
        ChangeSource: "DirectModification",
      },
    ]);
    assert.deepEqual(JSON.parse(modify!.BeforeContext!).Properties.RetentionInDays, 1);
    assert.equal(add!.Action, "Add");
    await cfn.createChangeSet({ StackName: "cs", ChangeSetName: "none", TemplateBody: body({ A: group("cs-a", 1) }) });
    const none = await cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "none" });
    assert.deepEqual(
      [none.Status, none.ExecutionStatus, none.StatusReason],
      [
        "FAILED",
        "UNAVAILABLE",
        "The submitted information didn't contain changes. Submit different information to create a change set.",
      ],
    );
    assert.deepEqual(
      (await cfn.listChangeSets({ StackName: "cs" })).Summaries!.map((s) => s.ChangeSetName),
      ["first", "more", "none"],
    );
    await cfn.deleteChangeSet({ StackName: "cs", ChangeSetName: "none" });
    await assert.rejects(cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "none" }), {
      name: "ChangeSetNotFoundException",
      message: "ChangeSet [none] does not exist",
    });
    await cfn.executeChangeSet({ StackName: "cs", ChangeSetName: "more" });
    assert.equal((await ended("cs")).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("cs-"), { "cs-a": 3, "cs-b": undefined });
  });

  test("a serverless template is transformed; a wrong one fails its change set", async () => {
    const role = { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trust } };
    const sam = (more: object): string =>
      body(
        {
          R: role,
          F: {
            Type: "AWS::Serverless::Function",
            Properties: {
              Runtime: "nodejs24.x",
              Handler: "index.h",
              InlineCode: "exports.h = async () => 1",
              Role: { "Fn::GetAtt": ["R", "Arn"] },
              ...more,
            },
          },
        },
        { Transform: "AWS::Serverless-2016-10-31" },
      );
    await assert.rejects(
      cfn.createStack({ StackName: "sam", TemplateBody: sam({}), Capabilities: ["CAPABILITY_IAM"] }),
      { name: "InsufficientCapabilitiesException", message: "Requires capabilities : [CAPABILITY_AUTO_EXPAND]" },
    );
    await cfn.createChangeSet({
      StackName: "sam",
      ChangeSetName: "c",
      ChangeSetType: "CREATE",
      TemplateBody: sam({ AutoPublishAlias: "live" }),
      Capabilities: ["CAPABILITY_IAM"],
    });
    const started = performance.now();
    await cfn.executeChangeSet({ StackName: "sam", ChangeSetName: "c" });
    assert.ok(performance.now() - started < 2_500);
    assert.equal((await ended("sam")).StackStatus, "CREATE_COMPLETE");
    const types = (await cfn.listStackResources({ StackName: "sam" }))
      .StackResourceSummaries!.map((r) => r.ResourceType)
      .sort();
    assert.deepEqual(types, ["AWS::IAM::Role", "AWS::Lambda::Alias", "AWS::Lambda::Function", "AWS::Lambda::Version"]);
    const { TemplateBody } = await cfn.getTemplate({ StackName: "sam", TemplateStage: "Processed" });
    assert.match(TemplateBody!, /AWS::Lambda::Function/);
    await cfn.createChangeSet({
      StackName: "sam",
      ChangeSetName: "bad",
      TemplateBody: sam({ Nonsense: 1 }),
      Capabilities: ["CAPABILITY_IAM"],
    });
    const bad = await cfn.describeChangeSet({ StackName: "sam", ChangeSetName: "bad" });
    assert.equal(bad.Status, "FAILED");
    assert.match(
      bad.StatusReason!,
      /^Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document\./,
    );
    await cfn.createChangeSet({
      StackName: "sam",
      ChangeSetName: "same",
      TemplateBody: sam({ AutoPublishAlias: "live" }),
      Capabilities: ["CAPABILITY_IAM"],
    });
    assert.equal(
      (await cfn.describeChangeSet({ StackName: "sam", ChangeSetName: "same" })).StatusReason,
      "No updates are to be performed.",
    );
  });
});

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

describe("who may", () => {
  test("a stack acts as its role, which must trust CloudFormation; without one as the caller", async () => {
    const assume = (service: string): string =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
      });
    const { Role } = await iam.createRole({
      RoleName: "deployer",
      AssumeRolePolicyDocument: assume("cloudformation.amazonaws.com"),
    });
    await iam.createRole({ RoleName: "other", AssumeRolePolicyDocument: assume("lambda.amazonaws.com") });
    const template = body({ A: group("role-a") });
    await assert.rejects(create("role", template, { RoleARN: "arn:aws:iam::000000000000:role/other" }), {
      message: "Role arn:aws:iam::000000000000:role/other is invalid or cannot be assumed",
    });
    assert.equal((await create("role", template, { RoleARN: Role!.Arn! })).StackStatus, "ROLLBACK_COMPLETE");
    await cfn.deleteStack({ StackName: "role" });
    const allow = (Action: string, Resource = "*"): string =>
      JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] });
    await iam.putRolePolicy({ RoleName: "deployer", PolicyName: "p", PolicyDocument: allow("logs:*") });
    assert.equal(
      (await create("role", template, { RoleARN: Role!.Arn!, Tags: [{ Key: "k", Value: "v" }] })).StackStatus,
      "CREATE_COMPLETE",
    );
    await iam.createUser({ UserName: "dev" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "dev" });
    const dev = new Cfn.CloudFormation(
      app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }),
    );
    await assert.rejects(dev.createStack({ StackName: "mine", TemplateBody: template }), {
      name: "AccessDenied",
      message: /cloudformation:CreateStack on resource: arn:aws:cloudformation:us-east-1:000000000000:stack\/mine\/\*/,
    });
    await iam.putUserPolicy({
      UserName: "dev",
      PolicyName: "p",
      PolicyDocument: allow("cloudformation:*", "arn:aws:cloudformation:*:*:stack/mine/*"),
    });
    const { StackId } = await dev.createStack({ StackName: "mine", TemplateBody: body({ A: group("mine-a") }) });
    assert.equal((await ended(StackId!)).StackStatus, "ROLLBACK_COMPLETE");
    await assert.rejects(dev.createStack({ StackName: "mine2", TemplateBody: template }), { name: "AccessDenied" });
    await assert.rejects(dev.deleteStack({ StackName: "mine", RoleARN: Role!.Arn! }), {
      name: "AccessDenied",
      message: /iam:PassRole/,
    });
  });

  test("a change set needs its stack, also by its ARN, and the transforms that its template names", async () => {
    await iam.createUser({ UserName: "sam" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "sam" });
    const sam = new Cfn.CloudFormation(
      app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }),
    );
    const may = (...Resource: string[]) => {
      const Statement = [
        { Effect: "Allow", Action: "cloudformation:*", Resource },
        { Effect: "Allow", Action: "logs:*", Resource: "*" },
      ];
      const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
      return iam.putUserPolicy({ UserName: "sam", PolicyName: "p", PolicyDocument });
    };
    const stack = "arn:aws:cloudformation:us-east-1:000000000000:stack/allowed/*";
    const input = {
      StackName: "allowed",
      ChangeSetName: "c",
      ChangeSetType: "CREATE" as const,
      TemplateBody: body({ A: group("allowed-a") }, { Transform: "AWS::LanguageExtensions" }),
    };
    await may(stack);
    await assert.rejects(sam.createChangeSet(input), {
      name: "AccessDenied",
      message:
        /cloudformation:CreateChangeSet on resource: arn:aws:cloudformation:us-east-1:aws:transform\/LanguageExtensions/,
    });
    await may(stack, "arn:aws:cloudformation:us-east-1:aws:transform/LanguageExtensions");
    const { Id } = await sam.createChangeSet(input);
    await sam.executeChangeSet({ ChangeSetName: Id! });
    assert.equal((await ended("allowed")).StackStatus, "CREATE_COMPLETE");
    await may("arn:aws:cloudformation:us-east-1:000000000000:stack/other/*");
    await assert.rejects(sam.describeChangeSet({ ChangeSetName: Id! }), { name: "AccessDenied" });
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
