import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { body, group, openStacks, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: CloudFormation;
let stacks: Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new CloudFormation(app.client);
  stacks = openStacks(app.client);
});
after(() => app.stop());

describe("a transform that fails", () => {
  const Capabilities = ["CAPABILITY_AUTO_EXPAND" as const];
  const good = body({ A: group("macro-a", 3) });
  const bad = body({ A: group("macro-a", 5) }, { Transform: "Missing" });
  const REASON = "No transform named 000000000000::Missing found.";
  const reasons = async (StackName: string) =>
    (await cfn.describeStackEvents({ StackName })).StackEvents!.map((e) => e.ResourceStatusReason);

  test("takes the creation back that it was asked for", async () => {
    const made = await stacks.create("macro-new", bad, { Capabilities });
    assert.equal(made.StackStatus, "ROLLBACK_COMPLETE");
    assert.ok((await reasons("macro-new")).includes(`${REASON}. Rollback requested by user.`));
    await cfn.deleteStack({ StackName: "macro-new" });
    assert.equal((await stacks.ended(made.StackId!)).StackStatus, "DELETE_COMPLETE");
  });

  test("takes an update back, and the next one is as if it had not been", async () => {
    await stacks.create("macro-old", good);
    assert.equal((await stacks.update("macro-old", bad, { Capabilities })).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await stacks.retention("macro"), { "macro-a": 3 });
    assert.equal((await stacks.update("macro-old", body({ A: group("macro-a", 7) }))).StackStatus, "UPDATE_COMPLETE");
    const stay = { Capabilities, DisableRollback: true };
    assert.equal((await stacks.update("macro-old", bad, stay)).StackStatus, "UPDATE_FAILED");
    assert.equal((await stacks.update("macro-old", good)).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await stacks.retention("macro"), { "macro-a": 3 });
  });

  test("leaves a creation without rollback to be put right by an update", async () => {
    const made = await stacks.create("macro-kept", bad, { Capabilities, DisableRollback: true });
    assert.equal(made.StackStatus, "CREATE_FAILED");
    assert.equal((await stacks.update("macro-kept", body({ B: group("kept-b", 1) }))).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await stacks.retention("kept-b"), { "kept-b": 1 });
  });
});

describe("stacks that stay as a failure left them", () => {
  before(() => new CloudWatchLogs(app.client).createLogGroup({ logGroupName: "taken" }));

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
