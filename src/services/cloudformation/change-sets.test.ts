import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { IAM } from "@aws-sdk/client-iam";
import { body, group, openStacks, trust, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: Cfn.CloudFormation;
let iam: IAM;
let { create, ended, retention, update } = {} as Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new Cfn.CloudFormation(app.client);
  iam = new IAM(app.client);
  ({ create, ended, retention, update } = openStacks(app.client));
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

  test("give their name back when they are executed, and are told of after the stack is gone", async () => {
    const StackName = "cs-again";
    const set = async (days: number, ChangeSetType: Cfn.ChangeSetType) => {
      const TemplateBody = body({ A: group("again-a", days) });
      const { Id } = await cfn.createChangeSet({ StackName, ChangeSetName: "s", TemplateBody, ChangeSetType });
      await cfn.executeChangeSet({ ChangeSetName: Id });
      return { Id, status: (await ended(StackName)).StackStatus };
    };
    const first = await set(1, "CREATE");
    assert.equal(first.status, "CREATE_COMPLETE");
    const second = await set(3, "UPDATE");
    assert.equal(second.status, "UPDATE_COMPLETE");
    const { Summaries } = await cfn.listChangeSets({ StackName });
    assert.deepEqual(
      Summaries!.map((s) => [s.ChangeSetId, s.ExecutionStatus]),
      [[second.Id, "EXECUTE_COMPLETE"]],
    );
    const { StackId } = await cfn.describeStacks({ StackName }).then((r) => r.Stacks![0]!);
    await cfn.deleteStack({ StackName });
    assert.equal((await ended(StackId!)).StackStatus, "DELETE_COMPLETE");
    const third = await set(1, "CREATE");
    assert.notEqual(third.Id, second.Id);
    const old = await cfn.describeChangeSet({ ChangeSetName: second.Id! });
    assert.deepEqual([old.StackId, old.ExecutionStatus], [StackId, "EXECUTE_COMPLETE"]);
  });

  test("are obsolete once the stack is made or changed without them", async () => {
    const StackName = "cs-obsolete";
    const template = (days: number) => body({ A: group("obsolete-a", days) });
    const set = { StackName, ChangeSetName: "s", TemplateBody: template(3) };
    const { StackId } = await cfn.createChangeSet({ ...set, ChangeSetType: "CREATE" });
    const stack = await create(StackName, template(1));
    assert.deepEqual([stack.StackId, stack.StackStatus], [StackId, "CREATE_COMPLETE"]);
    const status = async (ChangeSetName: string) =>
      (await cfn.describeChangeSet({ StackName, ChangeSetName })).ExecutionStatus;
    assert.equal(await status("s"), "OBSOLETE");
    await assert.rejects(cfn.executeChangeSet(set), { name: "InvalidChangeSetStatusException" });
    await cfn.createChangeSet({ ...set, ChangeSetName: "t" });
    await update(StackName, template(5));
    assert.equal(await status("t"), "OBSOLETE");
    await assert.rejects(cfn.createStack({ StackName, TemplateBody: template(1) }), { name: "AlreadyExistsException" });
  });

  test("say what becomes of what goes, and hide parameters that are not shown", async () => {
    const Parameters = { Secret: { Type: "String", NoEcho: true } };
    const parameter = (Value: unknown, more: object = {}) => ({
      Type: "AWS::SSM::Parameter",
      Properties: { Type: "String", Value },
      ...more,
    });
    const named = (Name: string) => ({
      ...parameter("v", { UpdateReplacePolicy: "Retain" }),
      Properties: { Type: "String", Value: "v", Name },
    });
    const [Gone, P] = [parameter("g", { DeletionPolicy: "Retain" }), parameter({ Ref: "Secret" })];
    const given = (ParameterValue: string) => ({ Parameters: [{ ParameterKey: "Secret", ParameterValue }] });
    const first = body({ P, Gone, N: named("n-one"), Other: parameter("o") }, { Parameters });
    await create("cs-policy", first, given('say "hush-one"'));
    const next = { TemplateBody: body({ P, N: named("n-two") }, { Parameters }), ...given("hush-two") };
    await cfn.createChangeSet({ StackName: "cs-policy", ChangeSetName: "c", ...next });
    const { Changes } = await cfn.describeChangeSet({
      StackName: "cs-policy",
      ChangeSetName: "c",
      IncludePropertyValues: true,
    });
    assert.deepEqual(
      Changes!.map(({ ResourceChange: c }) => [c!.LogicalResourceId, c!.PolicyAction]),
      [
        ["Gone", "Retain"],
        ["N", "ReplaceAndRetain"],
        ["Other", "Delete"],
        ["P", undefined],
      ],
    );
    const [value] = Changes![3]!.ResourceChange!.Details!;
    assert.deepEqual([value!.Target!.BeforeValue, value!.Target!.AfterValue], ["****", "****"]);
    assert.ok(!JSON.stringify(Changes).includes("hush"));
  });

  test("see metadata as it becomes", async () => {
    const template = body(
      { A: group("meta-cs", undefined, { Metadata: { Stage: { Ref: "Stage" } } }) },
      { Parameters: { Stage: { Type: "String" } } },
    );
    const stage = (ParameterValue: string) => ({ Parameters: [{ ParameterKey: "Stage", ParameterValue }] });
    await create("cs-meta", template, stage("one"));
    const shown = await cfn.describeStackResource({ StackName: "cs-meta", LogicalResourceId: "A" });
    assert.equal(shown.StackResourceDetail!.Metadata, '{"Stage":"one"}');
    const input = { StackName: "cs-meta", ChangeSetName: "c", TemplateBody: template, ...stage("two") };
    await cfn.createChangeSet(input);
    const { Changes } = await cfn.describeChangeSet(input);
    assert.deepEqual(
      Changes![0]!.ResourceChange!.Details!.map((d) => [d.Target!.Attribute, d.ChangeSource, d.CausingEntity]),
      [
        ["Metadata", "ParameterReference", "Stage"],
        ["Metadata", "DirectModification", undefined],
      ],
    );
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
        Target: {
          Attribute: "Properties",
          Name: "RetentionInDays",
          RequiresRecreation: "Never",
          Path: "/Properties/RetentionInDays",
          BeforeValue: "1",
          AfterValue: "3",
          AttributeChangeType: "Modify",
        },
        Evaluation: "Static",
        ChangeSource: "DirectModification",
      },
    ]);
    assert.deepEqual(JSON.parse(modify!.BeforeContext!).Properties.RetentionInDays, 1);
    assert.equal(add!.Action, "Add");
    const same = { TemplateBody: body({ A: group("cs-a", 1) }), Capabilities: [Cfn.Capability.CAPABILITY_IAM] };
    await cfn.createChangeSet({ StackName: "cs", ChangeSetName: "none", ...same });
    const none = await cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "none" });
    assert.deepEqual(none.Capabilities, same.Capabilities);
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
    await cfn.executeChangeSet({ StackName: "sam", ChangeSetName: "c" });
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
