import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CodeDeploy, type CreateDeploymentCommandInput, type DeploymentInfo } from "@aws-sdk/client-codedeploy";
import { IAM } from "@aws-sdk/client-iam";
import { Lambda } from "@aws-sdk/client-lambda";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { zip } from "../../../test/support/zip.ts";
import { createContext } from "../../aws/context.ts";
import { FakeClock } from "../../kernel/clock.ts";
import { parseAppSpec } from "./appspec.ts";

let app: TestApp;
let roleArn: string;
let functionRole: string;
const clock = new FakeClock(Date.now());
const MINUTE = 60_000;

/** A client for one call, which signs by the platform's time. */
const settings = () => ({ ...app.client, systemClockOffset: clock.now() - Date.now() });
const codedeploy = () => new CodeDeploy(settings());
const lambda = () => new Lambda(settings());

before(async () => {
  app = await startTestApp({ clock });
  const iam = new IAM(app.client);
  const role = async (RoleName: string, Service: string) => {
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service }, Action: "sts:AssumeRole" }],
    };
    return (await iam.createRole({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) })).Role!.Arn!;
  };
  roleArn = await role("deployer", "codedeploy.amazonaws.com");
  await iam.attachRolePolicy({
    RoleName: "deployer",
    PolicyArn: "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda",
  });
  functionRole = await role("fn", "lambda.amazonaws.com");
  await codedeploy().createApplication({ applicationName: "app", computePlatform: "Lambda" });
});
after(() => app.stop());

let n = 0;
/** A function with versions 1 and 2, an alias on 1, and a deployment group of its own. */
async function made(config: string, rollback = true): Promise<{ name: string; group: string }> {
  const name = `f${n}`;
  const group = `g${n++}`;
  const code = async (text: string) => zip({ "index.js": text });
  await lambda().createFunction({
    FunctionName: name,
    Role: functionRole,
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    Code: { ZipFile: await code("1") },
    Publish: true,
  });
  await lambda().updateFunctionCode({ FunctionName: name, ZipFile: await code("2"), Publish: true });
  await lambda().createAlias({ FunctionName: name, Name: "live", FunctionVersion: "1" });
  const autoRollbackConfiguration = {
    enabled: rollback,
    events: ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"] as (
      | "DEPLOYMENT_FAILURE"
      | "DEPLOYMENT_STOP_ON_REQUEST"
    )[],
  };
  await codedeploy().createDeploymentGroup({
    applicationName: "app",
    deploymentGroupName: group,
    serviceRoleArn: roleArn,
    deploymentConfigName: config,
    autoRollbackConfiguration,
  });
  return { name, group };
}

const specOf = (name: string, hooks = "") =>
  `version: 0.0\nResources:\n  - fn:\n      Type: AWS::Lambda::Function\n      Properties: {Name: ${name}, Alias: live, CurrentVersion: "1", TargetVersion: "2"}\n${hooks}`;

function deploy(group: string, content: string): CreateDeploymentCommandInput {
  return {
    applicationName: "app",
    deploymentGroupName: group,
    revision: { revisionType: "AppSpecContent", appSpecContent: { content } },
  };
}

async function until(deploymentId: string, test: (d: DeploymentInfo) => boolean): Promise<DeploymentInfo> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const { deploymentInfo } = await codedeploy().getDeployment({ deploymentId });
    if (test(deploymentInfo!)) return deploymentInfo!;
    assert.ok(Date.now() < deadline, `${JSON.stringify(deploymentInfo)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const alias = async (FunctionName: string) => {
  const { FunctionVersion, RoutingConfig } = await lambda().getAlias({ FunctionName, Name: "live" });
  return [FunctionVersion, RoutingConfig?.AdditionalVersionWeights ?? {}];
};

async function weightIs(name: string, expected: unknown[]): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (JSON.stringify(await alias(name)) !== JSON.stringify(expected) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(await alias(name), expected);
}

/** The execution id that a hook's function would get. */
async function hookId(deploymentId: string, hook: string): Promise<string> {
  const { records } = contextOf();
  const deadline = Date.now() + 5_000;
  for (;;) {
    const stored = await records.get<{ events: { name: string; executionId?: string }[] }>("deployment", deploymentId);
    const id = stored?.value.events.find((e) => e.name === hook)?.executionId;
    if (id) return id;
    assert.ok(Date.now() < deadline, "the hook was not called");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function contextOf() {
  const { platform, registry } = app.running;
  return createContext(platform, registry, {
    service: "codedeploy",
    account: "000000000000",
    region: "us-east-1",
    principal: { kind: "anonymous", account: "000000000000" },
  });
}

test("all at once: the alias moves, and the deployment says so", async () => {
  const { name, group } = await made("CodeDeployDefault.LambdaAllAtOnce");
  const { deploymentId } = await codedeploy().createDeployment(deploy(group, specOf(name)));
  const d = await until(deploymentId!, (i) => i.status === "Succeeded");
  assert.deepEqual([d.deploymentOverview!.Succeeded, d.creator, d.computePlatform], [1, "user", "Lambda"]);
  assert.deepEqual(await alias(name), ["2", {}]);
  assert.deepEqual(
    (await codedeploy().listDeployments({ applicationName: "app", deploymentGroupName: group })).deployments,
    [deploymentId],
  );
  const targets = async (TargetStatus: string[]) =>
    (await codedeploy().listDeploymentTargets({ deploymentId, targetFilters: { TargetStatus } })).targetIds;
  assert.deepEqual([await targets(["Succeeded"]), await targets(["Failed", "Pending"])], [[`${name}:live`], []]);
  await assert.rejects(
    codedeploy().listDeploymentTargets({ deploymentId, targetFilters: { ServerInstanceLabel: ["Blue"] } }),
    { name: "InvalidTargetFilterNameException" },
  );
  const { deploymentTarget } = await codedeploy().getDeploymentTarget({ deploymentId, targetId: `${name}:live` });
  assert.deepEqual(
    deploymentTarget!.lambdaTarget!.lifecycleEvents!.map((e) => e.status),
    ["Skipped", "Succeeded", "Skipped"],
  );
  const { deploymentGroupInfo } = await codedeploy().getDeploymentGroup({
    applicationName: "app",
    deploymentGroupName: group,
  });
  assert.equal(deploymentGroupInfo!.lastSuccessfulDeployment!.deploymentId, deploymentId);
});

test("canary and linear: shares of the traffic, at their times", async () => {
  const canary = await made("CodeDeployDefault.LambdaCanary10Percent5Minutes");
  const first = await codedeploy().createDeployment(deploy(canary.group, specOf(canary.name)));
  await weightIs(canary.name, ["1", { "2": 0.1 }]);
  assert.equal((await until(first.deploymentId!, () => true)).status, "InProgress");
  await clock.advance(4 * MINUTE);
  assert.deepEqual(await alias(canary.name), ["1", { "2": 0.1 }]);
  await clock.advance(MINUTE + 1);
  await until(first.deploymentId!, (d) => d.status === "Succeeded");
  assert.deepEqual(await alias(canary.name), ["2", {}]);

  await codedeploy().createDeploymentConfig({
    deploymentConfigName: "halves",
    computePlatform: "Lambda",
    trafficRoutingConfig: { type: "TimeBasedLinear", timeBasedLinear: { linearPercentage: 40, linearInterval: 1 } },
  });
  const linear = await made("halves");
  const second = await codedeploy().createDeployment(deploy(linear.group, specOf(linear.name)));
  await weightIs(linear.name, ["1", { "2": 0.4 }]);
  await clock.advance(MINUTE + 1);
  await weightIs(linear.name, ["1", { "2": 0.8 }]);
  await clock.advance(MINUTE + 1);
  await until(second.deploymentId!, (d) => d.status === "Succeeded");
  assert.deepEqual(await alias(linear.name), ["2", {}]);
});

test("an application gets another name, and its groups with it", async () => {
  const deploy = codedeploy();
  await deploy.createApplication({ applicationName: "old", computePlatform: "Lambda" });
  await deploy.createDeploymentGroup({ applicationName: "old", deploymentGroupName: "g", serviceRoleArn: roleArn });
  await assert.rejects(deploy.updateApplication({ applicationName: "old", newApplicationName: "app" }), {
    name: "ApplicationAlreadyExistsException",
  });
  await deploy.updateApplication({ applicationName: "old", newApplicationName: "new" });
  assert.deepEqual((await deploy.listDeploymentGroups({ applicationName: "new" })).deploymentGroups, ["g"]);
  await assert.rejects(deploy.getApplication({ applicationName: "old" }), { name: "ApplicationDoesNotExistException" });
  await deploy.deleteApplication({ applicationName: "new" });
});

test("a stop in the middle takes the traffic back", async () => {
  const { name, group } = await made("CodeDeployDefault.LambdaLinear10PercentEvery1Minute");
  const { deploymentId } = await codedeploy().createDeployment(deploy(group, specOf(name)));
  await weightIs(name, ["1", { "2": 0.1 }]);
  await assert.rejects(codedeploy().createDeployment(deploy(group, specOf(name))), {
    name: "DeploymentLimitExceededException",
  });
  await codedeploy().stopDeployment({ deploymentId });
  const stopped = await until(deploymentId!, (d) => d.status === "Stopped");
  await until(stopped.rollbackInfo!.rollbackDeploymentId!, (d) => d.status === "Succeeded");
  assert.deepEqual(await alias(name), ["1", {}]);
  await clock.advance(5 * MINUTE);
  assert.deepEqual(await alias(name), ["1", {}]);
  await assert.rejects(codedeploy().stopDeployment({ deploymentId }), { name: "DeploymentAlreadyCompletedException" });
});

test("hooks: one that succeeds lets it go on, one that fails or is silent takes it back", async () => {
  await lambda().createFunction({
    FunctionName: "CodeDeployHook_check",
    Role: functionRole,
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    Code: { ZipFile: await zip({ "index.js": "1" }) },
  });
  const hooks = "Hooks: [{BeforeAllowTraffic: CodeDeployHook_check}, {AfterAllowTraffic: CodeDeployHook_check}]\n";
  const { name, group } = await made("CodeDeployDefault.LambdaAllAtOnce");
  const { deploymentId } = await codedeploy().createDeployment(deploy(group, specOf(name, hooks)));
  const before = await hookId(deploymentId!, "BeforeAllowTraffic");
  assert.deepEqual(await alias(name), ["1", {}]);
  await assert.rejects(
    codedeploy().putLifecycleEventHookExecutionStatus({
      deploymentId,
      lifecycleEventHookExecutionId: "x",
      status: "Succeeded",
    }),
    { name: "InvalidLifecycleEventHookExecutionIdException" },
  );
  await codedeploy().putLifecycleEventHookExecutionStatus({
    deploymentId,
    lifecycleEventHookExecutionId: before,
    status: "Succeeded",
  });
  await assert.rejects(
    codedeploy().putLifecycleEventHookExecutionStatus({
      deploymentId,
      lifecycleEventHookExecutionId: before,
      status: "Succeeded",
    }),
    { name: "LifecycleEventAlreadyCompletedException" },
  );
  const later = await hookId(deploymentId!, "AfterAllowTraffic");
  assert.deepEqual(await alias(name), ["2", {}]);
  await codedeploy().putLifecycleEventHookExecutionStatus({
    deploymentId,
    lifecycleEventHookExecutionId: later,
    status: "Failed",
  });
  const failed = await until(deploymentId!, (d) => d.status === "Failed");
  assert.equal(failed.errorInformation!.code, "HOOK_EXECUTION_FAILURE");
  await until(failed.rollbackInfo!.rollbackDeploymentId!, (d) => d.status === "Succeeded");
  assert.deepEqual(await alias(name), ["1", {}]);

  const silent = await codedeploy().createDeployment(deploy(group, specOf(name, hooks)));
  await hookId(silent.deploymentId!, "BeforeAllowTraffic");
  await clock.advance(61 * MINUTE);
  assert.equal((await until(silent.deploymentId!, (d) => d.status === "Failed")).errorInformation!.code, "TIMEOUT");
});

test("an alarm stops a deployment and takes the traffic back", async () => {
  const cloudWatch = () => new CloudWatch(settings());
  await cloudWatch().putMetricAlarm({
    AlarmName: "errors",
    Namespace: "Own",
    MetricName: "Errors",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 0,
    ComparisonOperator: "GreaterThanThreshold",
    TreatMissingData: "ignore",
  });
  const { name, group } = await made("CodeDeployDefault.LambdaCanary10Percent5Minutes");
  await codedeploy().updateDeploymentGroup({
    applicationName: "app",
    currentDeploymentGroupName: group,
    alarmConfiguration: { enabled: true, alarms: [{ name: "errors" }] },
    autoRollbackConfiguration: { enabled: true, events: ["DEPLOYMENT_STOP_ON_ALARM"] },
  });
  const { deploymentId } = await codedeploy().createDeployment(deploy(group, specOf(name)));
  await weightIs(name, ["1", { "2": 0.1 }]);
  await cloudWatch().setAlarmState({ AlarmName: "errors", StateValue: "ALARM", StateReason: "by hand" });
  await clock.advance(10_000);
  const d = await until(deploymentId!, (info) => info.status === "Stopped");
  assert.equal(d.errorInformation!.code, "ALARM_ACTIVE");
  assert.match(d.errorInformation!.message!, /Activated alarms: errors/);
  await until(d.rollbackInfo!.rollbackDeploymentId!, (info) => info.status === "Succeeded");
  await weightIs(name, ["1", {}]);
  const again = (await codedeploy().createDeployment(deploy(group, specOf(name)))).deploymentId!;
  // An alarm that is on lets nothing begin.
  assert.equal((await until(again, (info) => info.status === "Stopped")).errorInformation!.code, "ALARM_ACTIVE");
});

test("what cannot be deployed fails with the reason", async () => {
  const { name, group } = await made("CodeDeployDefault.LambdaAllAtOnce", false);
  await lambda().updateAlias({ FunctionName: name, Name: "live", FunctionVersion: "2" });
  const moved = await codedeploy().createDeployment(deploy(group, specOf(name)));
  const d = await until(moved.deploymentId!, (i) => i.status === "Failed");
  assert.match(d.errorInformation!.message!, /points to version 2, not to the current version 1/);
  const none = await codedeploy().createDeployment(deploy(group, specOf("nowhere")));
  assert.equal(
    (await until(none.deploymentId!, (i) => i.status === "Failed")).errorInformation!.code,
    "INVALID_LAMBDA_FUNCTION",
  );
  await lambda().updateAlias({ FunctionName: name, Name: "live", FunctionVersion: "1" });
  const forbidden = await codedeploy().createDeployment(
    deploy(group, specOf(name, `Hooks: [{BeforeAllowTraffic: ${name}}]\n`)),
  );
  assert.equal(
    (await until(forbidden.deploymentId!, (i) => i.status === "Failed")).errorInformation!.code,
    "IAM_ROLE_PERMISSIONS",
  );
});

test("what is refused, in AWS's words", async () => {
  await assert.rejects(codedeploy().createApplication({ applicationName: "app", computePlatform: "Lambda" }), {
    name: "ApplicationAlreadyExistsException",
  });
  await assert.rejects(codedeploy().createApplication({ applicationName: "servers", computePlatform: "Server" }), {
    name: "NotImplemented",
  });
  await assert.rejects(codedeploy().getApplication({ applicationName: "none" }), {
    name: "ApplicationDoesNotExistException",
    message: "No application found for name: none",
  });
  await assert.rejects(codedeploy().createDeployment(deploy("none", specOf("f"))), {
    name: "DeploymentGroupDoesNotExistException",
  });
  await assert.rejects(codedeploy().getDeployment({ deploymentId: "d-000000000" }), {
    name: "DeploymentDoesNotExistException",
  });
  assert.ok(
    (await codedeploy().listDeploymentConfigs({})).deploymentConfigsList!.includes(
      "CodeDeployDefault.LambdaLinear10PercentEvery2Minutes",
    ),
  );
});

test("an AppSpec is read, or refused with what is wrong", () => {
  assert.deepEqual(
    parseAppSpec(
      JSON.stringify({
        version: 0,
        Resources: [
          {
            x: {
              Type: "AWS::Lambda::Function",
              Properties: { Name: "f", Alias: "a", CurrentVersion: 1, TargetVersion: 2 },
            },
          },
        ],
      }),
    ),
    { functionName: "f", alias: "a", currentVersion: "1", targetVersion: "2" },
  );
  assert.throws(() => parseAppSpec("[1"), { code: "InvalidRevisionException" });
  assert.throws(() => parseAppSpec("Resources: []"), /exactly one resource/);
  assert.throws(() => parseAppSpec(specOf("f").replace("Alias: live, ", "")), /Alias is missing/);
  assert.throws(() => parseAppSpec(specOf("f").replace('"2"', '"1"')), /are the same/);
  assert.throws(() => parseAppSpec(specOf("f", "Hooks: [{BeforeInstall: x}]")), /BeforeInstall is not a hook/);
});
