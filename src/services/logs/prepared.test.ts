import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { IAM } from "@aws-sdk/client-iam";
import { createContext, type Context } from "../../aws/context.ts";
import type { Principal } from "../../aws/principal.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

describe("PutLogEvents that is prepared", () => {
  let app: TestApp;
  let logs: CloudWatchLogs;
  let iam: IAM;
  before(async () => {
    app = await startTestApp();
    logs = new CloudWatchLogs(app.client);
    iam = new IAM(app.client);
    await logs.createLogGroup({ logGroupName: "g" });
    await logs.createLogStream({ logGroupName: "g", logStreamName: "s" });
  });
  after(() => app.stop());

  const as = (principal: Principal): Context<any> => {
    const { platform, registry } = app.running;
    return createContext(platform, registry, {
      service: "lambda",
      account: principal.account,
      region: "us-east-1",
      principal,
    });
  };
  const root: Principal = { kind: "root", account: "000000000000", arn: "arn:aws:iam::000000000000:root", id: "0" };
  const input = (logStreamName = "s") => ({
    logGroupName: "g",
    logStreamName,
    logEvents: [{ timestamp: Date.now(), message: "one" }],
  });
  /** A user who may put events, where the condition holds. */
  async function user(name: string, condition?: object): Promise<Principal> {
    const { User } = await iam.createUser({ UserName: name });
    const Statement = [
      { Effect: "Allow", Action: "logs:PutLogEvents", Resource: "*", ...(condition ? { Condition: condition } : {}) },
    ];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await iam.putUserPolicy({ UserName: name, PolicyName: "p", PolicyDocument });
    return { kind: "user", account: "000000000000", arn: User!.Arn!, id: User!.UserId!, name };
  }

  test("stores what each call brings, within the limits of the API", async () => {
    const put = await as(root).prepare("logs", "PutLogEvents", input());
    assert.ok(put);
    const now = Date.now();
    await put({ requestId: "1" }, { logEvents: [{ timestamp: now, message: "two" }] });
    const early = { timestamp: now - 15 * 86_400_000, message: "old" };
    const { rejectedLogEventsInfo } = await put(
      { requestId: "2" },
      { logEvents: [early, { timestamp: now, message: "three" }] },
    );
    assert.deepEqual(rejectedLogEventsInfo, { tooOldLogEventEndIndex: 1 });
    const late = [
      { timestamp: now, message: "b" },
      { timestamp: now - 1, message: "a" },
    ];
    await assert.rejects(put({ requestId: "3" }, { logEvents: late }), { code: "InvalidParameterException" });
    const { events } = await logs.getLogEvents({ logGroupName: "g", logStreamName: "s", startFromHead: true });
    assert.deepEqual(
      events?.map((event) => event.message),
      ["two", "three"],
    );
  });

  test("is refused ahead where the call would be", async () => {
    await assert.rejects(as(root).prepare("logs", "PutLogEvents", input("none")), {
      code: "ResourceNotFoundException",
    });
    await assert.rejects(as(root).prepare("logs", "PutLogEvents", { logGroupName: "g" }));
    const nobody: Principal = { kind: "service", account: "000000000000", service: "sns.amazonaws.com" };
    await assert.rejects(as(nobody).prepare("logs", "PutLogEvents", input()), { status: 400 });
  });

  test("is not to be had where a policy asks what only the call tells", async () => {
    assert.ok(await as(await user("plain")).prepare("logs", "PutLogEvents", input()));
    const timed = await user("timed", { DateGreaterThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } });
    assert.equal(await as(timed).prepare("logs", "PutLogEvents", input()), undefined);
    assert.ok(await as(timed).call("logs", "PutLogEvents", input()));
    assert.equal(await as(root).prepare("logs", "CreateLogGroup", { logGroupName: "h" }), undefined);
  });
});
