import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CostExplorer } from "@aws-sdk/client-cost-explorer";
import { functionKit, type FunctionKit } from "../support/function-kit.ts";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

/** Tells which process answers, since when it has been loaded, and how it was started. */
const WHO =
  "const id = Math.random(); const at = Date.now(); exports.handler = async (e) => { " +
  "if (e.exit) process.exit(1); if (e.wait) await new Promise((r) => setTimeout(r, e.wait)); " +
  "return { id, at, how: process.env.AWS_LAMBDA_INITIALIZATION_TYPE, v: process.env.AWS_LAMBDA_FUNCTION_VERSION } }";

const day = (ahead: number): string => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

describe("Provisioned concurrency", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let lambda: FunctionKit["lambda"];
  let kit: FunctionKit;
  before(async () => {
    platform = await startPlatform();
    kit = await functionKit(platform.client);
    ({ lambda } = kit);
  });
  after(() => platform?.stop());

  const call = async (name: string, Qualifier: string, event = {}) =>
    (await kit.call(name, event, { Qualifier })).value;
  async function until(FunctionName: string, Qualifier: string, status: string) {
    for (let tries = 0; tries < 200; tries++) {
      const now = await lambda.getProvisionedConcurrencyConfig({ FunctionName, Qualifier });
      if (now.Status === status) return now;
      await sleep(50);
    }
    throw new Error(`${FunctionName}:${Qualifier} did not become ${status}`);
  }
  async function published(code = WHO) {
    const FunctionName = await kit.create({ "index.js": code });
    await lambda.publishVersion({ FunctionName });
    return FunctionName;
  }
  const put = (FunctionName: string, Qualifier: string, ProvisionedConcurrentExecutions: number) =>
    lambda.putProvisionedConcurrencyConfig({ FunctionName, Qualifier, ProvisionedConcurrentExecutions });

  test("environments are ready before any call, serve first, and calls beyond them spill over", async () => {
    const f = await published();
    const first = await put(f, "1", 2);
    assert.equal(first.Status, "IN_PROGRESS");
    assert.equal(first.RequestedProvisionedConcurrentExecutions, 2);
    const ready = await until(f, "1", "READY");
    assert.equal(ready.AllocatedProvisionedConcurrentExecutions, 2);
    const readyAt = Date.now();
    const answers = await Promise.all([1, 2, 3].map(() => call(f, "1", { wait: 300 })));
    assert.deepEqual(answers.map((a) => a.how).toSorted(), [
      "on-demand",
      "provisioned-concurrency",
      "provisioned-concurrency",
    ]);
    for (const { how, at } of answers) if (how !== "on-demand") assert.ok(at <= readyAt);
    // Only what is called by the version has them.
    assert.equal((await kit.call(f)).value.how, "on-demand");
    const sum = async (MetricName: string) => {
      const { Datapoints } = await new CloudWatch(platform.client).getMetricStatistics({
        Namespace: "AWS/Lambda",
        MetricName,
        Dimensions: [
          { Name: "FunctionName", Value: f },
          { Name: "Resource", Value: `${f}:1` },
        ],
        StartTime: new Date(Date.now() - 3600_000),
        EndTime: new Date(Date.now() + 60_000),
        Period: 3600 * 24,
        Statistics: ["Sum"],
      });
      return Datapoints?.reduce((total, { Sum = 0 }) => total + Sum, 0);
    };
    assert.equal(await sum("ProvisionedConcurrencyInvocations"), 2);
    assert.equal(await sum("ProvisionedConcurrencySpilloverInvocations"), 1);
  });

  test("one that dies is replaced; what is deleted is gone; a function that cannot be loaded fails", async () => {
    const f = await published();
    await put(f, "1", 1);
    await until(f, "1", "READY");
    const before = await call(f, "1");
    await call(f, "1", { exit: true });
    await until(f, "1", "READY");
    const next = await call(f, "1");
    assert.equal(next.how, "provisioned-concurrency");
    assert.notEqual(next.id, before.id);
    await lambda.deleteProvisionedConcurrencyConfig({ FunctionName: f, Qualifier: "1" });
    assert.equal((await call(f, "1")).how, "on-demand");
    const usage = await new CostExplorer(platform.client).getCostAndUsage({
      TimePeriod: { Start: day(0), End: day(1) },
      Granularity: "DAILY",
      Metrics: ["UsageQuantity"],
      GroupBy: [{ Type: "DIMENSION", Key: "USAGE_TYPE" }],
      Filter: { Dimensions: { Key: "RESOURCE_ID", Values: [`arn:aws:lambda:us-east-1:000000000000:function:${f}`] } },
    });
    const amounts = new Map(
      usage.ResultsByTime![0]!.Groups!.map(({ Keys, Metrics }) => [
        Keys![0],
        Number(Metrics!["UsageQuantity"]!.Amount),
      ]),
    );
    assert.equal(amounts.get("Lambda-Provisioned-Concurrency"), 300 / 8); // five minutes of 128 MB at least
    assert.ok(amounts.get("Lambda-Provisioned-GB-Second")! > 0);
    await assert.rejects(lambda.getProvisionedConcurrencyConfig({ FunctionName: f, Qualifier: "1" }), {
      name: "ProvisionedConcurrencyConfigNotFoundException",
    });
    const broken = await published("throw new Error('no')");
    await put(broken, "1", 1);
    const failed = await until(broken, "1", "FAILED");
    assert.equal(failed.StatusReason, "FUNCTION_ERROR_INIT_FAILURE");
    assert.equal(failed.AllocatedProvisionedConcurrentExecutions, 0);
  });

  test("an alias takes its environments along to another version, and through a restart", async () => {
    const f = await published();
    await lambda.createAlias({ FunctionName: f, Name: "live", FunctionVersion: "1" });
    await put(f, "live", 1);
    await until(f, "live", "READY");
    assert.equal((await call(f, "live")).v, "1");
    await assert.rejects(put(f, "1", 1), { message: "Version is pointed by a Provisioned Concurrency alias" });
    await lambda.updateFunctionConfiguration({ FunctionName: f, Description: "two", MemorySize: 192 });
    await lambda.publishVersion({ FunctionName: f });
    await lambda.updateAlias({ FunctionName: f, Name: "live", FunctionVersion: "2" });
    await until(f, "live", "READY");
    const moved = await call(f, "live");
    assert.deepEqual([moved.v, moved.how], ["2", "provisioned-concurrency"]);
    await platform.end();
    await platform.restart();
    await until(f, "live", "READY");
    const after = await call(f, "live");
    assert.deepEqual([after.v, after.how], ["2", "provisioned-concurrency"]);
    assert.notEqual(after.id, moved.id);
    await lambda.deleteAlias({ FunctionName: f, Name: "live" });
    const { ProvisionedConcurrencyConfigs } = await lambda.listProvisionedConcurrencyConfigs({ FunctionName: f });
    assert.deepEqual(ProvisionedConcurrencyConfigs, []);
  });

  test("what the machine has no memory for fails with the reason, and what could be started serves", async () => {
    const f = await kit.create({ "index.js": WHO }, { MemorySize: 10_240 });
    await lambda.publishVersion({ FunctionName: f });
    await put(f, "1", 800);
    const failed = await until(f, "1", "FAILED");
    assert.match(failed.StatusReason!, /^\d+ of 800 environments could be started: the memory of this machine/);
    await lambda.deleteProvisionedConcurrencyConfig({ FunctionName: f, Qualifier: "1" });
  });

  test("a stack's alias is complete when its environments are ready; what cannot be loaded rolls back", async () => {
    const made = await deploy("kept", WHO);
    assert.equal(made.StackStatus, "CREATE_COMPLETE");
    const name = made.Outputs![0]!.OutputValue!;
    const config = await lambda.getProvisionedConcurrencyConfig({ FunctionName: name, Qualifier: "live" });
    assert.equal(config.Status, "READY");
    assert.equal((await call(name, "live")).how, "provisioned-concurrency");
    assert.equal((await deploy("broken", "throw new Error('no')")).StackStatus, "ROLLBACK_COMPLETE");
  });

  async function deploy(StackName: string, ZipFile: string) {
    const cloudFormation = new CloudFormation(platform.client);
    const template = {
      Resources: {
        F: {
          Type: "AWS::Lambda::Function",
          Properties: { Role: kit.role, Runtime: "nodejs24.x", Handler: "index.handler", Code: { ZipFile } },
        },
        V: { Type: "AWS::Lambda::Version", Properties: { FunctionName: { Ref: "F" } } },
        A: {
          Type: "AWS::Lambda::Alias",
          Properties: {
            FunctionName: { Ref: "F" },
            FunctionVersion: { "Fn::GetAtt": ["V", "Version"] },
            Name: "live",
            ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 1 },
          },
        },
      },
      Outputs: { Name: { Value: { Ref: "F" } } },
    };
    await cloudFormation.createStack({ StackName, TemplateBody: JSON.stringify(template) });
    for (let tries = 0; tries < 200; tries++) {
      const [stack] = (await cloudFormation.describeStacks({ StackName })).Stacks!;
      if (!stack!.StackStatus!.endsWith("_IN_PROGRESS")) return stack!;
      await sleep(50);
    }
    throw new Error(`the stack ${StackName} did not end`);
  }
});
