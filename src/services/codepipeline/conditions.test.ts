import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { IAM } from "@aws-sdk/client-iam";
import type { StageDeclaration } from "@aws-sdk/client-codepipeline";
import {
  action,
  approve,
  openPipelineKit,
  soon,
  source,
  type PipelineKit,
} from "../../../test/support/pipeline-kit.ts";

const check = (name: string, Variable: string, Value: string, Operator = "EQ") => ({
  name,
  ruleTypeId: { category: "Rule" as const, owner: "AWS" as const, provider: "VariableCheck", version: "1" },
  configuration: { Variable, Value, Operator },
});

describe("conditions, retries and rollbacks of stages", () => {
  let kit: PipelineKit;
  before(async () => {
    kit = await openPipelineKit();
  });
  after(() => kit?.app.stop());

  const create = (second: Partial<StageDeclaration>, more: object = {}): Promise<string> =>
    kit.create(
      [
        { name: "Source", actions: [source] },
        { name: "Check", actions: [approve("Look")], ...second },
      ],
      { pipelineType: "V2", variables: [{ name: "To", defaultValue: "prod" }], ...more },
    );

  test("an entry condition that is not met skips the stage, fails it, or is overridden", async () => {
    const { pipelines, ended, states, approvalIn, decide } = kit;
    const rules = [check("ok", "#{variables.To}", "prod"), check("no", "#{variables.To}", "^d.*v$", "MATCHES")];
    const skipping = await create({ beforeEntry: { conditions: [{ result: "SKIP", rules }] } });
    assert.equal((await ended(skipping)).status, "Succeeded");
    const stage = (await states(skipping))[1]!;
    assert.equal(stage.latestExecution?.status, "Skipped");
    assert.equal(stage.beforeEntryConditionState?.latestExecution?.status, "Failed");
    assert.deepEqual(
      stage.beforeEntryConditionState?.conditionStates?.[0]?.ruleStates?.map((r) => r.latestExecution?.status),
      ["Succeeded", "Failed"],
    );
    const { ruleExecutionDetails } = await pipelines.listRuleExecutions({ pipelineName: skipping });
    const failed = ruleExecutionDetails!.find((r) => r.ruleName === "no")!;
    assert.equal(failed.status, "Failed");
    assert.equal(failed.input?.resolvedConfiguration?.["Variable"], "prod");
    assert.match(failed.output!.executionResult!.errorDetails!.message!, /prod does not satisfy MATCHES/);
    const { actionExecutionDetails } = await pipelines.listActionExecutions({ pipelineName: skipping });
    assert.deepEqual(
      actionExecutionDetails!.map((a) => a.actionName),
      ["Src"],
    );

    const failing = await create({ beforeEntry: { conditions: [{ result: "FAIL", rules }] } });
    const { pipelineExecutionId, status } = await ended(failing);
    assert.equal(status, "Failed");
    const override = {
      pipelineName: failing,
      stageName: "Check",
      pipelineExecutionId: pipelineExecutionId!,
      conditionType: "BEFORE_ENTRY" as const,
    };
    await assert.rejects(pipelines.overrideStageCondition({ ...override, conditionType: "ON_SUCCESS" }), {
      name: "ConditionNotOverridableException",
    });
    await pipelines.overrideStageCondition(override);
    await decide(failing, "Check", "Look", await approvalIn(failing, "Check", "Look"));
    assert.equal((await ended(failing)).status, "Succeeded");
    assert.equal((await states(failing))[1]!.beforeEntryConditionState?.latestExecution?.status, "Overridden");
  });

  test("a failed stage is retried once by itself", async () => {
    const { ended, states, approvalIn, decide } = kit;
    const name = await create({ onFailure: { result: "RETRY", retryConfiguration: { retryMode: "ALL_ACTIONS" } } });
    const first = await approvalIn(name, "Check", "Look");
    await decide(name, "Check", "Look", first, "Rejected");
    const second = await soon(async () => {
      const token = await approvalIn(name, "Check", "Look");
      return token === first ? undefined : token;
    }, "the retry");
    await decide(name, "Check", "Look", second, "Rejected");
    assert.equal((await ended(name)).status, "Failed");
    const { retryStageMetadata } = (await states(name))[1]!;
    assert.deepEqual(retryStageMetadata, { autoStageRetryAttempt: 1, latestRetryTrigger: "AutomatedStageRetry" });
  });

  test("a failed stage is rolled back to its last success, by itself and by hand", async () => {
    const { pipelines, newest, ended, approvalIn, decide } = kit;
    const name = await create({ onFailure: { result: "ROLLBACK" } });
    await decide(name, "Check", "Look", await approvalIn(name, "Check", "Look"));
    const good = await ended(name);
    assert.equal(good.status, "Succeeded");
    const { pipelineExecutionId: bad } = await pipelines.startPipelineExecution({ name });
    await soon(async () => ((await newest(name))[0]?.pipelineExecutionId === bad ? true : undefined), "the second one");
    const token = await approvalIn(name, "Check", "Look");
    await decide(name, "Check", "Look", token, "Rejected");
    const rollback = await soon(
      async () => (await newest(name)).find((e) => e.executionType === "ROLLBACK"),
      "the rollback",
    );
    assert.deepEqual(
      [rollback.trigger?.triggerType, rollback.rollbackMetadata?.rollbackTargetPipelineExecutionId],
      ["AutomatedRollback", good.pipelineExecutionId],
    );
    assert.equal(rollback.sourceRevisions?.[0]?.revisionId, good.sourceRevisions?.[0]?.revisionId);
    const again = await soon(async () => {
      const found = await approvalIn(name, "Check", "Look");
      return found === token ? undefined : found;
    }, "the approval of the rollback");
    await decide(name, "Check", "Look", again);
    assert.equal((await ended(name)).status, "Succeeded");
    const target = { pipelineName: name, stageName: "Check" };
    await assert.rejects(pipelines.rollbackStage({ ...target, targetPipelineExecutionId: bad! }), {
      name: "UnableToRollbackStageException",
    });
    const { pipelineExecutionId } = await pipelines.rollbackStage({
      ...target,
      targetPipelineExecutionId: good.pipelineExecutionId!,
    });
    await approvalIn(name, "Check", "Look");
    const { pipelineExecution } = await pipelines.getPipelineExecution({
      pipelineName: name,
      pipelineExecutionId: pipelineExecutionId!,
    });
    assert.equal(pipelineExecution?.executionType, "ROLLBACK");
    assert.equal(pipelineExecution?.trigger?.triggerType, "ManualRollback");
  });

  test("an alarm holds a release back; a success that is not confirmed is a failure", async () => {
    const { ended, approvalIn, decide, app } = kit;
    const cloudwatch = new CloudWatch(app.client);
    await cloudwatch.putMetricAlarm({
      AlarmName: "errors",
      Namespace: "n",
      MetricName: "m",
      Statistic: "Sum",
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: "GreaterThanThreshold",
    });
    const ruleTypeId = { category: "Rule" as const, owner: "AWS" as const, provider: "CloudWatchAlarm", version: "1" };
    const rules = [{ name: "quiet", ruleTypeId, configuration: { AlarmName: "errors" } }];
    const name = await create({ onSuccess: { conditions: [{ result: "FAIL", rules }] } });
    await decide(name, "Check", "Look", await approvalIn(name, "Check", "Look"));
    const refused = await ended(name);
    assert.equal(refused.status, "Failed");
    assert.match(refused.statusSummary!, /^Check\/quiet: .*cloudwatch:DescribeAlarms/);
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "cloudwatch:*", Resource: "*" }] };
    await new IAM(app.client).putRolePolicy({
      RoleName: "pipeline",
      PolicyName: "cloudwatch",
      PolicyDocument: JSON.stringify(policy),
    });
    const again = {
      pipelineName: name,
      stageName: "Check",
      pipelineExecutionId: refused.pipelineExecutionId!,
      retryMode: "FAILED_ACTIONS" as const,
    };
    await kit.pipelines.retryStageExecution(again);
    assert.equal((await ended(name)).status, "Succeeded");
    await cloudwatch.setAlarmState({ AlarmName: "errors", StateValue: "ALARM", StateReason: "test" });
    const { pipelineExecutionId } = await kit.pipelines.startPipelineExecution({ name });
    await soon(
      async () => ((await kit.newest(name))[0]?.pipelineExecutionId === pipelineExecutionId ? true : undefined),
      "the next one",
    );
    await decide(name, "Check", "Look", await approvalIn(name, "Check", "Look"));
    assert.match((await ended(name)).statusSummary!, /The alarm errors is in the state ALARM/);
  });

  test("what a pipeline cannot have is refused when it is declared", async () => {
    const rules = [check("a", "#{variables.To}", "prod", "LIKE")];
    await assert.rejects(create({ beforeEntry: { conditions: [{ result: "SKIP", rules }] } }), {
      name: "InvalidActionDeclarationException",
      message: /operator LIKE/,
    });
    await assert.rejects(create({ beforeEntry: { conditions: [{ result: "ROLLBACK", rules }] } }), {
      name: "InvalidStageDeclarationException",
    });
    await assert.rejects(create({ onFailure: { result: "RETRY" } }, { pipelineType: "V1", variables: [] }), {
      message: /only supported for pipelines of type V2/,
    });
    const { ruleTypes } = await kit.pipelines.listRuleTypes({});
    assert.deepEqual(
      ruleTypes!.map((r) => r.id?.provider),
      ["CloudWatchAlarm", "CodeBuild", "Commands", "DeploymentWindow", "LambdaInvoke", "VariableCheck"],
    );
  });

  const rule = (provider: string, more: object) => ({
    name: "rule",
    ruleTypeId: { category: "Rule" as const, owner: "AWS" as const, provider, version: "1" },
    ...more,
  });
  const entry = (one: ReturnType<typeof rule>) => ({
    beforeEntry: { conditions: [{ result: "FAIL" as const, rules: [one] }] },
  });

  test("a deployment window lets through when it is open, and waits when it is not", async () => {
    const { states, approvalIn } = kit;
    const open = await create(
      entry(rule("DeploymentWindow", { configuration: { Cron: "* * * * * ?", TimeZone: "Europe/Berlin" } })),
    );
    assert.ok(await approvalIn(open, "Check", "Look"));
    const year = new Date().getUTCFullYear() + 1;
    const closed = await create(entry(rule("DeploymentWindow", { configuration: { Cron: `* * * * * ? ${year}` } })));
    const rules = await soon(async () => {
      const state = (await states(closed))[1]?.beforeEntryConditionState?.conditionStates?.[0]?.ruleStates;
      return state?.[0]?.latestExecution ? state : undefined;
    }, "the rule");
    assert.equal(rules[0]!.latestExecution!.status, "InProgress");
    await assert.rejects(create(entry(rule("DeploymentWindow", { configuration: { Cron: "every day" } }))), {
      name: "InvalidActionDeclarationException",
      message: /The window of rule rule is not valid/,
    });
  });

  test("commands belong to the provider Commands, and to pipelines of type V2", async () => {
    await assert.rejects(create(entry(rule("Commands", {}))), { message: /must have at least one command/ });
    const skip = { result: "SKIP" as const, rules: [rule("Commands", { commands: ["true"] })] };
    await assert.rejects(create({ beforeEntry: { conditions: [skip] } }), {
      message: /LambdaInvoke and VariableCheck/,
    });
    const commands = action("Run", "Compute/Commands", { commands: ["true"] });
    await assert.rejects(create({ actions: [commands] }, { pipelineType: "V1", variables: [] }), {
      name: "InvalidActionDeclarationException",
      message: /Commands is only supported for pipelines of type V2/,
    });
    await assert.rejects(create({ actions: [{ ...approve("Look"), commands: ["true"] }] }), {
      message: /belong to the provider Commands/,
    });
  });

  test("a pipeline starts another one with variables, and goes on", async () => {
    const { pipelines, ended, newest, approvalIn } = kit;
    const other = await create({});
    await approvalIn(other, "Check", "Look");
    await new IAM(kit.app.client).putRolePolicy({
      RoleName: "pipeline",
      PolicyName: "invoke",
      PolicyDocument: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "codepipeline:StartPipelineExecution", Resource: "*" }],
      }),
    });
    const invoke = action("Other", "Invoke/CodePipeline", {
      configuration: { PipelineName: other, Variables: '[{"name": "To", "value": "#{variables.To}-2"}]' },
      namespace: "Other",
    });
    const name = await create({ actions: [invoke] });
    assert.equal((await ended(name)).status, "Succeeded");
    const [started] = await newest(other);
    const { pipelineExecution } = await pipelines.getPipelineExecution({
      pipelineName: other,
      pipelineExecutionId: started!.pipelineExecutionId!,
    });
    assert.deepEqual(pipelineExecution!.variables, [{ name: "To", resolvedValue: "prod-2" }]);
    const { actionExecutionDetails } = await pipelines.listActionExecutions({ pipelineName: name });
    const { output } = actionExecutionDetails!.find((a) => a.actionName === "Other")!;
    assert.deepEqual(output!.outputVariables, { PipelineExecutionId: started!.pipelineExecutionId });
  });
});
