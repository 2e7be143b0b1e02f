import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { body, group, putTo } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const ACCOUNT = "000000000000";
const HOME = "us-east-1";
const AWAY = "eu-west-1";

let app: TestApp;
let cfn: Cfn.CloudFormation;
let away: Cfn.CloudFormation;
let iam: IAM;
before(async () => {
  app = await startTestApp();
  cfn = new Cfn.CloudFormation({ ...app.client, region: HOME });
  away = new Cfn.CloudFormation({ ...app.client, region: AWAY });
  iam = new IAM(app.client);
});
after(() => app.stop());

const trusting = (Principal: object): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }] });
const policy = (Action: string): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] });

async function makeRole(RoleName: string, principal: object, action: string): Promise<void> {
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: trusting(principal) });
  await iam.putRolePolicy({ RoleName, PolicyName: "p", PolicyDocument: policy(action) });
}

const ADMINISTRATOR = "AWSCloudFormationStackSetAdministrationRole";
const EXECUTOR = "AWSCloudFormationStackSetExecutionRole";

const template = (prefix: string): string =>
  body(
    { G: group(undefined, { Ref: "Days" }, {}) },
    { Parameters: { Days: { Type: "Number", Default: 1 } }, Description: prefix },
  );

/** A template whose stacks are in progress until they are told that all is ready: what a test does meanwhile has no race to win. */
const waiting = body({
  Handle: { Type: "AWS::CloudFormation::WaitConditionHandle" },
  Wait: { Type: "AWS::CloudFormation::WaitCondition", Properties: { Handle: { Ref: "Handle" }, Timeout: "600" } },
});

/** Waits until the stack of a set in a region waits itself; answers what tells it that all is ready. */
async function waits(StackSetName: string, region: string): Promise<() => Promise<void>> {
  const there = new Cfn.CloudFormation({ ...app.client, region });
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const { Summaries } = await cfn.listStackInstances({ StackSetName, StackInstanceRegion: region });
    const StackName = Summaries![0]?.StackId;
    const found = StackName ? await there.describeStackResources({ StackName }).catch(() => undefined) : undefined;
    const { StackResources } = found ?? {};
    const wait = StackResources?.find((r) => r.LogicalResourceId === "Wait");
    const handle = StackResources?.find((r) => r.LogicalResourceId === "Handle");
    if (wait && handle) {
      const message = JSON.stringify({ Status: "SUCCESS", UniqueId: "1", Data: "done", Reason: "ready" });
      return async () => assert.equal(await putTo(app.endpoint, handle.PhysicalResourceId!, message), 200);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no stack of ${StackSetName} waits in ${region}`);
}

/** How an operation ends, with the result of each place. */
async function ended(StackSetName: string, OperationId: string | undefined) {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const { StackSetOperation: now } = await cfn.describeStackSetOperation({ StackSetName, OperationId: OperationId! });
    if (/^(SUCCEEDED|FAILED|STOPPED)$/.test(now!.Status!)) {
      const { Summaries } = await cfn.listStackSetOperationResults({ StackSetName, OperationId: OperationId! });
      return { status: now!.Status, results: Summaries!.map((r) => `${r.Region} ${r.Status}`), all: Summaries! };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${OperationId} did not end`);
}

const instances = async (StackSetName: string) =>
  (await cfn.listStackInstances({ StackSetName })).Summaries!.map(
    (i) => `${i.Region} ${i.Status} ${i.StackInstanceStatus!.DetailedStatus}`,
  );

describe("stack sets", () => {
  const both = { Accounts: [ACCOUNT], Regions: [HOME, AWAY] };

  test("are made, described and found by name and id; other names, models and templates are refused", async () => {
    const { StackSetId } = await cfn.createStackSet({
      StackSetName: "first",
      TemplateBody: template("first"),
      Parameters: [{ ParameterKey: "Days", ParameterValue: "3" }],
      Tags: [{ Key: "team", Value: "a" }],
    });
    assert.match(StackSetId!, /^first:[0-9a-f-]{36}$/);
    const summary = await cfn.getTemplateSummary({ StackSetName: "first" });
    assert.deepEqual([summary.Description, summary.Parameters?.map((p) => p.ParameterKey)], ["first", ["Days"]]);
    await assert.rejects(cfn.getTemplateSummary({ StackSetName: "none" }), { name: "StackSetNotFoundException" });
    await assert.rejects(cfn.listStackSets({ CallAs: "DELEGATED_ADMIN" }), { name: "NotImplemented" });
    const { StackSet } = await cfn.describeStackSet({ StackSetName: StackSetId! });
    assert.equal(StackSet!.AdministrationRoleARN, `arn:aws:iam::${ACCOUNT}:role/${ADMINISTRATOR}`);
    assert.deepEqual(StackSet!.Parameters, [{ ParameterKey: "Days", ParameterValue: "3" }]);
    assert.deepEqual([StackSet!.Status, StackSet!.PermissionModel, StackSet!.Regions], ["ACTIVE", "SELF_MANAGED", []]);
    const again = { StackSetName: "first", TemplateBody: template("first") };
    await assert.rejects(cfn.createStackSet(again), { name: "NameAlreadyExistsException" });
    await assert.rejects(cfn.createStackSet({ ...again, StackSetName: "1st" }), /'stackSetName' failed to satisfy/);
    await assert.rejects(
      cfn.createStackSet({ ...again, StackSetName: "managed", PermissionModel: "SERVICE_MANAGED" }),
      /You must enable organizations access/,
    );
    await assert.rejects(cfn.createStackSet({ StackSetName: "bad", TemplateBody: "{}" }), /Resources/);
    const { AccountLimits } = await cfn.describeAccountLimits({});
    assert.deepEqual(AccountLimits![0], { Name: "StackLimit", Value: 2000 });
    await assert.rejects(cfn.describeStackSet({ StackSetName: "none" }), {
      name: "StackSetNotFoundException",
      message: "StackSet none not found",
    });
  });

  test("need a role that CloudFormation may assume, and one that this role may", async () => {
    const input = { StackSetName: "first", ...both };
    await assert.rejects(cfn.createStackInstances(input), {
      message: `Account ${ACCOUNT} should have '${ADMINISTRATOR}' role with trust relationship to CloudFormation service.`,
    });
    await makeRole(ADMINISTRATOR, { Service: "cloudformation.amazonaws.com" }, "sts:AssumeRole");
    const { OperationId } = await cfn.createStackInstances(input);
    const { status, results, all } = await ended("first", OperationId);
    assert.deepEqual([status, results], ["FAILED", [`${HOME} FAILED`, `${AWAY} CANCELLED`]]);
    assert.equal(
      all[0]!.StatusReason,
      `Account ${ACCOUNT} should have '${EXECUTOR}' role with trust relationship to Role '${ADMINISTRATOR}'.`,
    );
    assert.deepEqual(await instances("first"), [`${AWAY} OUTDATED CANCELLED`, `${HOME} OUTDATED FAILED`]);
    await makeRole(EXECUTOR, { AWS: `arn:aws:iam::${ACCOUNT}:role/${ADMINISTRATOR}` }, "*");
  });

  test("make real stacks in the regions, in the order that is wanted, with overrides", async () => {
    const { OperationId } = await cfn.createStackInstances({
      StackSetName: "first",
      ...both,
      OperationPreferences: { RegionOrder: [AWAY, HOME] },
    });
    const { status, results } = await ended("first", OperationId);
    assert.deepEqual([status, results], ["SUCCEEDED", [`${AWAY} SUCCEEDED`, `${HOME} SUCCEEDED`]]);
    const { StackInstance } = await cfn.describeStackInstance({
      StackSetName: "first",
      StackInstanceAccount: ACCOUNT,
      StackInstanceRegion: AWAY,
    });
    const stack = (await away.describeStacks({ StackName: StackInstance!.StackId! })).Stacks![0]!;
    assert.match(stack.StackName!, /^StackSet-first-/);
    assert.deepEqual([stack.StackStatus, stack.Tags], ["CREATE_COMPLETE", [{ Key: "team", Value: "a" }]]);
    const update = await cfn.updateStackInstances({
      StackSetName: "first",
      Accounts: [ACCOUNT],
      Regions: [AWAY],
      ParameterOverrides: [{ ParameterKey: "Days", ParameterValue: "7" }],
    });
    assert.equal((await ended("first", update.OperationId)).status, "SUCCEEDED");
    const logs = new CloudWatchLogs({ ...app.client, region: AWAY });
    assert.equal((await logs.describeLogGroups({})).logGroups![0]!.retentionInDays, 7);
  });

  test("change all their stacks, and keep those whose update fails apart", async () => {
    const update = await cfn.updateStackSet({ StackSetName: "first", TemplateBody: template("second") });
    assert.equal((await ended("first", update.OperationId)).status, "SUCCEEDED");
    assert.deepEqual(await instances("first"), [`${AWAY} CURRENT SUCCEEDED`, `${HOME} CURRENT SUCCEEDED`]);
    const { OperationId } = await cfn.updateStackSet({
      StackSetName: "first",
      TemplateBody: body({ G: group("in valid") }),
      OperationPreferences: { RegionOrder: [HOME], FailureToleranceCount: 1 },
    });
    const { status, results } = await ended("first", OperationId);
    assert.deepEqual([status, results], ["SUCCEEDED", [`${HOME} FAILED`, `${AWAY} FAILED`]]);
    assert.deepEqual(await instances("first"), [`${AWAY} OUTDATED FAILED`, `${HOME} OUTDATED FAILED`]);
    const actions = (await cfn.listStackSetOperations({ StackSetName: "first" })).Summaries!.map((o) => o.Action);
    assert.deepEqual(actions, ["UPDATE", "UPDATE", "UPDATE", "CREATE", "CREATE"]);
  });

  test("whoever gives a set with a role of its own another template must be allowed to pass that role", async () => {
    const AdministrationRoleARN = `arn:aws:iam::${ACCOUNT}:role/own`;
    await cfn.createStackSet({ StackSetName: "own", TemplateBody: template("own"), AdministrationRoleARN });
    await iam.createUser({ UserName: "dev" });
    const may = policy("cloudformation:*");
    await iam.putUserPolicy({ UserName: "dev", PolicyName: "p", PolicyDocument: may });
    const { AccessKey } = await iam.createAccessKey({ UserName: "dev" });
    const [accessKeyId, secretAccessKey] = [AccessKey!.AccessKeyId!, AccessKey!.SecretAccessKey!];
    const dev = new Cfn.CloudFormation(app.as({ accessKeyId, secretAccessKey }));
    const change = { StackSetName: "own", TemplateBody: template("other") };
    await assert.rejects(dev.updateStackSet(change), { message: /iam:PassRole on resource: .*role\/own/ });
    await ended("own", (await cfn.updateStackSet(change)).OperationId);
    await cfn.deleteStackSet({ StackSetName: "own" });
  });

  test("are deleted when they are empty; retained stacks live on", async () => {
    await assert.rejects(cfn.deleteStackSet({ StackSetName: "first" }), { name: "StackSetNotEmptyException" });
    const drop = async (Regions: string[], RetainStacks: boolean) => {
      const input = { StackSetName: "first", Accounts: [ACCOUNT], Regions, RetainStacks };
      return (await ended("first", (await cfn.deleteStackInstances(input)).OperationId)).status;
    };
    assert.equal(await drop([HOME], false), "SUCCEEDED");
    assert.equal(await drop([AWAY, "us-west-2"], true), "SUCCEEDED");
    assert.deepEqual(await instances("first"), []);
    const left = async (client: Cfn.CloudFormation) => (await client.describeStacks({})).Stacks!.length;
    assert.deepEqual([await left(cfn), await left(away)], [0, 1]);
    await cfn.deleteStackSet({ StackSetName: "first" });
    await cfn.deleteStackSet({ StackSetName: "first" });
    const listed = async (Status: Cfn.StackSetStatus) => (await cfn.listStackSets({ Status })).Summaries!.length;
    assert.deepEqual([await listed("ACTIVE"), await listed("DELETED")], [0, 2]);
  });

  test("refuse a second operation, or let it wait where they are managed; one that waits can be stopped", async () => {
    const places = { Accounts: [ACCOUNT], Regions: [HOME, AWAY] };
    await cfn.createStackSet({ StackSetName: "busy", TemplateBody: waiting });
    const first = await cfn.createStackInstances({ StackSetName: "busy", ...places });
    await assert.rejects(cfn.updateStackSet({ StackSetName: "busy", UsePreviousTemplate: true }), {
      name: "OperationInProgressException",
    });
    await cfn.stopStackSetOperation({ StackSetName: "busy", OperationId: first.OperationId! });
    await (
      await waits("busy", HOME)
    )();
    assert.equal((await ended("busy", first.OperationId)).status, "STOPPED");
    await cfn.createStackSet({ StackSetName: "calm", TemplateBody: waiting, ManagedExecution: { Active: true } });
    const one = await cfn.createStackInstances({ StackSetName: "calm", Accounts: [ACCOUNT], Regions: [HOME] });
    const ready = await waits("calm", HOME); // before the set has another template, which the stack would be made of
    const two = await cfn.updateStackSet({ StackSetName: "calm", TemplateBody: template("d") });
    const three = await cfn.updateStackSet({ StackSetName: "calm", TemplateBody: template("e") });
    await cfn.stopStackSetOperation({ StackSetName: "calm", OperationId: three.OperationId! });
    await ready();
    assert.equal((await ended("calm", three.OperationId)).status, "STOPPED");
    assert.equal((await ended("calm", one.OperationId)).status, "SUCCEEDED");
    assert.equal((await ended("calm", two.OperationId)).status, "SUCCEEDED");
  });

  test("that wait for stacks let others go on, and see when their stacks are ready", async () => {
    const place = { Accounts: [ACCOUNT], Regions: ["us-west-1"] };
    const start = async (StackSetName: string, TemplateBody: string): Promise<string> => {
      await cfn.createStackSet({ StackSetName, TemplateBody });
      return (await cfn.createStackInstances({ StackSetName, ...place })).OperationId!;
    };
    const slow: string[] = [];
    for (let i = 0; i < 8; i++) slow.push(await start(`slow-${i}`, waiting));
    assert.equal((await ended("quick", await start("quick", template("quick")))).status, "SUCCEEDED");
    const input = { StackSetName: "slow-0", OperationId: slow[0]! };
    assert.equal((await cfn.describeStackSetOperation(input)).StackSetOperation!.Status, "RUNNING");
    const stopped = { StackSetName: "slow-1", OperationId: slow[1]! };
    await cfn.stopStackSetOperation(stopped);
    await (
      await waits("slow-0", "us-west-1")
    )();
    assert.equal((await ended("slow-0", slow[0])).status, "SUCCEEDED");
    assert.deepEqual(await instances("slow-0"), ["us-west-1 CURRENT SUCCEEDED"]);
    // A stack that is on its way is waited for, stopped or not.
    assert.equal((await cfn.describeStackSetOperation(stopped)).StackSetOperation!.Status, "STOPPING");
    assert.deepEqual(await instances("slow-1"), ["us-west-1 OUTDATED RUNNING"]);
  });
});
