import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { CodeDeploy } from "@aws-sdk/client-codedeploy";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { SSM } from "@aws-sdk/client-ssm";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: Cfn.CloudFormation;
let logs: CloudWatchLogs;
let iam: IAM;
let s3: S3;
before(async () => {
  app = await startTestApp();
  cfn = new Cfn.CloudFormation(app.client);
  logs = new CloudWatchLogs(app.client);
  iam = new IAM(app.client);
  s3 = new S3({ ...app.client, forcePathStyle: true });
});
after(() => app.stop());

type Resources = Record<string, { Type: string; Properties?: object; [more: string]: unknown }>;
const body = (Resources: Resources, more: object = {}): string => JSON.stringify({ Resources, ...more });
const group = (LogGroupName: string | undefined, RetentionInDays?: unknown, more: object = {}) => ({
  Type: "AWS::Logs::LogGroup",
  Properties: { ...(LogGroupName ? { LogGroupName } : {}), ...(RetentionInDays ? { RetentionInDays } : {}) },
  ...more,
});
const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }] };

async function ended(StackName: string): Promise<Cfn.Stack> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const { Stacks } = await cfn.describeStacks({ StackName });
    if (!Stacks![0]!.StackStatus!.endsWith("_IN_PROGRESS")) return Stacks![0]!;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${StackName} did not end`);
}

async function create(StackName: string, TemplateBody: string, more: Partial<Cfn.CreateStackCommandInput> = {}): Promise<Cfn.Stack> {
  const { StackId } = await cfn.createStack({ StackName, TemplateBody, ...more });
  return ended(StackId!);
}

async function update(StackName: string, TemplateBody: string, more: Partial<Cfn.UpdateStackCommandInput> = {}): Promise<Cfn.Stack> {
  await cfn.updateStack({ StackName, TemplateBody, ...more });
  return ended(StackName);
}

async function events(StackName: string): Promise<string[]> {
  const { StackEvents } = await cfn.describeStackEvents({ StackName });
  return StackEvents!.reverse().map((e) => `${e.LogicalResourceId} ${e.ResourceStatus}`);
}

async function retention(prefix: string): Promise<Record<string, number | undefined>> {
  const { logGroups } = await logs.describeLogGroups({ logGroupNamePrefix: prefix });
  return Object.fromEntries(logGroups!.map((g) => [g.logGroupName!, g.retentionInDays]));
}

describe("a stack's life", () => {
  test("is created in order of its dependencies, shown, updated in place, and deleted", async () => {
    const template = (days: number): string =>
      body(
        { B: group({ "Fn::Sub": "life-b-${A}" } as never, 7), A: group("life-a", { Ref: "Days" }) },
        { Parameters: { Days: { Type: "Number", Default: days } }, Description: "two groups", Outputs: { Name: { Value: { "Fn::GetAtt": ["A", "Arn"] }, Description: "d" } } },
      );
    const made = await create("life", template(3), { Tags: [{ Key: "team", Value: "x" }], ClientRequestToken: "t1" });
    assert.equal(made.StackStatus, "CREATE_COMPLETE");
    assert.equal(made.Description, "two groups");
    assert.match(made.StackId!, /^arn:aws:cloudformation:us-east-1:000000000000:stack\/life\/[0-9a-f-]{36}$/);
    assert.deepEqual(made.Parameters, [{ ParameterKey: "Days", ParameterValue: "3" }]);
    assert.deepEqual(made.Outputs, [{ OutputKey: "Name", OutputValue: "arn:aws:logs:us-east-1:000000000000:log-group:life-a:*", Description: "d" }]);
    assert.deepEqual(await retention("life"), { "life-a": 3, "life-b-life-a": 7 });
    assert.equal((await cfn.createStack({ StackName: "life", TemplateBody: template(3), ClientRequestToken: "t1" })).StackId, made.StackId);
    await assert.rejects(cfn.createStack({ StackName: "life", TemplateBody: template(3) }), { name: "AlreadyExistsException", message: "Stack [life] already exists" });
    assert.deepEqual(await events("life"), [
      "life CREATE_IN_PROGRESS", "A CREATE_IN_PROGRESS", "A CREATE_IN_PROGRESS", "A CREATE_COMPLETE",
      "B CREATE_IN_PROGRESS", "B CREATE_IN_PROGRESS", "B CREATE_COMPLETE", "life CREATE_COMPLETE",
    ]);
    assert.equal((await update("life", template(5))).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("life"), { "life-a": 5, "life-b-life-a": 7 });
    await assert.rejects(cfn.updateStack({ StackName: "life", TemplateBody: template(5) }), { name: "ValidationError", message: "No updates are to be performed." });
    const { StackResources } = await cfn.describeStackResources({ StackName: "life" });
    assert.deepEqual(StackResources!.map((r) => [r.LogicalResourceId, r.PhysicalResourceId, r.ResourceStatus]), [["A", "life-a", "UPDATE_COMPLETE"], ["B", "life-b-life-a", "CREATE_COMPLETE"]]);
    await cfn.deleteStack({ StackName: "life" });
    assert.equal((await ended(made.StackId!)).StackStatus, "DELETE_COMPLETE");
    assert.deepEqual(await retention("life"), {});
    assert.deepEqual((await events(made.StackId!)).slice(-6), ["life DELETE_IN_PROGRESS", "B DELETE_IN_PROGRESS", "B DELETE_COMPLETE", "A DELETE_IN_PROGRESS", "A DELETE_COMPLETE", "life DELETE_COMPLETE"]);
    await assert.rejects(cfn.describeStacks({ StackName: "life" }), { name: "ValidationError", message: "Stack with id life does not exist" });
    await cfn.deleteStack({ StackName: "life" });
  });

  test("a change that needs another resource makes it first and removes the old one in the clean-up", async () => {
    await create("swap", body({ A: group("swap-1", 1), B: group({ "Fn::Sub": "${A}-b" } as never) }));
    assert.equal((await update("swap", body({ A: group("swap-2", 1), B: group({ "Fn::Sub": "${A}-b" } as never) }))).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(Object.keys(await retention("swap")), ["swap-2", "swap-2-b"]);
    const all = await events("swap");
    assert.ok(all.indexOf("A DELETE_COMPLETE") > all.indexOf("swap UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"));
    assert.ok(all.indexOf("A DELETE_COMPLETE") > all.indexOf("B DELETE_COMPLETE"));
  });

  test("what the template no longer has goes, unless it is to be retained", async () => {
    await create("less", body({ A: group("less-a"), B: group("less-b"), C: group("less-c", undefined, { DeletionPolicy: "Retain" }) }));
    await update("less", body({ A: group("less-a") }));
    assert.deepEqual(Object.keys(await retention("less")), ["less-a", "less-c"]);
    assert.ok((await events("less")).includes("C DELETE_SKIPPED"));
    assert.deepEqual((await cfn.listStackResources({ StackName: "less" })).StackResourceSummaries!.map((r) => r.LogicalResourceId), ["A"]);
  });

  test("the stack's tags are on what it makes, and follow its changes", async () => {
    const bucket = (days: number): string => body({ B: { Type: "AWS::S3::Bucket", Properties: { BucketName: "tagged-bucket", Tags: [{ Key: "own", Value: "1" }] } }, G: group("tagged-g", days) });
    const tags = async (): Promise<Record<string, string>> => Object.fromEntries((await s3.getBucketTagging({ Bucket: "tagged-bucket" })).TagSet!.map((t) => [t.Key!, t.Value!]));
    await create("tagged", bucket(1), { Tags: [{ Key: "team", Value: "x" }, { Key: "own", Value: "2" }] });
    assert.deepEqual(await tags(), { own: "1", team: "x" });
    assert.equal((await update("tagged", bucket(1), { Tags: [{ Key: "team", Value: "y" }] })).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await tags(), { own: "1", team: "y" });
  });

  test("termination protection, a stack policy, and what ListStacks shows", async () => {
    const { StackId } = await create("kept", body({ A: group("kept-a", 1) }), { EnableTerminationProtection: true });
    await assert.rejects(cfn.deleteStack({ StackName: "kept" }), { message: "Stack [kept] cannot be deleted while TerminationProtection is enabled" });
    const policy = JSON.stringify({ Statement: [{ Effect: "Allow", Action: "Update:*", Principal: "*", Resource: "*" }, { Effect: "Deny", Action: "Update:Modify", Principal: "*", Resource: "LogicalResourceId/A" }] });
    await cfn.setStackPolicy({ StackName: "kept", StackPolicyBody: policy });
    assert.equal((await cfn.getStackPolicy({ StackName: "kept" })).StackPolicyBody, policy);
    await assert.rejects(update("kept", body({ A: group("kept-a", 3) })), { message: /^Action denied by stack policy: Statement \[#2\] does not allow \[Update:Modify\] for resource \[LogicalResourceId\/A\]$/ });
    await cfn.updateTerminationProtection({ StackName: "kept", EnableTerminationProtection: false });
    await cfn.deleteStack({ StackName: "kept" });
    const { StackSummaries } = await cfn.listStacks({ StackStatusFilter: ["DELETE_COMPLETE"] });
    assert.ok(StackSummaries!.some((s) => s.StackId === StackId));
    assert.ok(!(await cfn.describeStacks({})).Stacks!.some((s) => s.StackId === StackId));
  });
});

describe("failures", () => {
  test("a creation that fails takes everything away again, half-made resources too", async () => {
    const bad = { Type: "AWS::IAM::Role", Properties: { RoleName: "half-made", AssumeRolePolicyDocument: trust, Policies: [{ PolicyName: "p", PolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: "Maybe" }] } }] }, DependsOn: "A" };
    const stack = await create("bad", body({ A: group("bad-a"), R: bad }), { Capabilities: ["CAPABILITY_NAMED_IAM"] });
    assert.equal(stack.StackStatus, "ROLLBACK_COMPLETE");
    assert.deepEqual(await retention("bad"), {});
    await assert.rejects(iam.getRole({ RoleName: "half-made" }), { name: "NoSuchEntityException" });
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "bad" });
    const failed = StackEvents!.find((e) => e.ResourceStatus === "CREATE_FAILED")!;
    assert.match(failed.ResourceStatusReason!, /^Resource handler returned message: ".+" \(RequestToken: [0-9a-f-]{36}, HandlerErrorCode: InvalidRequest\)$/);
    assert.equal(StackEvents!.find((e) => e.ResourceStatus === "ROLLBACK_IN_PROGRESS")!.ResourceStatusReason, "The following resource(s) failed to create: [R]. Rollback requested by user.");
    await assert.rejects(update("bad", body({ A: group("x") })), { message: `Stack:${stack.StackId} is in ROLLBACK_COMPLETE state and can not be updated.` });
  });

  test("OnFailure and DisableRollback", async () => {
    await logs.createLogGroup({ logGroupName: "taken" });
    const template = body({ A: group("fail-a"), B: group("taken", undefined, { DependsOn: "A" }) });
    assert.equal((await create("fail", template, { DisableRollback: true })).StackStatus, "CREATE_FAILED");
    assert.deepEqual(Object.keys(await retention("fail")), ["fail-a"]);
    await cfn.deleteStack({ StackName: "fail" });
    assert.deepEqual(Object.keys(await retention("fail")), []);
    assert.equal((await create("fail", template, { OnFailure: "DELETE" })).StackStatus, "DELETE_COMPLETE");
    assert.deepEqual(Object.keys(await retention("taken")), ["taken"]);
  });

  test("an update that fails gives everything back what it was", async () => {
    await create("back", body({ Changed: group("back-a", 1), Replaced: group("back-b", 1), Gone: group("back-c") }));
    const next = body({
      Changed: group("back-a", 30), Replaced: group("back-b2", 1), New: group("back-new"),
      Bad: group("taken", undefined, { DependsOn: ["Changed", "Replaced", "New"] }),
    });
    const stack = await update("back", next);
    assert.equal(stack.StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await retention("back"), { "back-a": 1, "back-b": 1, "back-c": undefined });
    const all = await events("back");
    assert.ok(all.includes("back UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS") && all.includes("Bad CREATE_FAILED") && all.includes("New DELETE_COMPLETE"));
    const { StackResources } = await cfn.describeStackResources({ StackName: "back" });
    assert.deepEqual(StackResources!.map((r) => r.PhysicalResourceId), ["back-a", "back-c", "back-b"]);
    assert.equal((await cfn.getTemplate({ StackName: "back" })).TemplateBody!.includes("back-new"), false);
    assert.equal((await update("back", body({ Changed: group("back-a", 3), Replaced: group("back-b", 1), Gone: group("back-c") }))).StackStatus, "UPDATE_COMPLETE");
  });

  test("a resource with a name of its own is not replaced under the same name", async () => {
    const role = (path: string): Resources => ({ R: { Type: "AWS::IAM::Role", Properties: { RoleName: "named", Path: path, AssumeRolePolicyDocument: trust } } });
    await create("named", body(role("/")), { Capabilities: ["CAPABILITY_NAMED_IAM"] });
    const stack = await update("named", body(role("/x/")), { Capabilities: ["CAPABILITY_NAMED_IAM"] });
    assert.equal(stack.StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "named" });
    assert.ok(StackEvents!.some((e) => e.ResourceStatusReason === "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename named and update the stack again."));
    assert.ok((await iam.getRole({ RoleName: "named" })).Role);
  });

  test("a rollback that fails is continued, with or without what cannot be rolled back", async () => {
    const template = (days: number, more: Resources = {}): string => body({ A: group("cont-a", days), B: group("cont-b", days, { DependsOn: "A" }), ...more });
    await create("cont", template(1));
    await logs.deleteLogGroup({ logGroupName: "cont-b" });
    const stack = await update("cont", template(3));
    assert.equal(stack.StackStatus, "UPDATE_ROLLBACK_FAILED");
    assert.equal(stack.StackStatusReason, "The following resource(s) failed to update: [B]. ");
    assert.deepEqual(await retention("cont"), { "cont-a": 1 });
    await assert.rejects(update("cont", template(5)), { message: /is in UPDATE_ROLLBACK_FAILED state and can not be updated/ });
    await cfn.continueUpdateRollback({ StackName: "cont" });
    assert.equal((await ended("cont")).StackStatus, "UPDATE_ROLLBACK_FAILED");
    await cfn.continueUpdateRollback({ StackName: "cont", ResourcesToSkip: ["B"] });
    assert.equal((await ended("cont")).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    await logs.createLogGroup({ logGroupName: "cont-b" });
    assert.equal((await update("cont", template(5))).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("cont"), { "cont-a": 5, "cont-b": 5 });
  });

  test("a deletion that fails says what, and can leave it", async () => {
    const { StackId } = await create("stuck", body({ B: { Type: "AWS::S3::Bucket", Properties: { BucketName: "stuck-bucket" } }, G: group("stuck-g") }));
    await s3.putObject({ Bucket: "stuck-bucket", Key: "k", Body: "x" });
    await assert.rejects(cfn.deleteStack({ StackName: "stuck", RetainResources: ["B"] }), { message: /RetainResources can be used only for stacks in DELETE_FAILED state/ });
    await cfn.deleteStack({ StackName: "stuck" });
    const stack = await ended("stuck");
    assert.equal(stack.StackStatus, "DELETE_FAILED");
    assert.equal(stack.StackStatusReason, "The following resource(s) failed to delete: [B]. ");
    await cfn.deleteStack({ StackName: "stuck", RetainResources: ["B"] });
    assert.equal((await ended(StackId!)).StackStatus, "DELETE_COMPLETE");
    await s3.headBucket({ Bucket: "stuck-bucket" });
  });

  test("what cannot be a template is refused with CloudFormation's words", async () => {
    const refused = (TemplateBody: string, message: string | RegExp, more: object = {}): Promise<void> =>
      assert.rejects(cfn.createStack({ StackName: "no", TemplateBody, ...more }), { name: "ValidationError", message });
    await refused("{}", "Template format error: At least one Resources member must be defined.");
    await refused(body({ A: { Type: "AWS::Nope::Thing" } }), "Template format error: Unrecognized resource types: [AWS::Nope::Thing]");
    await refused(body({ A: { Type: "AWS::CloudFormation::Macro" } }), /Starling does not implement the resource types \[AWS::CloudFormation::Macro\] yet/);
    await refused(body({ A: group("x") }), "Parameters: [P] do not exist in the template", { Parameters: [{ ParameterKey: "P", ParameterValue: "1" }] });
    await refused(body({ A: group({ Ref: "Nobody" } as never) }), "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template");
    await assert.rejects(cfn.createStack({ StackName: "no", TemplateBody: body({ A: group("x") }), TemplateURL: "https://s3.amazonaws.com/a/b" }), { name: "ValidationError" });
    await assert.rejects(cfn.createStack({ StackName: "no", TemplateURL: "https://example.com/a/b" }), { message: "S3 error: Domain name specified in example.com is not a valid S3 domain" });
    await assert.rejects(cfn.createStack({ StackName: "no", TemplateBody: body({ R: { Type: "AWS::IAM::Role", Properties: { RoleName: "r", AssumeRolePolicyDocument: trust } } }), Capabilities: ["CAPABILITY_IAM"] }), {
      name: "InsufficientCapabilitiesException",
      message: "Requires capabilities : [CAPABILITY_NAMED_IAM]",
    });
    await assert.rejects(cfn.updateStack({ StackName: "absent", TemplateBody: body({ A: group("x") }) }), { message: "Stack [absent] does not exist" });
    await assert.rejects(cfn.describeStackEvents({ StackName: "absent" }), { message: "Stack [absent] does not exist" });
    await assert.rejects(cfn.detectStackDrift({ StackName: "back" }), { name: "NotImplemented" });
  });
});

describe("change sets", () => {
  test("of type CREATE: the stack is under review, then made", async () => {
    const input = { StackName: "cs", ChangeSetName: "first", TemplateBody: body({ A: group("cs-a", 1) }) };
    await assert.rejects(cfn.createChangeSet(input), { message: "Stack [cs] does not exist" });
    const { Id, StackId } = await cfn.createChangeSet({ ...input, ChangeSetType: "CREATE", Description: "d" });
    assert.equal((await cfn.describeStacks({ StackName: "cs" })).Stacks![0]!.StackStatus, "REVIEW_IN_PROGRESS");
    assert.equal((await cfn.getTemplate({ StackName: "cs" })).TemplateBody, "{}");
    const { $metadata: _m, CreationTime: _c, ...set } = await cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "first" });
    assert.deepEqual(set, {
      ChangeSetName: "first", ChangeSetId: Id, StackId, StackName: "cs", Description: "d", ExecutionStatus: "AVAILABLE", Status: "CREATE_COMPLETE",
      NotificationARNs: [], RollbackConfiguration: {}, Capabilities: [], Tags: [], IncludeNestedStacks: false,
      Changes: [{ Type: "Resource", ResourceChange: { Action: "Add", LogicalResourceId: "A", ResourceType: "AWS::Logs::LogGroup", Scope: [], Details: [] } }],
    });
    assert.equal((await cfn.getTemplate({ StackName: "cs", ChangeSetName: "first" })).TemplateBody, input.TemplateBody);
    await cfn.executeChangeSet({ StackName: "cs", ChangeSetName: "first" });
    const stack = await ended("cs");
    assert.equal(stack.StackStatus, "CREATE_COMPLETE");
    assert.equal(stack.ChangeSetId, Id);
    await assert.rejects(cfn.executeChangeSet({ ChangeSetName: Id! }), { name: "InvalidChangeSetStatusException" });
  });

  test("of type UPDATE: the difference, no difference, and one that is deleted", async () => {
    await cfn.createChangeSet({ StackName: "cs", ChangeSetName: "more", TemplateBody: body({ A: group("cs-a", 3), B: group("cs-b") }) });
    const more = await cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "more", IncludePropertyValues: true });
    const [modify, add] = more.Changes!.map((c) => c.ResourceChange!);
    assert.equal(modify!.PhysicalResourceId, "cs-a");
    assert.equal(modify!.Replacement, "False");
    assert.deepEqual(modify!.Details, [{ Target: { Attribute: "Properties", Name: "RetentionInDays", RequiresRecreation: "Never" }, Evaluation: "Static", ChangeSource: "DirectModification" }]);
    assert.deepEqual(JSON.parse(modify!.BeforeContext!).Properties.RetentionInDays, 1);
    assert.equal(add!.Action, "Add");
    await cfn.createChangeSet({ StackName: "cs", ChangeSetName: "none", TemplateBody: body({ A: group("cs-a", 1) }) });
    const none = await cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "none" });
    assert.deepEqual([none.Status, none.ExecutionStatus, none.StatusReason], ["FAILED", "UNAVAILABLE", "The submitted information didn't contain changes. Submit different information to create a change set."]);
    assert.deepEqual((await cfn.listChangeSets({ StackName: "cs" })).Summaries!.map((s) => s.ChangeSetName), ["first", "more", "none"]);
    await cfn.deleteChangeSet({ StackName: "cs", ChangeSetName: "none" });
    await assert.rejects(cfn.describeChangeSet({ StackName: "cs", ChangeSetName: "none" }), { name: "ChangeSetNotFoundException", message: "ChangeSet [none] does not exist" });
    await cfn.executeChangeSet({ StackName: "cs", ChangeSetName: "more" });
    assert.equal((await ended("cs")).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("cs-"), { "cs-a": 3, "cs-b": undefined });
  });

  test("a serverless template is transformed; a wrong one fails its change set", async () => {
    const role = { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trust } };
    const sam = (more: object): string =>
      body({ R: role, F: { Type: "AWS::Serverless::Function", Properties: { Runtime: "nodejs24.x", Handler: "index.h", InlineCode: "exports.h = async () => 1", Role: { "Fn::GetAtt": ["R", "Arn"] }, ...more } } }, { Transform: "AWS::Serverless-2016-10-31" });
    await assert.rejects(cfn.createStack({ StackName: "sam", TemplateBody: sam({}), Capabilities: ["CAPABILITY_IAM"] }), { name: "InsufficientCapabilitiesException", message: "Requires capabilities : [CAPABILITY_AUTO_EXPAND]" });
    await cfn.createChangeSet({ StackName: "sam", ChangeSetName: "c", ChangeSetType: "CREATE", TemplateBody: sam({ AutoPublishAlias: "live" }), Capabilities: ["CAPABILITY_IAM"] });
    const started = performance.now();
    await cfn.executeChangeSet({ StackName: "sam", ChangeSetName: "c" });
    assert.ok(performance.now() - started < 2_500);
    assert.equal((await ended("sam")).StackStatus, "CREATE_COMPLETE");
    const types = (await cfn.listStackResources({ StackName: "sam" })).StackResourceSummaries!.map((r) => r.ResourceType).sort();
    assert.deepEqual(types, ["AWS::IAM::Role", "AWS::Lambda::Alias", "AWS::Lambda::Function", "AWS::Lambda::Version"]);
    const { TemplateBody } = await cfn.getTemplate({ StackName: "sam", TemplateStage: "Processed" });
    assert.match(TemplateBody!, /AWS::Lambda::Function/);
    await cfn.createChangeSet({ StackName: "sam", ChangeSetName: "bad", TemplateBody: sam({ Nonsense: 1 }), Capabilities: ["CAPABILITY_IAM"] });
    const bad = await cfn.describeChangeSet({ StackName: "sam", ChangeSetName: "bad" });
    assert.equal(bad.Status, "FAILED");
    assert.match(bad.StatusReason!, /^Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document\./);
    await cfn.createChangeSet({ StackName: "sam", ChangeSetName: "same", TemplateBody: sam({ AutoPublishAlias: "live" }), Capabilities: ["CAPABILITY_IAM"] });
    assert.equal((await cfn.describeChangeSet({ StackName: "sam", ChangeSetName: "same" })).StatusReason, "No updates are to be performed.");
  });
});

test("an alias with a deployment preference moves by CodeDeploy", async () => {
  const template = (n: number): string =>
    body(
      { F: { Type: "AWS::Serverless::Function", Properties: { FunctionName: "shifted", Runtime: "nodejs24.x", Handler: "index.h", InlineCode: `exports.h = async () => ${n}`, AutoPublishAlias: "live", DeploymentPreference: { Type: "AllAtOnce" } } } },
      { Transform: "AWS::Serverless-2016-10-31" },
    );
  const more = { Capabilities: ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const] };
  assert.equal((await create("shifting", template(1), more)).StackStatus, "CREATE_COMPLETE");
  assert.equal((await update("shifting", template(2), more)).StackStatus, "UPDATE_COMPLETE");
  const { StackResources } = await cfn.describeStackResources({ StackName: "shifting" });
  const id = (type: string): string => StackResources!.find((r) => r.ResourceType === type)!.PhysicalResourceId!;
  const codedeploy = new CodeDeploy(app.client);
  const { deployments } = await codedeploy.listDeployments({ applicationName: id("AWS::CodeDeploy::Application"), deploymentGroupName: id("AWS::CodeDeploy::DeploymentGroup") });
  assert.equal(deployments!.length, 1);
  assert.equal((await codedeploy.getDeployment({ deploymentId: deployments![0]! })).deploymentInfo!.status, "Succeeded");
  assert.equal((await new Lambda(app.client).getAlias({ FunctionName: "shifted", Name: "live" })).FunctionVersion, "2");
});

test("parameters and dynamic references come from the parameter store", async () => {
  const ssm = new SSM(app.client);
  await ssm.putParameter({ Name: "/days", Value: "7", Type: "String" });
  await ssm.putParameter({ Name: "/name", Value: "from-ssm", Type: "String" });
  const stack = await create(
    "ssm",
    body({ A: group("{{resolve:ssm:/name}}", { Ref: "Days" }) }, { Parameters: { Days: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/days" } } }),
  );
  assert.equal(stack.StackStatus, "CREATE_COMPLETE");
  assert.deepEqual(stack.Parameters, [{ ParameterKey: "Days", ParameterValue: "/days", ResolvedValue: "7" }]);
  assert.deepEqual(await retention("from-ssm"), { "from-ssm": 7 });
  await assert.rejects(
    cfn.createStack({ StackName: "ssm2", TemplateBody: body({ A: group("x") }, { Parameters: { P: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/absent" } } }) }),
    { message: "Unable to fetch parameters [/absent] from parameter store for this account." },
  );
});

describe("between stacks", () => {
  test("an export is imported, and cannot go or change while it is", async () => {
    const exporter = (value: string, name = "shared"): string => body({ A: group("exp-a") }, { Outputs: { O: { Value: value, Export: { Name: name } } } });
    await create("exporter", exporter("one"));
    await create("importer", body({ B: group({ "Fn::ImportValue": "shared" } as never) }));
    assert.deepEqual(Object.keys(await retention("one")), ["one"]);
    assert.deepEqual((await cfn.listImports({ ExportName: "shared" })).Imports, ["importer"]);
    assert.ok((await cfn.listExports({})).Exports!.some((e) => e.Name === "shared" && e.Value === "one"));
    assert.equal((await update("exporter", exporter("two"))).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "exporter" });
    assert.ok(StackEvents!.some((e) => e.ResourceStatusReason?.startsWith("Export shared cannot be updated as it is in use by importer")));
    await cfn.deleteStack({ StackName: "exporter" });
    assert.equal((await ended("exporter")).StackStatus, "DELETE_FAILED");
    assert.equal((await create("second", exporter("x").replaceAll("exp-a", "exp-b"))).StackStatus, "ROLLBACK_COMPLETE");
    assert.equal((await create("nobody", body({ B: group({ "Fn::ImportValue": "missing" } as never) }))).StackStatus, "ROLLBACK_COMPLETE");
    await cfn.deleteStack({ StackName: "importer" });
    await cfn.deleteStack({ StackName: "exporter" });
    assert.ok(!(await cfn.listExports({})).Exports!.some((e) => e.Name === "shared"));
  });

  test("a stack in a stack: made, updated, rolled back with its parent, deleted with it", async () => {
    await s3.createBucket({ Bucket: "templates" });
    const put = (days: number) => s3.putObject({ Bucket: "templates", Key: "inner.json", Body: body({ A: group("inner-a", days) }, { Parameters: { P: { Type: "String", Default: "x" } }, Outputs: { Name: { Value: { Ref: "A" } } } }) });
    await put(1);
    const outer = (more: Resources = {}): string =>
      body({ In: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: `${app.endpoint}/templates/inner.json`, Parameters: { P: "y" } } }, ...more }, { Outputs: { O: { Value: { "Fn::GetAtt": ["In", "Outputs.Name"] } } } });
    const made = await create("outer", outer());
    assert.equal(made.StackStatus, "CREATE_COMPLETE");
    assert.equal(made.Outputs![0]!.OutputValue, "inner-a");
    const inner = (await cfn.describeStackResource({ StackName: "outer", LogicalResourceId: "In" })).StackResourceDetail!.PhysicalResourceId!;
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
    const assume = (service: string): string => JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }] });
    const { Role } = await iam.createRole({ RoleName: "deployer", AssumeRolePolicyDocument: assume("cloudformation.amazonaws.com") });
    await iam.createRole({ RoleName: "other", AssumeRolePolicyDocument: assume("lambda.amazonaws.com") });
    const template = body({ A: group("role-a") });
    await assert.rejects(create("role", template, { RoleARN: "arn:aws:iam::000000000000:role/other" }), { message: "Role arn:aws:iam::000000000000:role/other is invalid or cannot be assumed" });
    assert.equal((await create("role", template, { RoleARN: Role!.Arn! })).StackStatus, "ROLLBACK_COMPLETE");
    await cfn.deleteStack({ StackName: "role" });
    const allow = (Action: string, Resource = "*"): string => JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] });
    await iam.putRolePolicy({ RoleName: "deployer", PolicyName: "p", PolicyDocument: allow("logs:*") });
    assert.equal((await create("role", template, { RoleARN: Role!.Arn!, Tags: [{ Key: "k", Value: "v" }] })).StackStatus, "CREATE_COMPLETE");
    await iam.createUser({ UserName: "dev" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "dev" });
    const dev = new Cfn.CloudFormation(app.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }));
    await assert.rejects(dev.createStack({ StackName: "mine", TemplateBody: template }), { name: "AccessDenied", message: /cloudformation:CreateStack on resource: arn:aws:cloudformation:us-east-1:000000000000:stack\/mine\/\*/ });
    await iam.putUserPolicy({ UserName: "dev", PolicyName: "p", PolicyDocument: allow("cloudformation:*", "arn:aws:cloudformation:*:*:stack/mine/*") });
    const { StackId } = await dev.createStack({ StackName: "mine", TemplateBody: body({ A: group("mine-a") }) });
    assert.equal((await ended(StackId!)).StackStatus, "ROLLBACK_COMPLETE");
    await assert.rejects(dev.createStack({ StackName: "mine2", TemplateBody: template }), { name: "AccessDenied" });
    await assert.rejects(dev.deleteStack({ StackName: "mine", RoleARN: Role!.Arn! }), { name: "AccessDenied", message: /iam:PassRole/ });
  });
});

test("templates are validated and summed up without being deployed", async () => {
  const TemplateBody = body(
    { R: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trust } } },
    { Description: "d", Parameters: { P: { Type: "String", Default: "x", AllowedValues: ["x", "y"] }, S: { Type: "String", NoEcho: true } } },
  );
  const valid = await cfn.validateTemplate({ TemplateBody });
  assert.deepEqual(valid.Parameters, [{ ParameterKey: "P", DefaultValue: "x", NoEcho: false }, { ParameterKey: "S", NoEcho: true }]);
  assert.deepEqual([valid.Capabilities, valid.CapabilitiesReason, valid.Description], [["CAPABILITY_IAM"], "The following resource(s) require capabilities: [AWS::IAM::Role]", "d"]);
  const summed = await cfn.getTemplateSummary({ TemplateBody });
  assert.deepEqual(summed.ResourceTypes, ["AWS::IAM::Role"]);
  assert.deepEqual(summed.Parameters![0], { ParameterKey: "P", ParameterType: "String", DefaultValue: "x", NoEcho: false, ParameterConstraints: { AllowedValues: ["x", "y"] } });
  const stack = await create("hidden", TemplateBody, { Capabilities: ["CAPABILITY_IAM"], Parameters: [{ ParameterKey: "S", ParameterValue: "secret" }] });
  assert.deepEqual(stack.Parameters!.find((p) => p.ParameterKey === "S"), { ParameterKey: "S", ParameterValue: "****" });
});
