import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as Cfn from "@aws-sdk/client-cloudformation";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { SQS } from "@aws-sdk/client-sqs";
import { body, group, openStacks, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

let app: TestApp;
let cfn: Cfn.CloudFormation;
let logs: CloudWatchLogs;
let { create, ended, events, retention } = {} as Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new Cfn.CloudFormation(app.client);
  logs = new CloudWatchLogs(app.client);
  ({ create, ended, events, retention } = openStacks(app.client));
});
after(() => app.stop());

const kept = { DeletionPolicy: "Retain" };
const toImport = (LogicalResourceId: string, LogGroupName: string): Cfn.ResourceToImport => ({
  ResourceType: "AWS::Logs::LogGroup",
  LogicalResourceId,
  ResourceIdentifier: { LogGroupName },
});
const importSet = (StackName: string, TemplateBody: string, ...ResourcesToImport: Cfn.ResourceToImport[]) =>
  cfn.createChangeSet({ StackName, ChangeSetName: "import", ChangeSetType: "IMPORT", TemplateBody, ResourcesToImport });
const execute = async (StackName: string, ChangeSetName = "import") => {
  await cfn.executeChangeSet({ StackName, ChangeSetName });
  return ended(StackName);
};

describe("resources that exist already", () => {
  test("become a new stack's by a change set of type IMPORT", async () => {
    await logs.createLogGroup({ logGroupName: "im-a" });
    await importSet("im", body({ A: group("im-a", undefined, kept) }), toImport("A", "im-a"));
    const { Changes } = await cfn.describeChangeSet({ StackName: "im", ChangeSetName: "import" });
    const [change] = Changes!.map((c) => c.ResourceChange!);
    assert.deepEqual([change!.Action, change!.LogicalResourceId, change!.PhysicalResourceId], ["Import", "A", "im-a"]);
    assert.equal((await execute("im")).StackStatus, "IMPORT_COMPLETE");
    assert.deepEqual(await events("im"), [
      "im REVIEW_IN_PROGRESS",
      "im IMPORT_IN_PROGRESS",
      "A IMPORT_IN_PROGRESS",
      "A IMPORT_COMPLETE",
      "A UPDATE_IN_PROGRESS",
      "A UPDATE_COMPLETE",
      "im IMPORT_COMPLETE",
    ]);
    await cfn.updateStack({ StackName: "im", TemplateBody: body({ A: group("im-a", 3, kept) }) });
    assert.equal((await ended("im")).StackStatus, "UPDATE_COMPLETE");
    assert.deepEqual(await retention("im-a"), { "im-a": 3 });
  });

  test("may have any word for a name, in change sets and in stacks", async () => {
    await logs.createLogGroup({ logGroupName: "iw-a" });
    const constructor = group("iw-a", undefined, kept);
    await importSet("iw", body({ constructor }), toImport("constructor", "iw-a"));
    assert.equal((await execute("iw")).StackStatus, "IMPORT_COMPLETE");
    const two = { constructor, toString: group("iw-b") };
    await cfn.createChangeSet({ StackName: "iw", ChangeSetName: "two", TemplateBody: body(two) });
    const { Changes } = await cfn.describeChangeSet({ StackName: "iw", ChangeSetName: "two" });
    assert.deepEqual(
      Changes!.map((c) => [c.ResourceChange!.Action, c.ResourceChange!.LogicalResourceId]),
      [["Add", "toString"]],
    );
    assert.equal((await execute("iw", "two")).StackStatus, "UPDATE_COMPLETE");
  });

  test("are refused where something else changes, the policy is missing or they are another stack's", async () => {
    await logs.createLogGroup({ logGroupName: "ir-a" });
    await create("ir", body({ B: group("ir-b") }));
    const both = body({ A: group("ir-a", undefined, kept), B: group("ir-b", 7) });
    await assert.rejects(importSet("ir", both, toImport("A", "ir-a")), {
      message:
        "You have modified resources [B] in your template that are not being imported. Update, create or delete operations cannot be executed during import operations.",
    });
    const bare = body({ A: group("ir-a"), B: group("ir-b") });
    await assert.rejects(importSet("ir", bare, toImport("A", "ir-a")), {
      message: "The following resources to import [A] must have DeletionPolicy attribute specified in the template.",
    });
    const taken = body({ A: group("im-a", undefined, kept), B: group("ir-b") });
    await assert.rejects(importSet("ir", taken, toImport("A", "im-a")), /im-a already exists in stack arn:/);
    await assert.rejects(importSet("ir", taken), /ResourcesToImport must be specified/);
  });

  test("that are not there fail the import; what was taken in before stays as it is", async () => {
    await logs.createLogGroup({ logGroupName: "if-b" });
    await create("if", body({ A: group("if-a") }));
    const B = group("if-b", undefined, kept);
    const C = { ...group("if-c", undefined, kept), DependsOn: "B" };
    await importSet("if", body({ A: group("if-a"), B, C }), toImport("B", "if-b"), toImport("C", "if-c"));
    const stack = await execute("if");
    assert.equal(stack.StackStatus, "IMPORT_ROLLBACK_COMPLETE");
    const { StackResourceSummaries } = await cfn.listStackResources({ StackName: "if" });
    assert.deepEqual(
      StackResourceSummaries!.map((r) => r.LogicalResourceId),
      ["A"],
    );
    assert.ok(await retention("if-b").then((all) => "if-b" in all));
    const failed = (await cfn.describeStackEvents({ StackName: "if" })).StackEvents!.find(
      (e) => e.ResourceStatus === "IMPORT_FAILED",
    );
    assert.match(
      failed!.ResourceStatusReason!,
      /^Resource of type 'AWS::Logs::LogGroup' with identifier 'if-c' was not/,
    );
  });

  test("are taken in beside new ones with ImportExistingResources, and outlive a rollback", async () => {
    const sqs = new SQS(app.client);
    await sqs.createQueue({ QueueName: "ix" });
    const queue = { Type: "AWS::SQS::Queue", DeletionPolicy: "RetainExceptOnCreate", Properties: { QueueName: "ix" } };
    const bad = { ...group("i x"), DependsOn: "Q" };
    const set = (ChangeSetName: string, resources: object) =>
      cfn.createChangeSet({
        StackName: ChangeSetName,
        ChangeSetName,
        ChangeSetType: "CREATE",
        ImportExistingResources: true,
        TemplateBody: JSON.stringify({ Resources: resources }),
      });
    await set("ix1", { Q: queue, Bad: bad });
    assert.equal((await execute("ix1", "ix1")).StackStatus, "ROLLBACK_COMPLETE");
    assert.ok((await sqs.getQueueUrl({ QueueName: "ix" })).QueueUrl);
    await set("ix2", { Q: queue, New: group("ix-new") });
    const { Changes, ImportExistingResources } = await cfn.describeChangeSet({
      StackName: "ix2",
      ChangeSetName: "ix2",
    });
    assert.equal(ImportExistingResources, true);
    assert.deepEqual(
      Changes!.map((c) => c.ResourceChange!.Action),
      ["Add", "Import"],
    );
    assert.equal((await execute("ix2", "ix2")).StackStatus, "CREATE_COMPLETE");
    const logs = new CloudWatchLogs(app.client);
    await logs.createLogGroup({ logGroupName: "ix" });
    const kept = { DeletionPolicy: "Retain" };
    await set("ix3", { Q: queue, Owned: group("ix-new", undefined, kept), Free: group("ix", undefined, kept) });
    const third = await cfn.describeChangeSet({ StackName: "ix3", ChangeSetName: "ix3" });
    assert.deepEqual(third.Changes!.map(({ ResourceChange: c }) => `${c!.LogicalResourceId} ${c!.Action}`).toSorted(), [
      "Free Import",
      "Owned Add",
      "Q Add",
    ]);
  });
});
