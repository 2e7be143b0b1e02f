import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { body, group, openStacks, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: CloudFormation;
let alarms: CloudWatch;
let { create, ended, events, update, retention } = {} as Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new CloudFormation(app.client);
  alarms = new CloudWatch(app.client);
  ({ create, ended, events, update, retention } = openStacks(app.client));
});
after(() => app.stop());

const Arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:errors";
const triggers = { RollbackTriggers: [{ Arn, Type: "AWS::CloudWatch::Alarm" }] };
const setAlarm = (StateValue: "OK" | "ALARM") =>
  alarms.setAlarmState({ AlarmName: "errors", StateValue, StateReason: "test" });

/** As when a process was killed before it could tell that it was through with the first messages of `count` operations. */
async function sendFirstMessagesAgain(count: number): Promise<void> {
  const { database, queue } = app.running.platform;
  const topic = "cloudformation-0";
  const sql = "select body from queue_message where topic = ?";
  // The first message of an operation may still be there for a moment.
  const paused = async () =>
    (await database.all<{ body: string }>({ sql, parameters: [topic] }))
      .map((row) => JSON.parse(row.body))
      .filter(({ body }) => body.looks >= 1);
  for (const deadline = Date.now() + 10_000; (await paused()).length < count;) {
    assert.ok(Date.now() < deadline, "the stacks are not watched");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const { body, ...envelope } of await paused()) {
    const first = JSON.stringify({ ...envelope, body: { operation: body.operation } });
    await database.write(queue.enqueue(topic, first));
  }
}

describe("rollback triggers", () => {
  test("are checked and shown", async () => {
    const input = { StackName: "rt", TemplateBody: body({ A: group("rt-a", 1) }) };
    const wrong = (Type: string, Arn: string) =>
      cfn.createStack({ ...input, RollbackConfiguration: { RollbackTriggers: [{ Type, Arn }] } });
    await assert.rejects(wrong("Another", Arn), { message: "Rollback Trigger Type not supported" });
    await assert.rejects(wrong("AWS::CloudWatch::Alarm", Arn.replace("alarm:", "")), {
      message: "RelativeId of a Rollback Trigger's ARN is incorrect",
    });
    const missing = await create("rt-none", input.TemplateBody, { RollbackConfiguration: triggers });
    assert.equal(missing.StackStatus, "ROLLBACK_COMPLETE");
    const metric = { Namespace: "n", MetricName: "m", Period: 60, EvaluationPeriods: 1, Threshold: 1 };
    await alarms.putMetricAlarm({
      AlarmName: "errors",
      ...metric,
      Statistic: "Sum",
      ComparisonOperator: "GreaterThanThreshold",
    });
    await setAlarm("OK");
    const stack = await create("rt", input.TemplateBody, { RollbackConfiguration: triggers });
    assert.deepEqual([stack.StackStatus, stack.RollbackConfiguration], ["CREATE_COMPLETE", triggers]);
  });

  test("make an update of their own, which watches for nothing where no resource changes", async () => {
    const RollbackConfiguration = { ...triggers, MonitoringTimeInMinutes: 5 };
    const TemplateBody = body({ A: group("rt-a", 1) });
    const stack = await update("rt", TemplateBody, { RollbackConfiguration });
    assert.deepEqual([stack.StackStatus, stack.RollbackConfiguration], ["UPDATE_COMPLETE", RollbackConfiguration]);
    await assert.rejects(cfn.updateStack({ StackName: "rt", TemplateBody, RollbackConfiguration }), {
      message: "No updates are to be performed.",
    });
    assert.equal(
      (await update("rt", TemplateBody, { RollbackConfiguration: triggers })).StackStatus,
      "UPDATE_COMPLETE",
    );
  });

  test("roll an update back that an alarm speaks against, while it is made and for a time after it", async () => {
    await setAlarm("ALARM");
    const stack = await update("rt", body({ A: group("rt-a", 3) }));
    assert.equal(stack.StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    const { StackEvents } = await cfn.describeStackEvents({ StackName: "rt" });
    const reason = StackEvents!.find((e) => e.ResourceStatus === "UPDATE_ROLLBACK_IN_PROGRESS")!.ResourceStatusReason;
    assert.equal(reason, `The following rollback trigger(s) are in ALARM state: [${Arn}]. `);
    await setAlarm("OK");
    const RollbackConfiguration = { ...triggers, MonitoringTimeInMinutes: 5 };
    const TemplateBody = body({ A: group("rt-a", 7) });
    await cfn.updateStack({ StackName: "rt", TemplateBody, RollbackConfiguration });
    for (const deadline = Date.now() + 10_000; (await retention("rt-a"))["rt-a"] !== 7;) {
      assert.ok(Date.now() < deadline, "the log group was not updated");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal((await cfn.describeStacks({ StackName: "rt" })).Stacks![0]!.StackStatus, "UPDATE_IN_PROGRESS");
    await setAlarm("ALARM");
    assert.equal((await ended("rt")).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await retention("rt-a"), { "rt-a": 1 });
  });

  test("hold no worker of stacks while they are watched", async () => {
    await setAlarm("OK");
    const RollbackConfiguration = { ...triggers, MonitoringTimeInMinutes: 5 };
    const watched = Array.from({ length: 17 }, (_none, i) => `rt-watched-${i}`);
    const begin = (StackName: string) =>
      cfn.createStack({ StackName, TemplateBody: body({ A: group(StackName) }), RollbackConfiguration });
    await Promise.all(watched.map(begin));
    assert.equal((await create("rt-other", body({ A: group("rt-other") }))).StackStatus, "CREATE_COMPLETE");
    const { Stacks } = await cfn.describeStacks({ StackName: watched[16]! });
    assert.equal(Stacks![0]!.StackStatus, "CREATE_IN_PROGRESS");
    await sendFirstMessagesAgain(watched.length);
    await setAlarm("ALARM");
    for (const name of watched) {
      assert.equal((await ended(name)).StackStatus, "ROLLBACK_COMPLETE");
      const rollbacks = (await events(name)).filter((event) => event === `${name} ROLLBACK_IN_PROGRESS`);
      assert.equal(rollbacks.length, 1);
    }
  });
});
