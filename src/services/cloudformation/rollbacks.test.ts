import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { body, group, openStacks, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

describe("stacks that stay as a failure left them", () => {
  let app: TestApp;
  let cfn: CloudFormation;
  let stacks: Stacks;
  before(async () => {
    app = await startTestApp();
    cfn = new CloudFormation(app.client);
    stacks = openStacks(app.client);
    await new CloudWatchLogs(app.client).createLogGroup({ logGroupName: "taken" });
  });
  after(() => app.stop());

  const DisableRollback = true;
  const taken = group("taken", undefined, { DependsOn: "A" });

  test("RollbackStack takes a failed creation away", async () => {
    const made = await stacks.create("new", body({ A: group("new-a", 3), B: taken }), { DisableRollback });
    assert.equal(made.StackStatus, "CREATE_FAILED");
    assert.deepEqual(await stacks.retention("new"), { "new-a": 3 });
    const { StackId } = await cfn.rollbackStack({ StackName: "new" });
    assert.equal(StackId, made.StackId);
    assert.equal((await stacks.ended("new")).StackStatus, "ROLLBACK_COMPLETE");
    assert.deepEqual(await stacks.retention("new"), {});
  });

  test("RollbackStack takes a failed update back, and refuses what it cannot", async () => {
    await stacks.create("old", body({ A: group("old-a", 3) }));
    await assert.rejects(cfn.rollbackStack({ StackName: "old" }), {
      name: "ValidationError",
      message: /^Stack:arn:.* is in CREATE_COMPLETE state and can not be rolled back\.$/,
    });
    const bad = (days: number) => body({ A: group("old-a", days), B: taken, C: group("old-c", 1) });
    assert.equal((await stacks.update("old", bad(5), { DisableRollback })).StackStatus, "UPDATE_FAILED");
    assert.equal((await stacks.retention("old"))["old-a"], 5);
    await cfn.rollbackStack({ StackName: "old" });
    assert.equal((await stacks.ended("old")).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await stacks.retention("old"), { "old-a": 3 });
    await stacks.update("old", bad(7), { DisableRollback });
    assert.equal((await stacks.update("old", bad(14), { DisableRollback })).StackStatus, "UPDATE_FAILED");
    await assert.rejects(cfn.rollbackStack({ StackName: "old" }), { name: "NotImplemented" });
  });
});
