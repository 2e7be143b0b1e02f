import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { body, group, openStacks, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

describe("stack policies", () => {
  let app: TestApp;
  let cfn: CloudFormation;
  let stacks: Stacks;
  before(async () => {
    app = await startTestApp();
    cfn = new CloudFormation(app.client);
    stacks = openStacks(app.client);
  });
  after(() => app.stop());

  const all = { Principal: "*", Resource: "*" };
  const policy = (...Statement: object[]): string => JSON.stringify({ Statement });
  const allow = { Effect: "Allow", Action: "Update:*", ...all };
  const deny = { Effect: "Deny", Action: "Update:*", ...all };
  const policyOf = async (StackName: string) => (await cfn.getStackPolicy({ StackName })).StackPolicyBody;
  const reasons = async (StackName: string): Promise<string[]> =>
    (await cfn.describeStackEvents({ StackName }))
      .StackEvents!.filter((e) => e.ResourceStatus === "UPDATE_FAILED")
      .map((e) => `${e.LogicalResourceId}: ${e.ResourceStatusReason}`);
  const denied = (id: string, action: string, statement: number) =>
    `${id}: Action denied by stack policy: Statement [#${statement}] does not allow [Update:${action}] for resource [LogicalResourceId/${id}]`;

  test("a change that the policy denies fails, and the update is taken back", async () => {
    const [A, B] = [group("denied-a", 1), group("denied-b", 1)];
    await stacks.create("denied", body({ A, B }));
    const only = (Action: string, Resource: string) => policy(allow, { ...deny, Action, Resource });
    const set = (StackPolicyBody: string) => cfn.setStackPolicy({ StackName: "denied", StackPolicyBody });
    await set(only("Update:Modify", "LogicalResourceId/A"));
    const changed = await stacks.update("denied", body({ A: group("denied-a", 3), B }));
    assert.equal(changed.StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await reasons("denied"), [denied("A", "Modify", 2)]);
    await set(only("Update:Delete", "LogicalResourceId/B"));
    assert.equal((await stacks.update("denied", body({ A }))).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.equal((await reasons("denied"))[0], denied("B", "Delete", 2));
    assert.deepEqual(await stacks.retention("denied"), { "denied-a": 1, "denied-b": 1 });
    await set(only("Update:Replace", "*"));
    const renamed = await stacks.update("denied", body({ A, B: group("denied-c", 1) }));
    assert.equal(renamed.StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.equal((await reasons("denied"))[0], denied("B", "Replace", 2));
    assert.equal((await stacks.update("denied", body({ A: group("denied-a", 5) }))).StackStatus, "UPDATE_COMPLETE");
  });

  test("a change set that the policy denies fails when it is executed", async () => {
    const StackName = "denied-set";
    await stacks.create(StackName, body({ A: group("set-a", 1) }), { StackPolicyBody: policy(deny) });
    const TemplateBody = body({ A: group("set-a", 3) });
    const { Id: ChangeSetName } = await cfn.createChangeSet({ StackName, ChangeSetName: "s", TemplateBody });
    await cfn.executeChangeSet({ ChangeSetName });
    assert.equal((await stacks.ended(StackName)).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.deepEqual(await reasons(StackName), [denied("A", "Modify", 1)]);
  });

  test("an empty policy protects nothing; one without a statement about a resource denies its changes", async () => {
    const StackName = "empty";
    await stacks.create(StackName, body({ A: group("empty-a", 1) }), { StackPolicyBody: "{}" });
    assert.equal((await stacks.update(StackName, body({ A: group("empty-a", 3) }))).StackStatus, "UPDATE_COMPLETE");
    assert.equal(await policyOf(StackName), "{}");
    for (const other of [{ Resource: "LogicalResourceId/B" }, { Resource: undefined }]) {
      await cfn.setStackPolicy({ StackName, StackPolicyBody: policy({ ...allow, ...other }) });
      await stacks.update(StackName, body({ A: group("empty-a", 5) }));
      assert.match((await reasons(StackName))[0]!, /^A: Action denied by stack policy: no statement allows/);
    }
  });

  test("what is no stack policy is refused", async () => {
    await stacks.create("refused", body({ A: group("refused-a", 1) }));
    for (const bad of [
      "x",
      JSON.stringify(allow),
      policy({ ...deny, Principal: "someone" }),
      policy({ ...deny, Action: "Delete:*" }),
    ]) {
      await assert.rejects(cfn.setStackPolicy({ StackName: "refused", StackPolicyBody: bad }), {
        name: "ValidationError",
        message: "Error validating stack policy: Invalid stack policy",
      });
    }
  });

  test("one update may have a policy of its own; a new one counts after an update that succeeds", async () => {
    const StackName = "own";
    await stacks.create(StackName, body({ A: group("own-a", 1) }), { StackPolicyBody: policy(deny) });
    const next = (days: number) => body({ A: group("own-a", days), B: { ...group("taken", days), DependsOn: "A" } });
    const meanwhile = { StackPolicyDuringUpdateBody: policy(allow) };
    assert.equal((await stacks.update(StackName, next(3), meanwhile)).StackStatus, "UPDATE_COMPLETE");
    assert.equal(await policyOf(StackName), policy(deny));
    const later = { StackPolicyBody: policy(allow) };
    assert.equal((await stacks.update(StackName, next(5), later)).StackStatus, "UPDATE_ROLLBACK_COMPLETE");
    assert.equal(await policyOf(StackName), policy(deny));
    assert.equal((await stacks.update(StackName, next(5), { ...meanwhile, ...later })).StackStatus, "UPDATE_COMPLETE");
    assert.equal(await policyOf(StackName), policy(allow));
  });
});
