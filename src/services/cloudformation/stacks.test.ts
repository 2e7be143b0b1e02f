import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { body, group, openStacks, trust, type Resources, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: Cfn.CloudFormation;
let logs: CloudWatchLogs;
let iam: IAM;
let s3: S3;
let { create, ended, events, retention, update } = {} as Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new Cfn.CloudFormation(app.client);
  logs = new CloudWatchLogs(app.client);
  iam = new IAM(app.client);
  s3 = new S3({ ...app.client, forcePathStyle: true });
  ({ create, ended, events, retention, update } = openStacks(app.client));
});
after(() => app.stop());

describe("a stack's life", () => {
  test("an update that a role refuses is taken back: the resource is given its former values again", async () => {
    const role = { RoleName: "stack-role", PolicyName: "p" };
    const AssumeRolePolicyDocument = JSON.stringify(trust).replace("lambda", "cloudformation");
    const { Role } = await iam.createRole({ RoleName: role.RoleName, AssumeRolePolicyDocument });
    const allow = (refused: string[]) => {
      const Statement = [{ Effect: "Allow", Action: "logs:*", Resource: "*" }].map((s) => s as object);
      if (refused.length > 0) Statement.push({ Effect: "Deny", Action: refused, Resource: "*" });
      return iam.putRolePolicy({ ...role, PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }) });
    };
    await allow([]);
    await create("refused", body({ A: group("refused-a", 3) }), { RoleARN: Role!.Arn! });
    for (const refused of [["logs:PutRetentionPolicy"], ["logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy"]]) {
      await allow(refused);
      assert.equal(
        (await update("refused", body({ A: group("refused-a", 5) }))).StackStatus,
        "UPDATE_ROLLBACK_COMPLETE",
      );
      assert.deepEqual(await retention("refused"), { "refused-a": 3 });
      assert.deepEqual((await events("refused")).slice(-8), [
        "refused UPDATE_IN_PROGRESS",
        "A UPDATE_IN_PROGRESS",
        "A UPDATE_FAILED",
        "refused UPDATE_ROLLBACK_IN_PROGRESS",
        "A UPDATE_IN_PROGRESS",
        "A UPDATE_COMPLETE",
        "refused UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "refused UPDATE_ROLLBACK_COMPLETE",
      ]);
    }
    await allow([]);
    assert.equal((await update("refused", body({ A: group("refused-a", 5) }))).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("refused"), { "refused-a": 5 });
  });

  test("is created in order of its dependencies, shown, updated in place, and deleted", async () => {
    const template = (days: number): string =>
      body(
        { B: group({ "Fn::Sub": "life-b-${A}" } as never, 7), A: group("life-a", { Ref: "Days" }) },
        {
          Parameters: { Days: { Type: "Number", Default: days } },
          Description: "two groups",
          Outputs: { Name: { Value: { "Fn::GetAtt": ["A", "Arn"] }, Description: "d" } },
        },
      );
    const made = await create("life", template(3), { Tags: [{ Key: "team", Value: "x" }], ClientRequestToken: "t1" });
    assert.equal(made.StackStatus, "CREATE_COMPLETE");
    assert.equal(made.Description, "two groups");
    assert.match(made.StackId!, /^arn:aws:cloudformation:us-east-1:000000000000:stack\/life\/[0-9a-f-]{36}$/);
    assert.deepEqual(made.Parameters, [{ ParameterKey: "Days", ParameterValue: "3" }]);
    assert.deepEqual(made.Outputs, [
      { OutputKey: "Name", OutputValue: "arn:aws:logs:us-east-1:000000000000:log-group:life-a:*", Description: "d" },
    ]);
    assert.deepEqual(await retention("life"), { "life-a": 3, "life-b-life-a": 7 });
    assert.equal(
      (await cfn.createStack({ StackName: "life", TemplateBody: template(3), ClientRequestToken: "t1" })).StackId,
      made.StackId,
    );
    await assert.rejects(cfn.createStack({ StackName: "life", TemplateBody: template(3) }), {
      name: "AlreadyExistsException",
      message: "Stack [life] already exists",
    });
    assert.deepEqual(await events("life"), [
      "life CREATE_IN_PROGRESS",
      "A CREATE_IN_PROGRESS",
      "A CREATE_IN_PROGRESS",
      "A CREATE_COMPLETE",
      "B CREATE_IN_PROGRESS",
      "B CREATE_IN_PROGRESS",
      "B CREATE_COMPLETE",
      "life CREATE_COMPLETE",
    ]);
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "life" });
    assert.deepEqual(
      StackEvents!.filter((e) => e.LogicalResourceId === "A").map((e) => JSON.parse(e.ResourceProperties!)),
      Array(3).fill({ LogGroupName: "life-a", RetentionInDays: 3 }),
    );
    assert.equal((await update("life", template(5))).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("life"), { "life-a": 5, "life-b-life-a": 7 });
    await assert.rejects(cfn.updateStack({ StackName: "life", TemplateBody: template(5) }), {
      name: "ValidationError",
      message: "No updates are to be performed.",
    });
    const { StackResources } = await cfn.describeStackResources({ StackName: "life" });
    assert.deepEqual(
      StackResources!.map((r) => [r.LogicalResourceId, r.PhysicalResourceId, r.ResourceStatus]),
      [
        ["A", "life-a", "UPDATE_COMPLETE"],
        ["B", "life-b-life-a", "CREATE_COMPLETE"],
      ],
    );
    await cfn.deleteStack({ StackName: "life" });
    assert.equal((await ended(made.StackId!)).StackStatus, "DELETE_COMPLETE");
    assert.deepEqual(await retention("life"), {});
    assert.deepEqual((await events(made.StackId!)).slice(-6), [
      "life DELETE_IN_PROGRESS",
      "B DELETE_IN_PROGRESS",
      "B DELETE_COMPLETE",
      "A DELETE_IN_PROGRESS",
      "A DELETE_COMPLETE",
      "life DELETE_COMPLETE",
    ]);
    await assert.rejects(cfn.describeStacks({ StackName: "life" }), {
      name: "ValidationError",
      message: "Stack with id life does not exist",
    });
    await cfn.deleteStack({ StackName: "life" });
  });

  test("events hide the values of parameters that are not shown, and a property is read like an attribute", async () => {
    const template = body(
      {
        A: group({ Ref: "Secret" } as never, 1),
        B: group({ "Fn::Sub": "${A.LogGroupName}-b" } as never, { "Fn::GetAtt": ["A", "RetentionInDays"] }),
      },
      { Parameters: { Secret: { Type: "String", NoEcho: true } } },
    );
    const Parameters = [{ ParameterKey: "Secret", ParameterValue: "hush-events" }];
    assert.equal((await create("quiet", template, { Parameters })).StackStatus, "CREATE_COMPLETE");
    assert.deepEqual(await retention("hush"), { "hush-events": 1, "hush-events-b": 1 });
    await update("quiet", template, { Parameters: [{ ParameterKey: "Secret", ParameterValue: "hush-later" }] });
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "quiet" });
    const shown = StackEvents!.map((e) => e.ResourceProperties ?? "").filter(Boolean);
    assert.ok(shown.includes('{"LogGroupName":"****","RetentionInDays":1}'));
    assert.ok(!shown.some((text) => text.includes("hush")), shown.join());
  });

  test("a template with a transform is updated even where it makes nothing new", async () => {
    const template = body({ A: group("again-a", 1) }, { Transform: "AWS::LanguageExtensions" });
    const expand = { Capabilities: [Cfn.Capability.CAPABILITY_AUTO_EXPAND] };
    await create("again", template, expand);
    assert.equal((await update("again", template, expand)).StackStatus, "UPDATE_COMPLETE");
  });

  test("a change that needs another resource makes it first and removes the old one in the clean-up", async () => {
    await create("swap", body({ A: group("swap-1", 1), B: group({ "Fn::Sub": "${A}-b" } as never) }));
    assert.equal(
      (await update("swap", body({ A: group("swap-2", 1), B: group({ "Fn::Sub": "${A}-b" } as never) }))).StackStatus,
      "UPDATE_COMPLETE",
    );
    assert.deepEqual(Object.keys(await retention("swap")), ["swap-2", "swap-2-b"]);
    const all = await events("swap");
    assert.ok(all.indexOf("A DELETE_COMPLETE") > all.indexOf("swap UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"));
    assert.ok(all.indexOf("A DELETE_COMPLETE") > all.indexOf("B DELETE_COMPLETE"));
  });

  test("what the template no longer has goes, unless it is to be retained", async () => {
    await create(
      "less",
      body({ A: group("less-a"), B: group("less-b"), C: group("less-c", undefined, { DeletionPolicy: "Retain" }) }),
    );
    await update("less", body({ A: group("less-a") }));
    assert.deepEqual(Object.keys(await retention("less")), ["less-a", "less-c"]);
    assert.ok((await events("less")).includes("C DELETE_SKIPPED"));
    assert.deepEqual(
      (await cfn.listStackResources({ StackName: "less" })).StackResourceSummaries!.map((r) => r.LogicalResourceId),
      ["A"],
    );
  });

  test("functions make no more text together than can be worked with", async () => {
    const Value = { "Fn::Sub": "${P}".repeat(970) };
    const one = { Type: "AWS::SSM::Parameter", Properties: { Type: "String", Value } };
    const Resources = Object.fromEntries(Array.from({ length: 8 }, (_none, i) => [`A${i}`, one]));
    const TemplateBody = JSON.stringify({ Parameters: { P: { Type: "String" } }, Resources });
    const Parameters = [{ ParameterKey: "P", ParameterValue: "x".repeat(4096) }];
    await assert.rejects(cfn.createStack({ StackName: "texts", TemplateBody, Parameters }), {
      name: "ValidationError",
      message: "Template error: the result of a function is too long",
    });
  });

  test("functions may say what becomes of a resource", async () => {
    const keep = { "Fn::If": ["Keep", "Retain", "Delete"] };
    const template = (name: string) =>
      body(
        {
          A: group("policy-a", 1, { DeletionPolicy: keep }),
          B: group(name, 1, { UpdateReplacePolicy: { Ref: "Replaced" } }),
        },
        {
          Parameters: { Kept: { Type: "String" }, Replaced: { Type: "String" } },
          Conditions: { Keep: { "Fn::Equals": [{ Ref: "Kept" }, "yes"] } },
        },
      );
    const given = (Kept: string, Replaced: string) => ({
      Parameters: Object.entries({ Kept, Replaced }).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
    });
    const none = await create("policies", template("policy-b"), given("no", "Never"));
    assert.equal(none.StackStatus, "ROLLBACK_COMPLETE");
    await cfn.deleteStack({ StackName: "policies" });
    await create("policies", template("policy-b"), given("no", "Retain"));
    await update("policies", template("policy-c"), given("no", "Retain"));
    assert.deepEqual(await retention("policy-"), { "policy-a": 1, "policy-b": 1, "policy-c": 1 });
    assert.equal(
      (await update("policies", template("policy-c"), given("yes", "Retain"))).StackStatus,
      "UPDATE_COMPLETE",
    );
    const { StackId } = (await cfn.describeStacks({ StackName: "policies" })).Stacks![0]!;
    await cfn.deleteStack({ StackName: "policies" });
    assert.equal((await ended(StackId!)).StackStatus, "DELETE_COMPLETE");
    assert.deepEqual(await retention("policy-"), { "policy-a": 1, "policy-b": 1 });
  });

  test("the stack's tags are on what it makes, and follow its changes", async () => {
    const bucket = (days: number): string =>
      body({
        B: { Type: "AWS::S3::Bucket", Properties: { BucketName: "tagged-bucket", Tags: [{ Key: "own", Value: "1" }] } },
        G: group("tagged-g", days),
      });
    const tags = async (): Promise<Record<string, string>> =>
      Object.fromEntries(
        (await s3.getBucketTagging({ Bucket: "tagged-bucket" }))
          .TagSet!.filter((t) => !t.Key!.startsWith("aws:"))
          .map((t) => [t.Key!, t.Value!]),
      );
    await create("tagged", bucket(1), {
      Tags: [
        { Key: "team", Value: "x" },
        { Key: "own", Value: "2" },
      ],
    });
    assert.deepEqual(await tags(), { own: "1", team: "x" });
    assert.equal(
      (await update("tagged", bucket(1), { Tags: [{ Key: "team", Value: "y" }] })).StackStatus,
      "UPDATE_COMPLETE",
    );
    assert.deepEqual(await tags(), { own: "1", team: "y" });
  });

  test("termination protection, and what ListStacks shows", async () => {
    const { StackId } = await create("kept", body({ A: group("kept-a", 1) }), { EnableTerminationProtection: true });
    await assert.rejects(cfn.deleteStack({ StackName: "kept" }), {
      message: "Stack [kept] cannot be deleted while TerminationProtection is enabled",
    });
    await cfn.updateTerminationProtection({ StackName: "kept", EnableTerminationProtection: false });
    await cfn.deleteStack({ StackName: "kept" });
    const { StackSummaries } = await cfn.listStacks({ StackStatusFilter: ["DELETE_COMPLETE"] });
    assert.ok(StackSummaries!.some((s) => s.StackId === StackId));
    assert.ok(!(await cfn.describeStacks({})).Stacks!.some((s) => s.StackId === StackId));
  });
});

describe("failures", () => {
  test("a creation that fails takes everything away again, half-made resources too", async () => {
    const bad = {
      Type: "AWS::IAM::Role",
      Properties: {
        RoleName: "half-made",
        AssumeRolePolicyDocument: trust,
        Policies: [{ PolicyName: "p", PolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: "Maybe" }] } }],
      },
      DependsOn: "A",
    };
    const stack = await create("bad", body({ A: group("bad-a"), R: bad }), { Capabilities: ["CAPABILITY_NAMED_IAM"] });
    assert.equal(stack.StackStatus, "ROLLBACK_COMPLETE");
    assert.ok(stack.DeletionTime);
    assert.deepEqual(await retention("bad"), {});
    await assert.rejects(iam.getRole({ RoleName: "half-made" }), { name: "NoSuchEntityException" });
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "bad" });
    const failed = StackEvents!.find((e) => e.ResourceStatus === "CREATE_FAILED")!;
    assert.match(
      failed.ResourceStatusReason!,
      /^Resource handler returned message: ".+" \(RequestToken: [0-9a-f-]{36}, HandlerErrorCode: InvalidRequest\)$/,
    );
    assert.equal(
      StackEvents!.find((e) => e.ResourceStatus === "ROLLBACK_IN_PROGRESS")!.ResourceStatusReason,
      "The following resource(s) failed to create: [R]. Rollback requested by user.",
    );
    await assert.rejects(update("bad", body({ A: group("x") })), {
      message: `Stack:${stack.StackId} is in ROLLBACK_COMPLETE state and can not be updated.`,
    });
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
      Changed: group("back-a", 30),
      Replaced: group("back-b2", 1),
      New: group("back-new"),
      Bad: group("taken", undefined, { DependsOn: ["Changed", "Replaced", "New"] }),
    });
    const stack = await update("back", next);
    assert.equal(stack.StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await retention("back"), { "back-a": 1, "back-b": 1, "back-c": undefined });
    const all = await events("back");
    assert.ok(
      all.includes("back UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS") &&
        all.includes("Bad CREATE_FAILED") &&
        all.includes("New DELETE_COMPLETE"),
    );
    const { StackResources } = await cfn.describeStackResources({ StackName: "back" });
    assert.deepEqual(
      StackResources!.map((r) => r.PhysicalResourceId),
      ["back-a", "back-c", "back-b"],
    );
    assert.equal((await cfn.getTemplate({ StackName: "back" })).TemplateBody!.includes("back-new"), false);
    assert.equal(
      (await update("back", body({ Changed: group("back-a", 3), Replaced: group("back-b", 1), Gone: group("back-c") })))
        .StackStatus,
      "UPDATE_COMPLETE",
    );
  });

  test("a resource with a name of its own is not replaced under the same name", async () => {
    const role = (path: string): Resources => ({
      R: { Type: "AWS::IAM::Role", Properties: { RoleName: "named", Path: path, AssumeRolePolicyDocument: trust } },
    });
    await create("named", body(role("/")), { Capabilities: ["CAPABILITY_NAMED_IAM"] });
    const stack = await update("named", body(role("/x/")), { Capabilities: ["CAPABILITY_NAMED_IAM"] });
    assert.equal(stack.StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "named" });
    assert.ok(
      StackEvents!.some(
        (e) =>
          e.ResourceStatusReason ===
          "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename named and update the stack again.",
      ),
    );
    assert.ok((await iam.getRole({ RoleName: "named" })).Role);
  });

  test("a rollback that fails is continued, with or without what cannot be rolled back", async () => {
    const template = (days: number, more: Resources = {}): string =>
      body({ A: group("cont-a", days), B: group("cont-b", days, { DependsOn: "A" }), ...more });
    await create("cont", template(1));
    await logs.deleteLogGroup({ logGroupName: "cont-b" });
    const stack = await update("cont", template(3));
    assert.equal(stack.StackStatus, "UPDATE_ROLLBACK_FAILED");
    assert.equal(stack.StackStatusReason, "The following resource(s) failed to update: [B]. ");
    assert.deepEqual(await retention("cont"), { "cont-a": 1 });
    await assert.rejects(update("cont", template(5)), {
      message: /is in UPDATE_ROLLBACK_FAILED state and can not be updated/,
    });
    await cfn.continueUpdateRollback({ StackName: "cont" });
    assert.equal((await ended("cont")).StackStatus, "UPDATE_ROLLBACK_FAILED");
    await cfn.continueUpdateRollback({ StackName: "cont", ResourcesToSkip: ["B"] });
    assert.equal((await ended("cont")).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    await logs.createLogGroup({ logGroupName: "cont-b" });
    assert.equal((await update("cont", template(5))).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("cont"), { "cont-a": 5, "cont-b": 5 });
  });

  test("a deletion that fails says what, and can leave it", async () => {
    const { StackId } = await create(
      "stuck",
      body({ B: { Type: "AWS::S3::Bucket", Properties: { BucketName: "stuck-bucket" } }, G: group("stuck-g") }),
    );
    await s3.putObject({ Bucket: "stuck-bucket", Key: "k", Body: "x" });
    await assert.rejects(cfn.deleteStack({ StackName: "stuck", RetainResources: ["B"] }), {
      message: /RetainResources can be used only for stacks in DELETE_FAILED state/,
    });
    await cfn.deleteStack({ StackName: "stuck" });
    const stack = await ended("stuck");
    assert.equal(stack.StackStatus, "DELETE_FAILED");
    assert.equal(stack.StackStatusReason, "The following resource(s) failed to delete: [B]. ");
    await cfn.deleteStack({ StackName: "stuck", RetainResources: ["B"] });
    assert.equal((await ended(StackId!)).StackStatus, "DELETE_COMPLETE");
    await s3.headBucket({ Bucket: "stuck-bucket" });
  });
});
