import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudFormation } from "@aws-sdk/client-cloudformation";
import { S3 } from "@aws-sdk/client-s3";
import { body, group, openStacks, putTo, type Stacks } from "../../../test/support/stacks.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { PARALLEL_STACKS } from "./limits.ts";
import { Turn, Turns } from "./operation/turns.ts";

let app: TestApp;
let cfn: CloudFormation;
let stacks: Stacks;
before(async () => {
  app = await startTestApp();
  cfn = new CloudFormation(app.client);
  stacks = openStacks(app.client);
});
after(() => app.stop());

describe("stacks that wait", () => {
  const waiting = body({
    Handle: { Type: "AWS::CloudFormation::WaitConditionHandle" },
    Wait: { Type: "AWS::CloudFormation::WaitCondition", Properties: { Handle: { Ref: "Handle" }, Timeout: "600" } },
  });
  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    for (const deadline = Date.now() + 20_000; ;) {
      const found = await look();
      if (found !== undefined) return found;
      assert.ok(Date.now() < deadline, what);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  /** The URL of a stack's handle, once its condition waits. */
  const handleOf = (StackName: string): Promise<string> =>
    until(`${StackName} does not wait`, async () => {
      const { StackResources = [] } = await cfn.describeStackResources({ StackName });
      const [handle, wait] = ["Handle", "Wait"].map((id) => StackResources.find((r) => r.LogicalResourceId === id));
      return wait?.PhysicalResourceId === undefined ? undefined : handle!.PhysicalResourceId!;
    });
  const signal = (url: string, UniqueId: string) =>
    putTo(app.endpoint, url, JSON.stringify({ Status: "SUCCESS", UniqueId, Reason: "r", Data: "d" }));

  test("keep no others from going on: conditions, and stacks around them", async () => {
    const Bucket = "waiting-templates";
    const s3 = new S3({ ...app.client, forcePathStyle: true });
    await s3.createBucket({ Bucket });
    await s3.putObject({ Bucket, Key: "child.json", Body: waiting });
    const TemplateURL = `https://${Bucket}.s3.amazonaws.com/child.json`;
    const parent = body({ Child: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL } } });
    const names = Array.from({ length: PARALLEL_STACKS + 1 }, (_none, i) => `waits-${i}`);
    const parents = names.map((name) => `${name}-parent`);
    const create = (TemplateBody: string) => (StackName: string) => cfn.createStack({ StackName, TemplateBody });
    await Promise.all([...names.map(create(waiting)), ...parents.map(create(parent))]);
    const children = await Promise.all(
      parents.map((StackName) =>
        until(`${StackName} has no child`, async () => {
          const { StackResources } = await cfn.describeStackResources({ StackName });
          return StackResources?.[0]?.PhysicalResourceId;
        }),
      ),
    );
    const urls = await Promise.all([...names, ...children].map(handleOf));
    const begun = Date.now();
    assert.equal((await stacks.create("ordinary", body({ A: group("ordinary-a", 1) }))).StackStatus, "CREATE_COMPLETE");
    assert.ok(Date.now() - begun < 5_000);
    // A resource that no signal is for keeps none either: it would be refused the second time.
    const unasked = { LogicalResourceId: "Child", UniqueId: "a", Status: "SUCCESS" } as const;
    for (let i = 0; i < 2; i++) await cfn.signalResource({ StackName: parents[0]!, ...unasked });
    await Promise.all(urls.map((url, i) => signal(url, String(i))));
    for (const name of [...names, ...parents])
      assert.equal((await stacks.ended(name)).StackStatus, "CREATE_COMPLETE", name);
  });
});

describe("resources with a CreationPolicy", () => {
  const begin = async (StackName: string, ResourceSignal: object): Promise<void> => {
    const Wait = { Type: "AWS::CloudFormation::WaitCondition", CreationPolicy: { ResourceSignal } };
    const created = cfn.createStack({ StackName, TemplateBody: body({ Wait }) });
    for (const deadline = Date.now() + 10_000; ;) {
      const { StackResources = [] } = await cfn.describeStackResources({ StackName }).catch(() => ({}) as never);
      if (StackResources[0]?.ResourceStatus) break;
      assert.ok(Date.now() < deadline, "nothing waits");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    void created.catch(() => undefined);
  };
  const signal = (StackName: string, UniqueId: string, Status: "SUCCESS" | "FAILURE", LogicalResourceId = "Wait") =>
    cfn.signalResource({ StackName, LogicalResourceId, UniqueId, Status });
  const reason = async (StackName: string) =>
    (await cfn.describeStackEvents({ StackName })).StackEvents!.find((e) => e.ResourceStatus === "CREATE_FAILED")
      ?.ResourceStatusReason;

  test("wait for the signals of SignalResource", async () => {
    await begin("signals", { Count: "2", Timeout: "PT10M" });
    await signal("signals", "a", "SUCCESS");
    await assert.rejects(signal("signals", "a", "SUCCESS"), {
      message: "Signal with ID a for resource Wait already exists. Signals may only be updated with a FAILURE status.",
    });
    await assert.rejects(signal("signals", "a", "SUCCESS", "Other"), {
      message: "Resource Other does not exist for stack signals",
    });
    assert.equal((await cfn.describeStacks({ StackName: "signals" })).Stacks![0]!.StackStatus, "CREATE_IN_PROGRESS");
    await signal("signals", "b", "SUCCESS");
    const { StackStatus, StackId } = await stacks.ended("signals");
    assert.equal(StackStatus, "CREATE_COMPLETE");
    await assert.rejects(signal("signals", "c", "SUCCESS"), {
      message: `Stack ${StackId} is in CREATE_COMPLETE state and cannot be signaled`,
    });
  });

  test("fail by a signal, and when their time is over", async () => {
    await begin("bad", { Timeout: "PT10M" });
    await signal("bad", "a", "FAILURE");
    assert.equal((await stacks.ended("bad")).StackStatus, "ROLLBACK_COMPLETE");
    assert.equal(await reason("bad"), "Received FAILURE signal with UniqueId a");
    await begin("late", { Count: 3, Timeout: "PT1S" });
    assert.equal((await stacks.ended("late")).StackStatus, "ROLLBACK_COMPLETE");
    assert.equal(await reason("late"), "Failed to receive 3 resource signal(s) within the specified duration");
    await begin("wrong", { Timeout: "15 minutes" });
    assert.equal((await stacks.ended("wrong")).StackStatus, "ROLLBACK_COMPLETE");
    assert.match((await reason("wrong"))!, /must be a duration like PT15M/);
  });
});

describe("turns", () => {
  const { signal } = new AbortController();

  test("are given in order, and given back while all that share one wait", async () => {
    const turns = new Turns(1);
    const told: string[] = [];
    const answer = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const first = new Turn(turns, signal);
    const waits = first.during(async () => {
      const part = (name: string) =>
        first.during(async () => {
          told.push(`${name} asks`);
          if (name === "b") asked.resolve();
          await first.without(() => answer.promise);
          told.push(`${name} goes on`);
        });
      await first.without(() => Promise.all([part("a"), part("b")]));
      told.push("first ends");
    });
    await asked.promise;
    await new Turn(turns, signal).during(async () => void told.push("second"));
    answer.resolve();
    await waits;
    assert.deepEqual(told, ["a asks", "b asks", "second", "a goes on", "b goes on", "first ends"]);
    await new Turn(turns, signal).during(async () => void told.push("third"));
    assert.equal(told.at(-1), "third");
  });

  test("are not waited for any longer once the platform stops", async () => {
    const turns = new Turns(1);
    const stop = new AbortController();
    const busy = Promise.withResolvers<void>();
    const first = new Turn(turns, signal).during(() => busy.promise);
    const second = new Turn(turns, stop.signal).during(async () => assert.fail("it has no turn"));
    stop.abort(new Error("stopped"));
    await assert.rejects(second, { message: "stopped" });
    busy.resolve();
    await first;
    await new Turn(turns, signal).during(async () => undefined);
  });
});
