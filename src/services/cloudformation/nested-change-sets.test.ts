import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { S3 } from "@aws-sdk/client-s3";
import { body, group, openStacks, type Resources, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: Cfn.CloudFormation;
let s3: S3;
let { ended, retention } = {} as Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new Cfn.CloudFormation(app.client);
  s3 = new S3({ ...app.client, forcePathStyle: true });
  ({ ended, retention } = openStacks(app.client));
  await s3.createBucket({ Bucket: "templates" });
});
after(() => app.stop());

const put = (Key: string, Body: string) => s3.putObject({ Bucket: "templates", Key, Body });
const nested = (key: string, Parameters: object = {}) => ({
  Type: "AWS::CloudFormation::Stack",
  Properties: { TemplateURL: `https://s3.amazonaws.com/templates/${key}`, Parameters },
});
const days = (name: string) =>
  body({ G: group(name, { Ref: "Days" }) }, { Parameters: { Days: { Type: "Number", Default: 1 } } });
const plan = (StackName: string, ChangeSetName: string, resources: Resources, ChangeSetType?: Cfn.ChangeSetType) =>
  cfn.createChangeSet({
    StackName,
    ChangeSetName,
    TemplateBody: body(resources),
    IncludeNestedStacks: true,
    ...(ChangeSetType ? { ChangeSetType } : {}),
  });
const shown = async (ChangeSetName: string, StackName?: string) =>
  cfn.describeChangeSet({ ChangeSetName, ...(StackName ? { StackName } : {}) });
const execute = async (StackName: string, ChangeSetName: string) => {
  await cfn.executeChangeSet({ StackName, ChangeSetName });
  return ended(StackName);
};

describe("change sets with nested stacks", () => {
  test("show and make all that a new stack will have, from the templates as they were read", async () => {
    await put("leaf", days("n-leaf"));
    await put("middle", body({ Leaf: nested("leaf", { Days: 3 }), Own: group("n-middle") }));
    const { Id } = await plan("n", "first", { Middle: nested("middle") }, "CREATE");
    const root = await shown(Id!);
    assert.equal(root.IncludeNestedStacks, true);
    const middle = await shown(root.Changes![0]!.ResourceChange!.ChangeSetId!);
    assert.deepEqual([middle.ParentChangeSetId, middle.RootChangeSetId], [Id, Id]);
    assert.match(middle.ChangeSetName!, /^first-Middle-[A-Z0-9]{12}$/);
    assert.deepEqual(
      middle.Changes!.map((c) => c.ResourceChange!.LogicalResourceId),
      ["Leaf", "Own"],
    );
    const leaf = await shown(middle.Changes![0]!.ResourceChange!.ChangeSetId!);
    assert.deepEqual([leaf.ParentChangeSetId, leaf.RootChangeSetId], [middle.ChangeSetId, Id]);
    assert.equal(
      (await cfn.describeStacks({ StackName: leaf.StackId! })).Stacks![0]!.StackStatus,
      "REVIEW_IN_PROGRESS",
    );
    await assert.rejects(cfn.executeChangeSet({ ChangeSetName: leaf.ChangeSetId! }), /execute its root change set/);
    await put("leaf", days("n-other"));
    assert.equal((await execute("n", "first")).StackStatus, "CREATE_COMPLETE");
    assert.deepEqual(await retention("n-"), { "n-leaf": 3, "n-middle": undefined });
    const made = (await cfn.describeStacks({ StackName: leaf.StackId! })).Stacks![0]!;
    assert.deepEqual([made.StackStatus, made.ChangeSetId], ["CREATE_COMPLETE", leaf.ChangeSetId]);
  });

  test("show what changes below, and nothing where nothing does", async () => {
    await put("leaf", days("n-leaf"));
    await plan("n", "same", { Middle: nested("middle") });
    assert.equal((await shown("same", "n")).Status, "FAILED");
    await put("middle", body({ Leaf: nested("leaf", { Days: 7 }), Own: group("n-middle") }));
    await plan("n", "more", { Middle: nested("middle") });
    const [change] = (await shown("more", "n")).Changes!.map((c) => c.ResourceChange!);
    assert.deepEqual([change!.Action, change!.Details![0]!.ChangeSource], ["Modify", "Automatic"]);
    const middle = await shown(change!.ChangeSetId!);
    assert.deepEqual(
      middle.Changes!.map((c) => c.ResourceChange!.LogicalResourceId),
      ["Leaf"],
    );
    assert.equal((await execute("n", "more")).StackStatus, "UPDATE_COMPLETE");
    assert.equal((await retention("n-"))["n-leaf"], 7);
  });

  test("fail with a nested template that cannot be, and leave nothing when they are deleted", async () => {
    await put("broken", body({ X: { Type: "AWS::Nothing::AtAll" } }));
    const { Id } = await plan("nb", "broken", { Fine: nested("leaf", { Days: 3 }), Bad: nested("broken") }, "CREATE");
    const root = await shown(Id!);
    assert.equal(root.Status, "FAILED");
    assert.match(root.StatusReason!, /^Nested change set arn:.* was not successfully created: Currently in FAILED\.$/);
    const ids = root.Changes!.map((c) => c.ResourceChange!.ChangeSetId!);
    const bad = (await shown(ids[0]!)).StatusReason;
    assert.match(bad!, /Unrecognized resource types: \[AWS::Nothing::AtAll\]/);
    const names = async () => (await cfn.listStacks()).StackSummaries!.filter((s) => s.StackName!.startsWith("nb"));
    assert.equal((await names()).length, 3);
    await cfn.deleteChangeSet({ ChangeSetName: Id! });
    assert.deepEqual(
      (await names()).map((s) => s.StackName),
      ["nb"],
    );
    const hooks = await cfn.describeChangeSetHooks({ StackName: "n", ChangeSetName: "more" });
    assert.deepEqual([hooks.Hooks, hooks.Status], [[], "PLANNED"]);
  });
});
